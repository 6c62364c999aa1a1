import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import MAM
import Postgres
import Ternary
import TestSupport
import Testing
import Vault

/// Side keys that change in the chain, followed without a hand on it.
@Suite struct RotationTests {
    private func provider(_ vector: ChannelVector) throws -> TestProvider {
        let provider = try #require(vector.provider)
        return try TestProvider(seed: provider.seed, address: provider.iotaAddress)
    }

    @Test func aRotationOfARealClientIsFollowedByItself() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("rotating-ntru")
            let made = try await test.add(provider(vector), now: clock.now)
            let channel = try await test.register(vector, keys: 1, now: clock.now)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            let summary = try await crawler.crawlUntilIdle()
            #expect(summary.messages == 6)
            #expect(try await test.read(channel).map(\.message.text) == vector.messages.map(\.text))
            let record = try await test.archive.channel(channel)
            #expect(record.state == .following && record.reason == nil)
            let epochs = try await test.archive.keyEpochs(of: channel)
            #expect(epochs.map(\.number) == [0, 1])
            // The third message is the rotation.
            #expect(epochs.map(\.firstPosition) == [0, 3])
            #expect(try await test.rowCount(of: "candidate") == 0)
            #expect(
                try await test.archive.sideKeys(of: channel)[1]
                    == vector.messages.last?.sideKey.map { try SideKey($0) })
            #expect(try await Self.rotationsRecorded(test, channel) == 1)
            #expect(made.address == vector.provider?.iotaAddress)
        }
    }

    private static func rotationsRecorded(
        _ test: TestArchive, _ channel: ChannelNumber
    ) async throws -> Int {
        var kinds: [String] = []
        try await test.archive.auditRecords(AuditFilter(leaf: channel)) { records in
            kinds += records.map(\.entry.kind)
        }
        return kinds.filter { $0 == AuditKind.keyRotated.rawValue }.count
    }

    @Test func aProviderKeyThatComesLaterFollowsTheChainOn() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("rotating-ntru")
            let channel = try await test.register(vector, keys: 1, now: clock.now)
            // Keys of others, and under another address, tell nothing.
            let real = try provider(vector)
            try await test.add(TestProvider("Q"), now: clock.now)
            try await test.add(
                TestProvider(seed: String(repeating: "Q", count: 81), address: real.address),
                now: clock.now)
            try await test.add(
                TestProvider(
                    seed: try #require(vector.provider).seed, address: TestProvider("Q").address),
                now: clock.now)
            let source = try MemoryTangle.recorded()
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.archive.channel(channel).state == .waitingForKey)
            #expect(try await test.archive.takeStoredRotations(now: clock.now).isEmpty)
            #expect(try await test.archive.keyEpochs(of: channel).count == 1)

            try await test.add(real, now: clock.now)
            #expect(try await test.archive.takeStoredRotations(now: clock.now) == [channel])
            #expect(try await test.archive.takeStoredRotations(now: clock.now).isEmpty)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.read(channel).count == 6)
            #expect(try await test.archive.keyEpochs(of: channel).map(\.firstPosition) == [0, 3])
        }
    }

    /// Writes messages, changes the key where one says so, and puts all on a ledger.
    private struct Chain {
        let source = MemoryTangle()
        var writer: ChannelWriter

        init(leaves: Int = 1) throws {
            writer = try Written.channel(
                "R", mode: .restricted, sideKey: SideKey("FIRSTKEY"), leaves: leaves)
        }

        mutating func write(_ text: String) throws {
            let written = try writer.write(text)
            source.add(try Written.bundle(written.payload, at: written.address))
        }

        mutating func rotate(_ provider: TestProvider, to key: String) throws {
            try write(provider.rotation(to: key))
            try writer.change(sideKey: SideKey(key))
        }

        func register(_ test: TestArchive, _ clock: TestClock) async throws -> ChannelNumber {
            try await test.archive.register(
                ChannelRegistration(
                    root: try Chain(leaves: writer.leavesPerTree).writer.root, mode: .restricted,
                    sideKey: try SideKey("FIRSTKEY")), now: clock.now)
        }
    }

    @Test func manyRotationsAreFollowedInOneTurn() async throws {
        let provider = try TestProvider("P")
        var chain = try Chain()
        for number in 0..<12 {
            try chain.write("before \(number)")
            try chain.rotate(provider, to: "KEY" + String(repeating: "A", count: number + 1))
        }
        try chain.write("the last")
        try await TestArchive.with { test in
            let clock = TestClock()
            try await test.add(provider, now: clock.now)
            let channel = try await chain.register(test, clock)
            let watched = WatchedSource(chain.source)
            let summary = try await test.crawler(watched, clock: clock).crawlUntilIdle()
            #expect(summary.messages == 25)
            let epochs = try await test.archive.keyEpochs(of: channel)
            #expect(epochs.map { Int($0.number) } == Array(0...12))
            #expect(epochs.map(\.firstPosition) == (0...12).map { 2 * $0 })
            #expect(try await test.archive.channel(channel).state == .following)
            // Nothing was fetched again for a new key.
            #expect(watched.given.values.allSatisfy { $0 == 1 })
        }
    }

    @Test func aRotationWithinATreeOpensItsOtherLeaves() async throws {
        let provider = try TestProvider("P")
        var chain = try Chain(leaves: 4)
        try chain.write("leaf 0")
        try chain.rotate(provider, to: "SECONDKEY")
        try chain.write("leaf 2")
        try chain.write("leaf 3")
        try chain.write("next tree")
        try await TestArchive.with { test in
            let clock = TestClock()
            try await test.add(provider, now: clock.now)
            let channel = try await chain.register(test, clock)
            let crawler = try test.crawler(chain.source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            for _ in 0..<4 {
                clock.advance(CrawlPolicy().watchDuration)
                _ = try await crawler.crawlUntilIdle()
            }
            let texts = try await test.read(channel).map(\.message.text)
            #expect(texts.count == 5)
            #expect(texts.last == "next tree")
            #expect(try await test.archive.keyEpochs(of: channel).map(\.firstPosition) == [0, 0])
            #expect(try await test.rowCount(of: "candidate") == 0)
        }
    }

    @Test func aLateLeafWithARotationFreesTheHeadThatWaits() async throws {
        let provider = try TestProvider("P")
        var chain = try Chain(leaves: 2)
        try chain.write("leaf 0")
        let missing = try chain.writer.write(provider.rotation(to: "SECONDKEY"))
        try chain.writer.change(sideKey: SideKey("SECONDKEY"))
        try chain.write("under the second")
        try await TestArchive.with { test in
            let clock = TestClock()
            try await test.add(provider, now: clock.now)
            let channel = try await chain.register(test, clock)
            let crawler = try test.crawler(chain.source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.archive.channel(channel).state == .waitingForKey)
            chain.source.add(try Written.bundle(missing.payload, at: missing.address))
            clock.advance(CrawlPolicy().watchDuration)
            let late = try await crawler.crawlUntilIdle()
            #expect(late.unfinished)
            #expect(try await test.archive.channel(channel).nextLookAt <= clock.now)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.read(channel).count == 3)
            #expect(try await test.archive.channel(channel).state == .following)
            #expect(try await test.rowCount(of: "candidate") == 0)
        }
    }

    @Test func hostileRotationsChangeNothing() async throws {
        let provider = try TestProvider("P")
        let hostile = try HostileRotation.all(provider, sideKey: "NEVERAKEY")
        var chain = try Chain()
        for (_, json) in hostile { try chain.write(json) }
        // The same key again is no new one.
        try chain.rotate(provider, to: "FIRSTKEY")
        try chain.write("goes on under the first key")
        try await TestArchive.with { test in
            let clock = TestClock()
            try await test.add(provider, now: clock.now)
            let channel = try await chain.register(test, clock)
            _ = try await test.crawler(chain.source, clock: clock).crawlUntilIdle()
            let record = try await test.archive.channel(channel)
            #expect(record.messageCount == Int64(hostile.count) + 2)
            #expect(record.state == .following)
            #expect(record.sideKeyCount == 1)
            #expect(try await Self.rotationsRecorded(test, channel) == 0)
        }
    }

    @Test func aCommitThatFailsIsRepeatedWithTheSameKey() async throws {
        let provider = try TestProvider("P")
        var chain = try Chain()
        try chain.rotate(provider, to: "SECONDKEY")
        try chain.write("under the second")
        try await TestArchive.with { test in
            let clock = TestClock()
            try await test.add(provider, now: clock.now)
            let channel = try await chain.register(test, clock)
            // The database refuses the message that comes after the key in the same transaction.
            try await test.pool.withConnection {
                try await $0.script(
                    """
                    create function refuse() returns trigger language plpgsql as
                        $$ begin raise exception 'not now'; end $$;
                    create trigger refuse before insert on message
                    for each statement execute function refuse()
                    """)
            }
            let crawler = try test.crawler(chain.source, clock: clock)
            let failed = try await crawler.crawlUntilIdle()
            #expect(failed.failed == 1)
            #expect(try await test.rowCount(of: "side_key") == 1)
            #expect(try await test.rowCount(of: "message") == 0)
            try await test.pool.withConnection {
                try await $0.script("drop trigger refuse on message")
            }
            clock.advance(CrawlPolicy().failedWait + 1)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.read(channel).count == 2)
            #expect(try await test.archive.keyEpochs(of: channel).map(\.firstPosition) == [0, 1])
            // Another crawler that begins anew finds the same, and nothing is doubled.
            clock.advance(CrawlPolicy().watchDuration)
            _ = try await test.crawler(chain.source, clock: clock, owner: "other").crawlUntilIdle()
            #expect(try await test.rowCount(of: "side_key") == 2)
            #expect(try await Self.rotationsRecorded(test, channel) == 1)
        }
    }

    @Test func aHandedOverChannelIsFollowed() async throws {
        let provider = try TestProvider("P")
        var chain = try Chain()
        let root = chain.writer.root
        try chain.write("one")
        try chain.rotate(provider, to: "SECONDKEY")
        try chain.write("three")
        let (encryptedRoot, encryptedKey) = (
            try provider.encrypt(root.revealTrytes().description), try provider.encrypt("FIRSTKEY")
        )
        let json =
            #"{"root":"","mamData":{"root":"\#(encryptedRoot)","sideKey":"\#(encryptedKey)"}}"#
        try await TestArchive.with { test in
            let clock = TestClock()
            try await test.add(provider, now: clock.now)
            let opened = try HandOver(
                Array(json.utf8), for: await test.archive.providerKeys())
            let channel = try await test.archive.register(
                ChannelRegistration(root: opened.root, mode: .restricted, sideKey: opened.sideKey),
                now: clock.now)
            _ = try await test.crawler(chain.source, clock: clock).crawlUntilIdle()
            #expect(try await test.read(channel).count == 3)
        }
    }
}
