import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import MAM
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

import struct Tangle.Bundle

/// Chains and bundles that lead nowhere, or in a circle.
@Suite struct HostileChainTests {
    /// A message of tree `tree` of the channel with this seed, that names any next root.
    private static func message(
        _ seed: Character, tree: UInt64, text: String, next: Root
    ) throws -> Bundle {
        let writer = try Written.channel(seed, tree: tree)
        let payload = try MessageWriter(
            root: writer.root, nextRoot: next, sideKey: nil,
            seed: Seed(String(repeating: seed, count: 81)), firstLeaf: tree, securityLevel: 1
        ).payload(content: MessageText.trytes(text).trits, index: 0, siblings: [])
        return try Written.bundle(payload, at: writer.address)
    }

    @Test func aChainThatLeadsToItselfIsStalledAndStaysSo() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let root = try Written.channel("J").root
            let tangle = MemoryTangle()
            tangle.add(try Self.message("J", tree: 0, text: "round and round", next: root))
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
            let crawler = try test.crawler(tangle, clock: clock)
            for _ in 0..<3 {
                let summary = try await crawler.crawlUntilIdle()
                #expect(summary.treesPassed <= 1)
                let record = try await test.archive.channel(channel)
                #expect(record.state == .stalled)
                #expect(record.reason == StallReason.cycle.rawValue)
                #expect(record.messageCount == 1)
                #expect(record.headPosition == 1)
                clock.advance(CrawlPolicy().longestWait)
            }
            // A crawler that remembers nothing says the same.
            _ = try await test.crawler(tangle, clock: clock).crawlUntilIdle()
            #expect(
                try await test.archive.channel(channel).reason == StallReason.cycle.rawValue)
            #expect(try await test.read(channel).map(\.message.text) == ["round and round"])
        }
    }

    @Test func aChainThatLeadsBackIsStalledOnceItIsThere() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let roots = try (0..<4).map { try Written.channel("K", tree: UInt64($0)).root }
            let tangle = MemoryTangle()
            for tree in 0..<4 {
                let next = tree == 3 ? roots[1] : roots[tree + 1]
                tangle.add(
                    try Self.message("K", tree: UInt64(tree), text: "tree \(tree)", next: next))
            }
            let channel = try await test.archive.register(
                ChannelRegistration(root: roots[0], mode: .private), now: clock.now)
            let crawler = try test.crawler(tangle, clock: clock)
            for _ in 0..<3 {
                _ = try await crawler.crawlUntilIdle()
                let record = try await test.archive.channel(channel)
                #expect(record.state == .stalled)
                #expect(record.reason == StallReason.cycle.rawValue)
                #expect(record.headPosition == 4)
                clock.advance(CrawlPolicy().watchDuration)
            }
            let read = try await test.read(channel)
            #expect(read.map(\.message.text) == ["tree 0", "tree 1", "tree 2", "tree 3"])
        }
    }

    /// Bundles that are none, all at the address of a channel.
    private static func badBundles(_ address: Hash) throws -> [[Hash: Transaction]] {
        var junk = Junk(address: address, generator: SeededGenerator(seed: 21))
        func bundle(
            _ count: Int, _ change: (Int, inout TransactionFields) -> Void,
            trunk: (Int, [Hash]) -> Hash
        ) throws -> [Hash: Transaction] {
            let hashes = (0..<count).map { _ in junk.hash() }
            let bundleHash = junk.hash()
            var transactions: [Hash: Transaction] = [:]
            for index in 0..<count {
                var fields = TransactionFields()
                fields.address = address
                fields.bundle = bundleHash
                fields.currentIndex = Int64(index)
                fields.lastIndex = Int64(count - 1)
                fields.trunk = trunk(index, hashes)
                change(index, &fields)
                transactions[hashes[index]] = try fields.transaction()
            }
            return transactions
        }
        let next: (Int, [Hash]) -> Hash = { $0 + 1 < $1.count ? $1[$0 + 1] : .null }
        return [
            // Trunks in a circle: to the tail, to itself, back by one.
            try bundle(3, { _, _ in }, trunk: { $1[($0 + 1) % $1.count] }),
            try bundle(2, { _, fields in fields.lastIndex = 5 }, trunk: { $1[$0] }),
            try bundle(4, { $1.lastIndex = 9 }, trunk: { $1[$0 == 3 ? 2 : $0 + 1] }),
            // Ends beyond everything, before everything, and indexes that go down.
            try bundle(2, { $1.lastIndex = 3_812_798_742_493 }, trunk: next),
            try bundle(2, { $1.lastIndex = -3_812_798_742_493 }, trunk: next),
            try bundle(3, { $1.currentIndex = -Int64($0) }, trunk: next),
            try bundle(2, { $1.currentIndex = Int64($0) * 3_812_798_742_493 }, trunk: next),
            try bundle(2, { $1.value = $0 == 0 ? 2_779_530_283_277_761 : 1 }, trunk: next),
            try bundle(1, { $1.lastIndex = 1000 }, trunk: { $1[$0] }),
        ]
    }

    @Test func bundlesThatAreNoneKeepNoMessageBack() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            var writer = try Written.channel("L")
            let root = writer.root
            let first = try writer.write("first")
            let second = try writer.write("second")
            let tangle = MemoryTangle()
            var bad = 0
            for bundle in try Self.badBundles(first.address) {
                for (hash, transaction) in bundle {
                    tangle.add(transaction, hash: hash)
                    bad += 1
                }
            }
            #expect(bad > 15)
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
            let source = WatchedSource(tangle)
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            var record = try await test.archive.channel(channel)
            #expect(record.messageCount == 0)
            #expect([.following, .flooded].contains(record.state))

            tangle.add(try Written.bundle(first.payload, at: first.address))
            tangle.add(try Written.bundle(second.payload, at: second.address))
            clock.advance(CrawlPolicy().longestWait)
            let summary = try await crawler.crawlUntilIdle()
            #expect(summary.messages == 2)
            record = try await test.archive.channel(channel)
            #expect(record.state == .following)
            #expect(record.reason == nil)
            for _ in 0..<4 {
                clock.advance(CrawlPolicy().watchDuration)
                _ = try await crawler.crawlUntilIdle()
            }
            #expect(try await test.read(channel).map(\.message.text) == ["first", "second"])
            // No trunk was followed in a circle.
            #expect(source.given.values.allSatisfy { $0 <= 8 })
        }
    }

    @Test func aKeyThatChangesWithinATreeIsWaitedForBeyondTheWatch() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let first = try SideKey("FIRST")
            let second = try SideKey("SECOND")
            var writer = try Written.channel("M", mode: .restricted, sideKey: first, leaves: 4)
            let root = writer.root
            let tangle = MemoryTangle()
            for leaf in 0..<5 {
                if leaf == 2 { try writer.change(sideKey: second) }
                if leaf == 4 { try writer.change(sideKey: first) }
                let message = try writer.write("leaf \(leaf)")
                tangle.add(try Written.bundle(message.payload, at: message.address))
            }
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .restricted, sideKey: first), now: clock.now)
            let crawler = try test.crawler(tangle, clock: clock)
            for _ in 0..<4 {
                _ = try await crawler.crawlUntilIdle()
                clock.advance(2 * CrawlPolicy().watchDuration)
            }
            var record = try await test.archive.channel(channel)
            #expect(record.messageCount == 3)
            #expect(record.state == .following)

            tangle.prune()
            try await test.archive.add(second, to: channel, now: clock.now)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            record = try await test.archive.channel(channel)
            #expect(record.messageCount == 5)
            let read = try await test.read(channel)
            #expect(read.map(\.message.text) == (0..<5).map { "leaf \($0)" })
            #expect(try await test.rowCount(of: "candidate") == 0)
            #expect(try await test.rowCount(of: "tree") == 1)
        }
    }

    @Test func reattachmentsOfWhatWaitsTakeNoRoom() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let tangle = MemoryTangle()
            let key = try SideKey("COMESLATER")
            var writer = try Written.channel("R", mode: .restricted, sideKey: key, leaves: 2)
            let root = writer.root
            let (first, second) = (try writer.write("first"), try writer.write("second"))
            for time in 0..<Int64(WaitingRoom.bundleLimit) {
                tangle.add(
                    try Written.bundle(
                        first.payload, at: first.address, time: 1_700_000_000_000 + time * 1000))
            }
            tangle.add(try Written.bundle(second.payload, at: second.address))
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .restricted, sideKey: SideKey("OTHER")),
                now: clock.now)
            let crawler = try test.crawler(tangle, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.rowCount(of: "candidate") == 2)
            tangle.prune()
            try await test.archive.add(key, to: channel, now: clock.now)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            let read = try await test.read(channel)
            #expect(read.map(\.message.text) == ["first", "second"])
            #expect(try await test.rowCount(of: "candidate") == 0)
        }
    }

    @Test func aKeyThatOpensNothingIsTakenAndChangesNothing() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("rotating")
            let channel = try await test.register(vector, keys: 1, now: clock.now)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            _ = try await crawler.crawlUntilIdle()
            let before = try await test.archive.channel(channel)
            #expect(before.state == .waitingForKey)
            try await test.archive.add(SideKey("OPENSNOTHING"), to: channel, now: clock.now)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            let after = try await test.archive.channel(channel)
            #expect(after.state == .waitingForKey)
            #expect(after.messageCount == before.messageCount)
            #expect(after.sideKeyCount == 2)
            let keys = Set(vector.messages.compactMap(\.sideKey))
            for key in keys {
                try await test.archive.add(SideKey(key), to: channel, now: clock.now)
            }
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            let record = try await test.archive.channel(channel)
            #expect(record.messageCount == Int64(vector.messages.count))
        }
    }
}
