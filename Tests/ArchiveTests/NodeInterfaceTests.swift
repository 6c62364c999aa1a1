import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import Postgres
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// What a node's commands are answered from: who finds what, and when it is there.
@Suite struct NodeInterfaceTests {
    private func transactions(_ name: String) throws -> [(hash: Hash, transaction: Transaction)] {
        let recorded = try RecordedTangle()
        let all = try ChannelVector.named(name).messages.flatMap(\.transactions).compactMap {
            hash in recorded.transactions[hash].map { (hash, $0) }
        }
        try #require(!all.isEmpty)
        return all
    }

    private func switchOn(
        _ test: TestArchive, _ channel: ChannelNumber, _ interface: NodeInterface = .public
    ) async throws {
        try await test.archive.setNodeInterface(interface, of: channel)
        while try await test.archive.workOnNodeLookups(of: channel) {}
    }

    @Test(arguments: ["public", "meter", "tagged", "edge-sizes"])
    func everyTransactionIsFoundByEverythingItHasAndComesBackToTheTrit(_ name: String) async throws
    {
        try await TestArchive.with { test in
            let channel = try await test.fill(channel: name)
            try await switchOn(test, channel)
            let archive = test.archive
            let all = try transactions(name)
            for (hash, transaction) in all {
                let queries = [
                    TransactionQuery(addresses: [transaction.address]),
                    TransactionQuery(bundles: [transaction.bundle]),
                    TransactionQuery(tags: [transaction.tag]),
                    TransactionQuery(approvees: [transaction.trunk]),
                    TransactionQuery(approvees: [transaction.branch]),
                    TransactionQuery(
                        addresses: [transaction.address], bundles: [transaction.bundle]),
                ]
                for query in queries {
                    func isAsked(_ other: Transaction) -> Bool {
                        query.addresses.map { $0.contains(other.address) } ?? true
                            && query.bundles.map { $0.contains(other.bundle) } ?? true
                            && query.tags.map { $0.contains(other.tag) } ?? true
                            && query.approvees.map {
                                $0.contains(other.trunk) || $0.contains(other.branch)
                            } ?? true
                    }
                    let isNull =
                        query.approvees == [.null]
                        || query.tags?.allSatisfy { $0.ascii.allSatisfy { $0 == 57 } } ?? false
                    guard !isNull else { continue }
                    let found = try #require(
                        await archive.nodeTransactions(query, limit: 1000, for: nil)
                    ).value
                    #expect(Set(found) == Set(all.filter { isAsked($0.transaction) }.map(\.hash)))
                    #expect(found.contains(hash))
                }
            }
            var trytes: [Hash: Trytes] = [:]
            for start in stride(from: 0, to: all.count, by: Archive.nodeTrytesLimit) {
                let part = all[start..<min(start + Archive.nodeTrytesLimit, all.count)]
                trytes.merge(
                    try await archive.nodeTrytes(part.map(\.hash), for: nil).value,
                    uniquingKeysWith: { first, _ in first })
            }
            #expect(trytes.count == all.count)
            for (hash, transaction) in all {
                #expect(trytes[hash] == transaction.trytes)
                let back = try Transaction(trytes: #require(trytes[hash]))
                #expect(back.hash() == hash)
            }
        }
    }

    @Test func listsAreIntersectedAndTheirValuesJoined() async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill(channel: "public")
            try await switchOn(test, channel)
            let all = try transactions("public")
            let (first, last) = (all[0].transaction, all[all.count - 1].transaction)
            #expect(first.address != last.address)
            func find(_ query: TransactionQuery) async throws -> Set<Hash> {
                Set(
                    try await test.archive.nodeTransactions(query, limit: 100, for: nil)?.value
                        ?? [])
            }
            let both = try await find(TransactionQuery(addresses: [first.address, last.address]))
            #expect(both.count == 6)
            #expect(
                try await find(
                    TransactionQuery(
                        addresses: [first.address, last.address], bundles: [last.bundle]))
                    == find(TransactionQuery(bundles: [last.bundle])))
            #expect(
                try await find(TransactionQuery(addresses: [first.address], bundles: [last.bundle]))
                    .isEmpty)
            #expect(try await find(TransactionQuery(addresses: [])).isEmpty)
            // One inside of a bundle approves exactly the one behind it.
            let behind = try #require(all.first { $0.transaction.currentIndex == 1 })
            let approving = try await find(TransactionQuery(approvees: [behind.hash]))
            #expect(approving.count == 1)
            #expect(
                try await test.archive.nodeTransactions(
                    TransactionQuery(addresses: [first.address]), limit: 2, for: nil)?.value == nil)
        }
    }

    @Test func whoMayNotKnowAChannelFindsNothingByTheSameStatements() async throws {
        try await TestArchive.with { test in
            let archive = test.archive
            let channel = try await test.fill(channel: "private")
            let all = try transactions("private")
            let address = all[0].transaction.address
            let inside = try #require(all.first { $0.transaction.currentIndex == 1 }).hash
            func finds(_ asker: NodeAsker) async throws -> [Int] {
                let found = try await archive.nodeTransactions(
                    TransactionQuery(addresses: [address]), limit: 100, for: asker)?.value
                let approving = try await archive.nodeTransactions(
                    TransactionQuery(approvees: [inside]), limit: 100, for: asker)?.value
                let trytes = try await archive.nodeTrytes(all.map(\.hash), for: asker).value
                return [found?.count ?? -1, approving?.count ?? -1, trytes.count]
            }
            let askers: [NodeAsker] = [nil, .only([]), .only([channel]), .all]
            func expect(_ expected: [Bool]) async throws {
                for (asker, isFound) in zip(askers, expected) {
                    let found = try await finds(asker)
                    #expect(found.allSatisfy { ($0 > 0) == isFound }, "\(found)")
                }
            }
            try await expect([false, false, false, false])
            try await switchOn(test, channel, .token)
            try await expect([false, false, true, true])
            try await archive.setNodeInterface(.public, of: channel)
            try await expect([true, true, true, true])
            try await archive.restrict(channel)
            try await expect([false, false, false, false])
            try await archive.lift(channel, now: Date())
            try await expect([true, true, true, true])
            try await archive.setNodeInterface(nil, of: channel)
            try await expect([false, false, false, false])
        }
    }

    @Test func lookupsAreThereOnlyWhileItIsOn() async throws {
        try await TestArchive.with { test in
            let archive = test.archive
            let clock = TestClock()
            let channel = try await test.fill(channel: "tree-of-4", clock: clock)
            #expect(try await test.rowCount(of: "node_lookup") == 0)
            try await archive.setNodeInterface(.token, of: channel, now: clock.now)
            #expect(try await !archive.channel(channel).nodeInterfaceIsReady)
            while try await archive.workOnNodeLookups() {}
            #expect(try await archive.channel(channel).nodeInterfaceIsReady)
            let messages = try await archive.channel(channel).messageCount
            #expect(try await test.rowCount(of: "node_attachment") == Int(messages))
            let lookups = try await test.rowCount(of: "node_lookup")
            #expect(lookups > 5 * Int(messages))
            // Off and on again before anything was deleted makes nothing twice.
            try await archive.setNodeInterface(nil, of: channel, now: clock.now)
            try await archive.setNodeInterface(.public, of: channel, now: clock.now)
            while try await archive.workOnNodeLookups() {}
            #expect(try await test.rowCount(of: "node_lookup") == lookups)
            try await archive.setNodeInterface(nil, of: channel, now: clock.now)
            while try await archive.workOnNodeLookups() {}
            #expect(try await test.rowCount(of: "node_lookup") == 0)
            #expect(try await test.rowCount(of: "node_attachment") == 0)
            #expect(try await archive.channel(channel).nodeInterface == nil)
            let entries = try await archive.auditEntries(of: channel)
            #expect(entries.filter { $0 == "channel.node-interface-set" }.count == 4)
        }
    }

    /// Switched on before anything was found: the crawl's commits bring what is looked up.
    @Test func whatComesInIsFoundAtOnce() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("attacked")
            let channel = try await test.register(vector, now: clock.now)
            try await test.archive.setNodeInterface(.public, of: channel, now: clock.now)
            while try await test.archive.workOnNodeLookups() {}
            let tangle = try MemoryTangle.recorded()
            _ = try await test.crawler(tangle, clock: clock).crawlUntilIdle()
            let kept = try await test.archive.channel(channel).messageCount + 1
            #expect(try await test.rowCount(of: "node_attachment") == Int(kept))
            for message in vector.messages {
                let found = try await test.archive.nodeTransactions(
                    TransactionQuery(addresses: [message.address]), limit: 100, for: nil)?.value
                // Junk and forgeries at the same address are not among it.
                #expect(Set(message.transactions).isSubset(of: Set(found ?? [])))
                let trytes = try await test.archive.nodeTrytes(found ?? [], for: nil).value
                #expect(trytes.count == found?.count)
                for (hash, text) in trytes {
                    #expect(try Transaction(trytes: text).hash() == hash)
                }
            }
            let before = try await test.rowCount(of: "node_lookup")
            // Made again of all that is stored, it is the same.
            try await test.archive.setNodeInterface(nil, of: channel, now: clock.now)
            while try await test.archive.workOnNodeLookups() {}
            try await switchOn(test, channel)
            #expect(try await test.rowCount(of: "node_lookup") == before)
        }
    }

    @Test func whoAskAtTheSameTimeAreAnsweredByFewStatementsAndEachHisOwn() async throws {
        try await TestArchive.with { test in
            for name in ["public", "edge-sizes"] {
                try await switchOn(test, try await test.fill(channel: name))
            }
            let archive = test.archive
            let statements = Mutex(0)
            let all = try transactions("public") + transactions("edge-sizes")
            let observer = StatementObserver { sql in
                if sql.contains("node_lookup") { statements.withLock { $0 += 1 } }
            }
            try await StatementObserver.$current.withValue(observer) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (hash, transaction) in all {
                        group.addTask {
                            let found = try await archive.nodeTransactions(
                                TransactionQuery(addresses: [transaction.address]), limit: 1000,
                                for: nil)
                            let same = all.filter { $0.transaction.address == transaction.address }
                            #expect(Set(found?.value ?? []) == Set(same.map(\.hash)))
                        }
                        group.addTask {
                            // One that is known to nobody, in between.
                            let trytes = try await archive.nodeTrytes([hash, .null], for: nil)
                            #expect(trytes.value == [hash: transaction.trytes])
                        }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(all.count > 20)
            #expect(statements.withLock { $0 } < all.count)
        }
    }

    @Test func aValueThatWasMovedIsDamagedAndNotAnswered() async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill(channel: "public")
            try await switchOn(test, channel)
            let all = try transactions("public")
            try await test.execute(
                """
                update node_attachment set sealed_hashes = (
                    select sealed_hashes from node_attachment where sequence = 1)
                where sequence = 0
                """)
            await #expect(throws: (any Error).self) {
                _ = try await test.archive.nodeTrytes(all.map(\.hash), for: nil)
            }
        }
    }
}

extension Archive {
    fileprivate func auditEntries(of channel: ChannelNumber) async throws -> [String] {
        try await pool.withConnection {
            try await $0.query(
                "select kind from audit_entry where leaf = $1", [.int64(channel.rawValue)]
            ).map { try $0.text("kind") }
        }
    }
}
