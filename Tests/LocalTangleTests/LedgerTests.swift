import IRICommands
import LocalTangle
import Tangle
import Ternary
import Testing

@Suite struct LedgerTests {
    let ledger = Ledger()

    @Test func findsAnyOfOneListAndAllOfTheLists() throws {
        let (red, blue) = (try tag("RED"), try tag("BLUE"))
        let a = try ledger.store(try bundle(at: try address("A"), tag: red, fragments: 2))
        let b = try ledger.store(try bundle(at: try address("B"), tag: red))
        let c = try ledger.store(try bundle(at: try address("C"), tag: blue))
        let here = try ["A", "B", "C", "D"].map { try address($0) }

        #expect(ledger.find(TransactionQuery(addresses: [here[2], here[0]])) == a + c)
        #expect(ledger.find(TransactionQuery(tags: [red])) == a + b)
        #expect(ledger.find(TransactionQuery(addresses: [here[0], here[2]], tags: [red])) == a)
        #expect(ledger.find(TransactionQuery(addresses: [here[0]], tags: [blue])) == [])
        #expect(ledger.find(TransactionQuery(addresses: here, tags: [red, blue])) == a + b + c)
        #expect(ledger.find(TransactionQuery(addresses: [])) == [])
        #expect(ledger.find(TransactionQuery()) == [])
        let bundleHash = try #require(ledger.transaction(a[0])?.bundle)
        #expect(ledger.find(TransactionQuery(bundles: [bundleHash])) == a)
        // The first transaction's trunk is the second.
        #expect(ledger.find(TransactionQuery(approvees: [a[1]])) == [a[0]])
    }

    @Test func keepsTransactionsOnceAndInTheirOrder() throws {
        let three = try bundle(at: try address("A"), tag: try tag("T"), fragments: 3)
        let last = try ledger.store([three[2]])
        let all = try ledger.store(three)
        #expect(ledger.count == 3)
        #expect(
            ledger.find(TransactionQuery(addresses: [try address("A")])) == [
                all[2], all[0], all[1],
            ])
        #expect(last == [all[2]])
        #expect(ledger.entries(all).map { $0?.milestone } == [2, 2, 1])
        #expect(ledger.entries(all).map { $0?.transaction } == three)
        try ledger.store(three)
        #expect(ledger.latestMilestone == 2)
    }

    @Test func keepsPendingTransactionsUnconfirmed() throws {
        let hashes = try ledger.store(
            try bundle(at: try address("A"), tag: try tag("T")), confirmed: false)
        #expect(ledger.entries(hashes).map { $0?.milestone } == [nil])
        #expect(ledger.latestMilestone == 0)
    }

    @Test func takesAllOrNoneWhereItIsFull() throws {
        let ledger = Ledger(capacity: 2)
        let three = try bundle(at: try address("A"), tag: try tag("T"), fragments: 3)
        #expect(throws: LedgerError.full(capacity: 2)) { try ledger.store(three) }
        #expect(ledger.count == 0)
        try ledger.store([three[0], three[0], three[1]])
        // What is known takes no room.
        try ledger.store([three[1]])
        #expect(throws: LedgerError.full(capacity: 2)) { try ledger.store([three[2]]) }
        ledger.prune()
        try ledger.store([three[2]])
        #expect(ledger.count == 1)
    }

    @Test func forgetsEverythingWhenPrunedAndTakesItAgain() throws {
        let two = try bundle(at: try address("A"), tag: try tag("T"), fragments: 2)
        let hashes = try ledger.store(two)
        #expect(ledger.prune() == 2)
        #expect(ledger.count == 0)
        #expect(ledger.snapshotMilestone == 1)
        #expect(ledger.entries(hashes) == [nil, nil])
        #expect(
            ledger.find(TransactionQuery(addresses: [try address("A")], tags: [try tag("T")])) == []
        )
        #expect(try ledger.store(two) == hashes)
        #expect(ledger.entries(hashes).map { $0?.milestone } == [2, 2])
        #expect(ledger.prune() == 2)
        #expect(ledger.prune() == 0)
    }

    @Test func servesReadersAndWritersAtOnce() async throws {
        let bundles = try (0..<20).map { number in
            try bundle(at: try address("A"), tag: try tag(number.isMultiple(of: 2) ? "T" : "U"))
        }
        let here = try address("A")
        await withTaskGroup(of: Void.self) { group in
            for bundle in bundles {
                group.addTask { [ledger] in
                    _ = try? ledger.store(bundle)
                    _ = ledger.find(TransactionQuery(addresses: [here]))
                }
            }
        }
        #expect(ledger.count == Set(bundles.joined()).count)
    }
}
