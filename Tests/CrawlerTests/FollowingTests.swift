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

/// Whole channels of a real client, followed from their roots.
@Suite struct FollowingTests {
    @Test func everyChannelIsReadToItsLastMessage() async throws {
        let vectors = try ChannelVector.all()
        #expect(!vectors.isEmpty)
        try await TestArchive.with { test in
            let clock = TestClock()
            var channels: [(ChannelVector, ChannelNumber)] = []
            for vector in vectors {
                channels.append((vector, try await test.register(vector, now: clock.now)))
            }
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            let summary = try await crawler.crawlUntilIdle()
            #expect(!summary.unreachable)
            for (vector, channel) in channels {
                let read = try await test.read(channel)
                let found = read.map(\.message.contentTrytes)
                let expected = RegisteredVectors.reachable(vector)
                #expect(found.count == expected.count, "\(vector.name)")
                for message in expected {
                    #expect(
                        message.contents.contains(where: found.contains),
                        "\(vector.name), leaf \(message.index)")
                }
                let record = try await test.archive.channel(channel)
                #expect(record.state == .following, "\(vector.name)")
                #expect(record.messageCount == Int64(expected.count))
            }
        }
    }

    @Test func forgedMessagesAndJunkLeaveExactlyTheRealOnes() async throws {
        for (name, count) in [("attacked", 5), ("attacked-tree", 4)] {
            try await TestArchive.with { test in
                let clock = TestClock()
                let vector = try ChannelVector.named(name)
                let channel = try await test.register(vector, now: clock.now)
                let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
                let summary = try await crawler.crawlUntilIdle()
                let texts = try await test.read(channel).map(\.message.text)
                #expect(texts == vector.messages.map(\.text))
                #expect(texts.count == count)
                #expect(summary.messages == count)
            }
        }
    }

    @Test func aReattachmentIsCountedAndKept() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(.named("attacked"), now: clock.now)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            _ = try await crawler.crawlUntilIdle()
            let read = try await test.read(channel)
            let attachments = read.map(\.stored.attachments)
            #expect(attachments.contains { $0 > 1 })
            for (stored, _) in read {
                let evidence = try await test.archive.evidence(
                    of: channel, sequence: stored.sequence)
                #expect(evidence.attachments.count == stored.attachments)
            }
        }
    }

    @Test func twoMessagesOfOneLeafAreBothKeptAndMarked() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("key-reuse")
            let channel = try await test.register(vector, now: clock.now)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            _ = try await crawler.crawlUntilIdle()
            let read = try await test.read(channel)
            #expect(read.filter { $0.stored.conflict }.map(\.stored.position) == [0, 0])
            #expect(
                Set(read.filter { $0.stored.conflict }.compactMap(\.message.text))
                    == ["first life 0", "second life 0"])
            #expect(read.count == 3)
        }
    }

    @Test func storedBundlesComeBackToTheTrit() async throws {
        let recorded = try RecordedTangle()
        try await TestArchive.with { test in
            let clock = TestClock()
            let vectors = try ChannelVector.all()
            for vector in vectors { _ = try await test.register(vector, now: clock.now) }
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            _ = try await crawler.crawlUntilIdle()
            var compared = 0
            for channel in try await test.archive.channels() {
                for (stored, _) in try await test.read(channel.id) {
                    let evidence = try await test.archive.evidence(
                        of: channel.id, sequence: stored.sequence)
                    #expect(!evidence.attachments.isEmpty)
                    for transaction in evidence.attachments.flatMap(\.transactions) {
                        #expect(recorded.transactions[transaction.hash()] == transaction)
                        compared += 1
                    }
                }
            }
            #expect(compared > 200)
        }
    }

    @Test func aSecondRunFindsNothingNew() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            for vector in try ChannelVector.all() {
                _ = try await test.register(vector, now: clock.now)
            }
            let source = try MemoryTangle.recorded()
            let first = try await test.crawler(source, clock: clock).crawlUntilIdle()
            #expect(first.messages > 80)
            clock.advance(1)
            let again = try await test.crawler(source, clock: clock).crawlUntilIdle()
            #expect(again.messages == 0)
            #expect(again.attachments == 0)
        }
    }
}
