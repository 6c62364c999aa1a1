import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// A crawler whose clock was wrong, and what the right one makes of what it wrote.
@Suite struct ClockFaultTests {
    private static let years: TimeInterval = 3 * 365 * 86_400

    /// The clock jumps at the first look, and goes on with each.
    private struct JumpingSource: TangleSource {
        let source: any TangleSource
        let clock: TestClock
        let by: TimeInterval
        let isFirst: Once

        func sighting(at address: Hash) async throws -> Sighting {
            clock.advance(isFirst.take() ? by : 0.01)
            return try await source.sighting(at: address)
        }

        func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
            try await source.transactions(hashes)
        }

        func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
            try await source.confirmed(hashes)
        }
    }

    @Test func leasesThatEndInYearsKeepNobodyWaiting() async throws {
        try await TestArchive.with { test in
            let vector = try ChannelVector.named("private")
            let clock = TestClock()
            let channel = try await test.register(vector, now: clock.now)
            let ahead = clock.now.addingTimeInterval(Self.years)
            let leased = try await test.archive.acquireLeases(
                owner: "ahead", limit: 10, duration: 60, now: ahead)
            #expect(leased.map(\.lease.channel) == [channel])
            // It is killed. Minutes later nobody waits for its lease any more.
            clock.advance(120)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            #expect(try await crawler.crawlUntilIdle().messages == vector.messages.count)
        }
    }

    @Test func looksThatAreDueInYearsAreDueNow() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(.named("private"), now: clock.now)
            let ahead = TestClock(clock.now.addingTimeInterval(Self.years))
            _ = try await test.crawler(MemoryTangle.recorded(), clock: ahead).crawlUntilIdle()
            #expect(try await test.archive.channel(channel).nextLookAt > clock.now + Self.years - 1)
            func due() async throws -> [ChannelNumber] {
                try await test.archive.acquireLeases(
                    owner: "right", limit: 10, duration: 60, now: clock.now
                ).map(\.lease.channel)
            }
            #expect(try await due().isEmpty)
            #expect(try await test.archive.mendSchedule(now: clock.now) == 1)
            #expect(try await test.archive.mendSchedule(now: clock.now) == 0)
            #expect(try await due() == [channel])
            // What a right clock puts off stays put off.
            try await test.archive.giveBackLeases(of: "right")
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            #expect(try await test.archive.mendSchedule(now: clock.now) == 0)
        }
    }

    @Test func aRoundLooksAtChannelsThatAWrongClockLookedAtInYears() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("private")
            let channel = try await test.register(vector, now: clock.now)
            let source = try MemoryTangle.recorded()
            let late = vector.messages[1].transactions
            source.hide(late)
            let ahead = TestClock(clock.now.addingTimeInterval(Self.years))
            _ = try await test.crawler(source, clock: ahead).crawlUntilIdle()
            #expect(try await test.archive.channel(channel).messageCount == 1)
            source.show(late)
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
            #expect(
                try await test.archive.channel(channel).messageCount
                    == Int64(vector.messages.count))
        }
    }

    @Test(.timeLimit(.minutes(10)), arguments: [-years, -3600, -1, 3600, years])
    func aRoundEndsThoughTheClockJumpsInItsMiddle(by jump: TimeInterval) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vectors = try ["private", "public", "meter"].map { try ChannelVector.named($0) }
            for vector in vectors { _ = try await test.register(vector, now: clock.now) }
            let source = JumpingSource(
                source: try MemoryTangle.recorded(), clock: clock, by: jump, isFirst: Once())
            let crawler = try test.crawler(source, clock: clock)
            let first = try await crawler.crawlUntilIdle().messages
            // Ahead, it makes turns look too long: the rest comes with the next round.
            clock.advance(1)
            let second = try await crawler.crawlUntilIdle().messages
            #expect(first + second == vectors.map(\.messages.count).reduce(0, +))
        }
    }
}
