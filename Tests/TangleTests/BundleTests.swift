import Tangle
import Ternary
import Testing

/// Bundles that were made to be wrong. Those whose essence changes get its true hash again, so
/// that only what is tested is wrong.
@Suite struct BundleTests {
    let address: Hash
    let sound: [TransactionFields]

    init() throws {
        address = try Hash(String(repeating: "A", count: 81))
        let message = try Trytes(String(repeating: "MAM", count: 2000))
        sound = try BundleBuilder.bundle(
            address: address, messageTrytes: message, tag: Trytes("TAG"), timestamp: 1_700_000_000
        ).map { try TransactionFields($0) }
    }

    /// Kerl over the essences, written here again.
    func sealed(_ fields: [TransactionFields]) throws -> [TransactionFields] {
        let essences = try fields.flatMap { try $0.transaction().trytes.ascii[2187..<2349] }
        let hash = try Hash(trits: Kerl.hash(Trytes(validated: essences).trits))
        return fields.map {
            var field = $0
            field.bundle = hash
            return field
        }
    }

    /// With each trunk the hash of the next.
    func linked(_ fields: [TransactionFields]) throws -> [Transaction] {
        var transactions: [Transaction] = []
        for var field in fields.reversed() {
            if let next = transactions.last { field.trunk = next.hash() }
            transactions.append(try field.transaction())
        }
        return transactions.reversed()
    }

    /// Validates them given as a list and found by their trunks, which must agree.
    func fault(_ fields: [TransactionFields]) throws -> BundleFault? {
        let transactions = try linked(fields)
        let known = Dictionary(
            transactions.map { ($0.hash(), $0) }, uniquingKeysWith: { first, _ in first })
        let tail = try #require(transactions.first).hash()
        let outcome = BundleAssembly.assemble(tail: tail) { known[$0] }
        do throws(BundleFault) {
            let bundle = try Bundle(transactions)
            #expect(outcome == .complete(bundle))
            return nil
        } catch {
            #expect(outcome == .invalid(error))
            return error
        }
    }

    @Test func whatIsBuiltIsABundle() throws {
        #expect(sound.count == 3)
        #expect(try sealed(sound) == sound)
        #expect(try fault(sound) == nil)
        let bundle = try Bundle(linked(sound))
        #expect(bundle.address == address)
        #expect(bundle.bundleHash == sound[0].bundle)
        #expect(bundle.messageTrytes.count == 3 * 2187)
        #expect(bundle.messageTrytes[0..<6000].description == String(repeating: "MAM", count: 2000))
        #expect(bundle.messageTrytes[6000..<6561].ascii.allSatisfy { $0 == UInt8(ascii: "9") })
    }

    @Test func theBundleHashDoesNotCoverTheMessage() throws {
        var fields = sound
        fields[1].signatureMessageFragment = try Trytes("OTHER")
        #expect(try fault(fields) == nil)
        #expect(try Bundle(linked(fields)) != Bundle(linked(sound)))
        #expect(try Bundle(linked(fields)).bundleHash == Bundle(linked(sound)).bundleHash)
    }

    @Test func theEssenceMustGiveTheBundleHash() throws {
        var fields = sound
        fields[1].timestamp += 1
        #expect(try fault(fields) == .wrongBundleHash)
        #expect(try fault(sealed(fields)) == nil)
    }

    /// Kerl takes no notice of an address's last trit, so the bundle hash stays the same.
    @Test func addressesThatDifferInTheLastTritAreKeptApart() throws {
        var trits = address.trits
        trits[242] = trits[242] == 0 ? 1 : 0
        var fields = sound
        for index in fields.indices { fields[index].address = try Hash(trits: trits) }
        #expect(try fault(fields) == nil)
        #expect(try Bundle(linked(fields)).address != address)
    }

    @Test func indexesMustCountFromTheTail() throws {
        for (position, index) in [(0, 1), (0, -1), (0, 3_812_798_742_493)] as [(Int, Int64)] {
            var fields = sound
            fields[position].currentIndex = index
            #expect(try fault(sealed(fields)) == .notATail(index: index))
        }
        for index in [0, 2, -1, 3_812_798_742_493, -3_812_798_742_493] as [Int64] {
            var fields = sound
            fields[1].currentIndex = index
            #expect(try fault(sealed(fields)) == .wrongIndex(position: 1, index: index))
        }
    }

    @Test func theLastIndexIsBoundedAndOne() throws {
        for index in [3_812_798_742_493, 1000] as [Int64] {
            var fields = sound
            for place in fields.indices { fields[place].lastIndex = index }
            #expect(try fault(sealed(fields)) == .tooManyTransactions(lastIndex: index))
        }
        for index in [-1, -3_812_798_742_493] as [Int64] {
            var fields = sound
            for place in fields.indices { fields[place].lastIndex = index }
            #expect(try fault(sealed(fields)) == .negativeLastIndex(index))
        }
        var fields = sound
        fields[2].lastIndex = 3
        #expect(try fault(sealed(fields)) == .differingLastIndex(position: 2))
    }

    @Test func theBundleHashMustBeOne() throws {
        var fields = sound
        fields[2].bundle = .null
        #expect(try fault(fields) == .differingBundleHash(position: 2))
    }

    @Test func valuesMustSumToNothingWithinTheSupply() throws {
        let supply: Int64 = 2_779_530_283_277_761
        let kerlAddress = try Hash(String(repeating: "9", count: 80) + "C")
        func withValues(_ values: [Int64]) throws -> BundleFault? {
            var fields = sound
            for index in fields.indices {
                fields[index].value = values[index]
                fields[index].address = kerlAddress
            }
            return try fault(sealed(fields))
        }
        #expect(try withValues([5, -5, 0]) == nil)
        #expect(try withValues([supply, -supply, 0]) == nil)
        #expect(try withValues([1, 0, 0]) == .unbalancedValues)
        #expect(try withValues([supply, 1, 0]) == .valueBeyondSupply(position: 1))
        #expect(try withValues([-supply, -supply, supply]) == .valueBeyondSupply(position: 1))
    }

    @Test func noSumOfValuesTraps() throws {
        var field = sound[0]
        field.value = 2_779_530_283_277_761
        field.address = .null
        field.lastIndex = 999
        let fields = (0..<1000).map { index in
            var next = field
            next.currentIndex = Int64(index)
            return next
        }
        #expect(try fault(sealed(fields)) == .valueBeyondSupply(position: 1))
    }

    @Test func aCurlAddressHoldsNoValue() throws {
        var fields = sound
        #expect(address.trits.last == 0)
        let curlAddress = try Hash(String(repeating: "A", count: 80) + "M")
        #expect(curlAddress.trits.last == 1)
        for index in fields.indices { fields[index].address = curlAddress }
        #expect(try fault(sealed(fields)) == nil)
        fields[0].value = 1
        fields[1].value = -1
        #expect(try fault(sealed(fields)) == .valueOnCurlAddress(position: 0))
    }

    @Test func aValueBeyond33TritsIsNone() throws {
        var transactions = try linked(sound)
        var ascii = transactions[0].trytes.ascii
        ascii[2268 + 26] = UInt8(ascii: "M")
        transactions[0] = try Transaction(trytes: Trytes(validated: ascii))
        #expect(throws: BundleFault.unreadableValue(position: 0)) { try Bundle(transactions) }
    }

    @Test func listsThatAreNoBundleAreRefused() throws {
        let transactions = try linked(sound)
        #expect(throws: BundleFault.empty) { try Bundle([]) }
        #expect(throws: BundleFault.wrongCount(expected: 3, actual: 2)) {
            try Bundle(Array(transactions.prefix(2)))
        }
        #expect(throws: BundleFault.notATail(index: 2)) { try Bundle(transactions.reversed()) }
        #expect(throws: BundleFault.wrongTrunk(position: 0)) {
            try Bundle(sound.map { try $0.transaction() })
        }
        let many = [Transaction](repeating: transactions[0], count: 1001)
        #expect(throws: BundleFault.tooManyTransactions(lastIndex: 1000)) { try Bundle(many) }
    }

    /// No real transactions can have these trunks, but a store that lies can.
    @Test func cyclesInTheTrunksEnd() throws {
        let transactions = try sound.map { try $0.transaction() }
        let tail = transactions[0].hash()
        var lookups = 0
        let toItself = BundleAssembly.assemble(tail: tail) { _ in
            lookups += 1
            return transactions[0]
        }
        #expect(toItself == .invalid(.wrongIndex(position: 1, index: 0)))
        let ofTwo = BundleAssembly.assemble(tail: tail) { _ in
            lookups += 1
            return transactions[lookups % 2 == 1 ? 0 : 1]
        }
        #expect(ofTwo == .invalid(.wrongIndex(position: 2, index: 0)))
        #expect(lookups == 5)
    }

    @Test func reachesBeyondTheLastIndexForNothing() throws {
        let transactions = try linked(sound)
        let known = Dictionary(uniqueKeysWithValues: transactions.map { ($0.hash(), $0) })
        var asked: [Hash] = []
        let outcome = BundleAssembly.assemble(tail: transactions[0].hash()) {
            asked.append($0)
            return known[$0]
        }
        #expect(outcome == .complete(try Bundle(transactions)))
        #expect(asked == transactions.map { $0.hash() })
    }

    @Test func whatIsMissingIsNotInvalid() throws {
        let transactions = try linked(sound)
        let hashes = transactions.map { $0.hash() }
        for absent in 0..<3 {
            let outcome = BundleAssembly.assemble(tail: hashes[0]) { hash in
                hashes.firstIndex(of: hash).flatMap { $0 == absent ? nil : transactions[$0] }
            }
            #expect(outcome == .missing([hashes[absent]]))
        }
    }

    @Test func randomTransactionsAreNeverABundle() throws {
        var state: UInt64 = 7
        func random() -> UInt8 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Array("9ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)[Int(state >> 33) % 27]
        }
        for round in 0..<50 {
            var ascii = (0..<Transaction.tryteCount).map { _ in random() }
            if round % 2 == 1 {
                ascii.replaceSubrange(2331..<2349, with: [UInt8](repeating: 57, count: 18))
            }
            let transaction = try Transaction(trytes: Trytes(ascii: ascii))
            let outcome = BundleAssembly.assemble(tail: transaction.hash()) { _ in transaction }
            guard case .invalid = outcome else {
                Issue.record("\(outcome)")
                continue
            }
        }
    }
}
