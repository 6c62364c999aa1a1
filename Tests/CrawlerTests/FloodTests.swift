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

/// An address full of junk, with a real message among it.
@Suite struct FloodTests {
    private static let junkCount = 20_000

    /// Junk of all kinds at the address; what is invalid for good and what may yet be completed.
    private static func flood(_ address: Hash, _ count: Int, incomplete: Int, seed: UInt64) throws
        -> [(hash: Hash, transaction: Transaction, incomplete: Bool)]
    {
        var junk = Junk(address: address, generator: SeededGenerator(seed: seed))
        return try (0..<count).map { number in
            if number < incomplete {
                let (hash, transaction) = try junk.incompleteTail()
                return (hash, transaction, true)
            }
            let (hash, transaction) =
                number % 10 == 0 ? try junk.completeTail() : try junk.noise()
            return (hash, transaction, false)
        }.shuffled(using: &junk.generator)
    }

    @Test func aMessageAmongTwentyThousandJunkTransactionsIsFound() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            var writer = try Written.channel("F")
            let root = writer.root
            let message = try writer.write("the real one")
            let bundle = try Written.bundle(message.payload, at: message.address)
            let tangle = try MemoryTangle.recorded()
            let flood = try Self.flood(message.address, Self.junkCount, incomplete: 0, seed: 11)
            for (number, junk) in flood.enumerated() {
                if number == 17_000 { tangle.add(bundle) }
                tangle.add(junk.transaction, hash: junk.hash)
            }
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
            let other = try await test.register(.named("meter"), now: clock.now)
            let source = WatchedSource(tangle)
            var policy = CrawlPolicy()
            policy.transactionsPerLook = 5000
            let crawler = try test.crawler(source, clock: clock, policy: policy)
            var before = 0
            var looks = 0
            while try await test.archive.channel(channel).messageCount == 0 {
                looks += 1
                try #require(looks <= 5)
                _ = try await crawler.crawlUntilIdle()
                let given = source.given.filter { tangle.address(of: $0.key) == message.address }
                #expect(given.count - before <= policy.transactionsPerLook + 10)
                before = given.count
                let record = try await test.archive.channel(channel)
                if record.messageCount == 0 {
                    #expect(record.state == .flooded)
                    #expect(record.reason == StallReason.flooded.rawValue)
                    #expect(record.nextLookAt <= clock.now.addingTimeInterval(policy.shortestWait))
                }
                #expect(try await test.archive.channel(other).messageCount == 24)
                clock.advance(policy.shortestWait)
            }
            #expect(looks == 4)
            for _ in 0..<4 {
                clock.advance(60)
                _ = try await crawler.crawlUntilIdle()
            }
            let record = try await test.archive.channel(channel)
            #expect(record.state == .following)
            #expect(try await test.read(channel).map(\.message.text) == ["the real one"])
            let junk = flood.map { source.given[$0.hash] ?? 0 }
            #expect(junk.count == Self.junkCount)
            #expect(junk.allSatisfy { $0 == 1 })
        }
    }

    @Test func incompleteJunkKeepsNoMessageFromItsTurn() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            var policy = CrawlPolicy()
            policy.transactionsPerLook = 500
            policy.unresolvedPerLook = 50
            var writer = try Written.channel("G")
            let root = writer.root
            let long = try writer.write(String(repeating: "slowly ", count: 300))
            let bundle = try Written.bundle(long.payload, at: long.address)
            try #require(bundle.hashes.count > 2)
            let tangle = MemoryTangle()
            let flood = try Self.flood(long.address, 2000, incomplete: 2000, seed: 12)
            for (number, junk) in flood.enumerated() {
                if number == 1500 { tangle.add(bundle) }
                tangle.add(junk.transaction, hash: junk.hash)
            }
            // The real bundle is incomplete as well, until all was looked at more than once.
            tangle.hide([bundle.hashes[1]])
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
            let source = WatchedSource(tangle)
            let crawler = try test.crawler(source, clock: clock, policy: policy)
            for _ in 0..<8 {
                _ = try await crawler.crawlUntilIdle()
                clock.advance(policy.longestWait)
            }
            #expect(try await test.archive.channel(channel).state == .flooded)
            #expect(source.given.keys.count > 2000)

            tangle.show([bundle.hashes[1]])
            var looks = 0
            while try await test.archive.channel(channel).messageCount == 0 {
                looks += 1
                try #require(looks <= 2000 / 50 + 2)
                let before = source.given.values.reduce(0, +)
                _ = try await crawler.crawlUntilIdle()
                let given = source.given.values.reduce(0, +) - before
                #expect(given <= policy.unresolvedPerLook + bundle.hashes.count)
                clock.advance(policy.longestWait)
            }
            #expect(try await test.archive.channel(channel).state == .following)
        }
    }

    @Test func leavesDeepInTheJunkOfAPassedTreeAreFound() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            var policy = CrawlPolicy()
            policy.transactionsPerLook = 300
            var writer = try Written.channel("H", leaves: 4)
            let root = writer.root
            let messages = try (0..<4).map { try writer.write("leaf \($0)") }
            let tangle = MemoryTangle()
            let flood = try Self.flood(messages[0].address, 4000, incomplete: 100, seed: 13)
            for (number, junk) in flood.enumerated() {
                if let leaf = [100, 1200, 2300, 3950].firstIndex(of: number) {
                    tangle.add(
                        try Written.bundle(messages[leaf].payload, at: messages[leaf].address))
                }
                tangle.add(junk.transaction, hash: junk.hash)
            }
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
            let crawler = try test.crawler(tangle, clock: clock, policy: policy)
            for _ in 0..<15 {
                _ = try await crawler.crawlUntilIdle()
                clock.advance(policy.shortestWait)
            }
            let read = try await test.read(channel)
            #expect(read.map(\.message.index) == [0, 1, 2, 3])
            #expect(read.map(\.stored.sequence) == [0, 1, 2, 3])
        }
    }

    @Test func aFloodOfReattachmentsOfARealMessageIsCountedToItsBound() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            var writer = try Written.channel("I")
            let root = writer.root
            let message = try writer.write("again and again")
            let tangle = MemoryTangle()
            let count = Archive.countedAttachmentLimit + 50
            for number in 0..<count {
                tangle.add(
                    try Written.bundle(
                        message.payload, at: message.address,
                        time: 1_700_000_000_000 + Int64(number)))
            }
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
            let crawler = try test.crawler(tangle, clock: clock)
            for _ in 0..<2 {
                _ = try await crawler.crawlUntilIdle()
                clock.advance(CrawlPolicy().watchDuration / 2)
            }
            let read = try await test.read(channel)
            #expect(read.count == 1)
            #expect(read.first?.stored.attachments == Archive.countedAttachmentLimit)
            let evidence = try await test.archive.evidence(of: channel, sequence: 0)
            #expect(evidence.attachments.count == Archive.wholeAttachmentLimit)
        }
    }
}
