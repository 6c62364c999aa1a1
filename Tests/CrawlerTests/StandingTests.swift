import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import MAM
import Ternary
import TestSupport
import Testing
import Vault

/// How a channel stands when its chain cannot go on, and how it goes on again.
@Suite struct StandingTests {
    @Test func aMessageThatNeverCameStallsTheChannelWithTheReason() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(.named("gap"), now: clock.now)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.archive.channel(channel).state == .following)
            clock.advance(CrawlPolicy().patience + 1)
            _ = try await crawler.crawlUntilIdle()
            let record = try await test.archive.channel(channel)
            #expect(record.state == .stalled)
            #expect(record.reason == StallReason.quiet.rawValue)
            #expect(record.messageCount == 2)
        }
    }

    @Test func aMissingTransactionIsWaitedForAndTakenWhenItTurnsUp() async throws {
        let recorded = try RecordedTangle()
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("rotating")
            let late = vector.messages[1].transactions[1]
            let source = try MemoryTangle.recorded()
            source.hide([late])
            let channel = try await test.register(vector, now: clock.now)
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            var record = try await test.archive.channel(channel)
            #expect(record.messageCount == 1)
            #expect(record.state == .following)
            #expect(record.reason == StallReason.incompleteBundle.rawValue)
            #expect(recorded.transactions[late] != nil)

            source.show([late])
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            record = try await test.archive.channel(channel)
            #expect(record.messageCount == Int64(vector.messages.count))
            #expect(record.reason == nil)
        }
    }

    @Test func anUnknownSideKeyIsWaitedForAndWhatLiesThereSurvivesPruning() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("rotating")
            let keys = vector.messages.compactMap(\.sideKey)
            let firstOfSecond = try #require(keys.firstIndex { $0 != keys[0] })
            let source = try MemoryTangle.recorded()
            let channel = try await test.register(vector, keys: 1, now: clock.now)
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            var record = try await test.archive.channel(channel)
            #expect(record.state == .waitingForKey)
            #expect(record.messageCount == Int64(firstOfSecond))

            source.prune()
            try await test.archive.add(
                SideKey(keys[firstOfSecond]), to: channel, now: clock.now)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            record = try await test.archive.channel(channel)
            #expect(record.messageCount == Int64(firstOfSecond + 1))
            #expect(record.state == .following)
            let texts = try await test.read(channel).map(\.message.text)
            #expect(texts == vector.messages.prefix(firstOfSecond + 1).map(\.text))
        }
    }

    @Test func aLateLeafIsFoundAtAnAddressAlreadyPassed() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("tree-of-4")
            let late = vector.messages[2]
            let source = try MemoryTangle.recorded()
            source.hide(late.transactions)
            let channel = try await test.register(vector, now: clock.now)
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.read(channel).count == vector.messages.count - 1)

            source.show(late.transactions)
            clock.advance(CrawlPolicy().watchDuration / 2)
            _ = try await crawler.crawlUntilIdle()
            let read = try await test.read(channel)
            #expect(read.map(\.message.text) == vector.messages.map(\.text))
            #expect(read[2].stored.sequence == Int64(vector.messages.count - 1))
        }
    }

    @Test func afterTheWatchAnAddressIsNoLongerLookedAt() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            _ = try await test.register(.named("private"), now: clock.now)
            let source = try MemoryTangle.recorded()
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            for _ in 0..<5 {
                clock.advance(CrawlPolicy().watchDuration)
                _ = try await crawler.crawlUntilIdle()
            }
            let before = source.sightings
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            #expect(source.sightings == before + 1)
        }
    }

    @Test func nodesThatCannotBeReachedChangeNoChannelsState() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(.named("meter"), now: clock.now)
            let source = try MemoryTangle.recorded()
            source.setReachable(false)
            let crawler = try test.crawler(source, clock: clock)
            clock.advance(2 * CrawlPolicy().patience)
            let summary = try await crawler.crawlUntilIdle()
            #expect(summary.unreachable)
            let record = try await test.archive.channel(channel)
            #expect(record.state == .following)
            #expect(record.reason == StallReason.unreachable.rawValue)

            source.setReachable(true)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.archive.channel(channel).messageCount == 24)
        }
    }

    @Test func anAnswerThatWasCutOffIsAFloodAndNeverQuiet() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("attacked")
            let channel = try await test.register(vector, now: clock.now)
            let source = try MemoryTangle.recorded()
            source.limitAnswers(to: 1)
            let crawler = try test.crawler(source, clock: clock)
            clock.advance(2 * CrawlPolicy().patience)
            _ = try await crawler.crawlUntilIdle()
            let record = try await test.archive.channel(channel)
            #expect(record.state == .flooded)
            #expect(record.reason == StallReason.flooded.rawValue)
        }
    }

    @Test func aPausedChannelIsNotLookedAtUntilItIsResumed() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(.named("public"), now: clock.now)
            let source = try MemoryTangle.recorded()
            let crawler = try test.crawler(source, clock: clock)
            try await test.archive.pause(channel)
            _ = try await crawler.crawlUntilIdle()
            #expect(source.sightings == 0)
            try await test.archive.resume(channel, now: clock.now)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.archive.channel(channel).messageCount == 6)
        }
    }

    @Test func confirmationIsLearntWhenATreeIsLookedAtAgain() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("public")
            let channel = try await test.register(vector, now: clock.now)
            let source = try MemoryTangle.recorded()
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.read(channel).allSatisfy { !$0.stored.confirmed })
            source.confirm(vector.messages[0].transactions, milestone: 7)
            clock.advance(CrawlPolicy().watchDuration / 2)
            _ = try await crawler.crawlUntilIdle()
            let read = try await test.read(channel)
            #expect(read.map(\.stored.confirmed) == [true] + Array(repeating: false, count: 5))
            #expect(read[0].stored.milestone == 7)
        }
    }
}
