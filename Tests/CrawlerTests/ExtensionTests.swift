import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import Ternary
import TestSupport
import Testing
import Vault

/// What lies before the registered root, filled in from an earlier one.
@Suite struct ExtensionTests {
    private static let first = EarlierChain.start(of: 1)

    /// Registers a channel of the vectors from one of its later messages on.
    private func register(
        _ vector: ChannelVector, from index: Int, in test: TestArchive, _ clock: TestClock
    ) async throws -> ChannelNumber {
        let message = vector.messages[index]
        return try await test.archive.register(
            ChannelRegistration(
                root: Root(message.root), mode: vector.mode,
                sideKey: try message.sideKey.map { try SideKey($0) }), now: clock.now)
    }

    /// As often as it takes, with time between.
    private func crawl(_ crawler: CrawlService, _ clock: TestClock) async throws {
        for _ in 0..<4 {
            _ = try await crawler.crawlUntilIdle()
            clock.advance(1)
        }
    }

    @Test func earlierPositionsAreFilledInAndOrderedBeforeTheOthers() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let channel = try await register(vector, from: 10, in: test, clock)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            try await crawl(crawler, clock)
            #expect(try await test.read(channel).count == 14)
            let before = try await test.archive.channel(channel)

            let root = try Root(vector.messages[0].root)
            #expect(try await test.archive.extend(channel, from: root, now: clock.now) == 1)
            try await crawl(crawler, clock)
            let read = try await test.read(channel)
            #expect(read.map(\.message.text) == vector.messages.map(\.text))
            #expect(
                read.map(\.stored.position)
                    == (0..<10).map { Self.first + $0 } + (0..<14).map { $0 })
            // What was told before is told before: the order of sequences.
            #expect(read.map(\.stored.sequence) == Array(14..<24) + Array(0..<14))
            let chain = try #require(try await test.archive.earlierChains(of: channel).first)
            #expect(chain.arrivedAt != nil && chain.headPosition == nil && chain.reason == nil)
            let after = try await test.archive.channel(channel)
            #expect(after.state == .following)
            #expect(after.headPosition == before.headPosition)
            // Handed in again it is known, as the registered root is.
            for root in [root, try Root(vector.messages[10].root)] {
                await #expect(throws: ArchiveError.alreadyRegistered(channel)) {
                    try await test.archive.extend(channel, from: root, now: clock.now)
                }
            }

            let plan = try await test.archive.planForget(.channel(channel))
            #expect(plan.rows["earlier_chain"] == 1)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
                .execute(request.id)
            #expect(try await test.rowCount(of: "earlier_chain") == 0)
            #expect(try await test.rowCount(of: "tree") == 0)
            // Every root, those before the registered one included.
            #expect(try await test.rowCount(of: "tombstone") == 25)
        }
    }

    @Test func anEarlierOneStillLiesBeforeThat() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let channel = try await register(vector, from: 16, in: test, clock)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            for (number, index) in [(1, 8), (2, 3), (3, 0)] {
                let root = try Root(vector.messages[index].root)
                #expect(
                    try await test.archive.extend(channel, from: root, now: clock.now)
                        == Int16(number))
                try await crawl(crawler, clock)
            }
            let read = try await test.read(channel)
            #expect(read.map(\.message.text) == vector.messages.map(\.text))
            #expect(read[0].stored.position == EarlierChain.start(of: 3))
            #expect(
                try await test.archive.earlierChains(of: channel).allSatisfy { $0.arrivedAt != nil }
            )
        }
    }

    @Test func theEarlierSideKeyIsHandedInWithItOrLater() async throws {
        for isLate in [false, true] {
            try await TestArchive.with { test in
                let clock = TestClock()
                let vector = try ChannelVector.named("rotating")
                let channel = try await register(vector, from: 7, in: test, clock)
                let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
                let first = try SideKey("FIRSTKEY")
                try await test.archive.extend(
                    channel, from: Root(vector.messages[0].root), sideKey: isLate ? nil : first,
                    now: clock.now)
                try await crawl(crawler, clock)
                var chain = try #require(try await test.archive.earlierChains(of: channel).first)
                #expect(chain.reason == StallReason.unreadable.rawValue)
                // It waits for itself alone.
                #expect(try await test.archive.channel(channel).state == .following)
                if isLate {
                    #expect(chain.headPosition == Self.first)
                    try await test.archive.add(first, to: channel, now: clock.now)
                    try await crawl(crawler, clock)
                }
                try await test.archive.add(SideKey("SECONDKEY"), to: channel, now: clock.now)
                try await crawl(crawler, clock)
                chain = try #require(try await test.archive.earlierChains(of: channel).first)
                #expect(chain.arrivedAt != nil)
                let texts = try await test.read(channel).map(\.message.text)
                #expect(texts == vector.messages.map(\.text))
                let epochs = try await test.archive.keyEpochs(of: channel).map(\.firstPosition)
                #expect(epochs == [Self.first, Self.first + 4, 0])
                #expect(try await test.rowCount(of: "candidate") == 0)
            }
        }
    }

    @Test func aGapBeforeDoesNotHoldUpWhatIsNew() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let source = try MemoryTangle.recorded()
            let (missing, late) = (vector.messages[4].transactions, vector.messages[20...])
            source.hide(missing)
            source.hide(late.flatMap(\.transactions))
            let channel = try await register(vector, from: 10, in: test, clock)
            try await test.archive.extend(
                channel, from: Root(vector.messages[0].root), now: clock.now)
            let crawler = try test.crawler(source, clock: clock)
            try await crawl(crawler, clock)
            #expect(try await test.read(channel).count == 14)
            source.show(late.flatMap(\.transactions))
            clock.advance(CrawlPolicy().longestWait)
            try await crawl(crawler, clock)
            #expect(try await test.read(channel).count == 18)
            var chain = try #require(try await test.archive.earlierChains(of: channel).first)
            #expect(chain.headPosition == Self.first + 4)

            source.show(missing)
            clock.advance(CrawlPolicy().longestWait)
            try await crawl(crawler, clock)
            chain = try #require(try await test.archive.earlierChains(of: channel).first)
            #expect(chain.arrivedAt != nil)
            #expect(try await test.read(channel).map(\.message.text) == vector.messages.map(\.text))
        }
    }

    @Test func theServiceLooksAtBothByTurns() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let channel = try await register(vector, from: 10, in: test, clock)
            try await test.archive.extend(
                channel, from: Root(vector.messages[0].root), now: clock.now)
            func lease() async throws -> CrawlAssignment? {
                try await test.archive.acquireLeases(
                    owner: "test", limit: 1, duration: 60, now: clock.now
                ).first
            }
            var turns: [Int16?] = []
            for _ in 0..<6 {
                clock.advance(1)
                let assignment = try #require(try await lease())
                turns.append(assignment.filling)
                #expect(assignment.head.position == (assignment.filling == nil ? 0 : Self.first))
                var end = CrawlFindings(lease: assignment.lease, filling: assignment.filling)
                end.end = LookEnd(
                    state: .following, reason: nil, nextLookAt: clock.now.addingTimeInterval(1))
                _ = try await test.archive.commit([end], now: clock.now)
            }
            #expect(turns.contains(nil) && turns.contains(1))
            // Neither has more than two turns on end.
            #expect(turns.filter { $0 == nil }.count >= 2 && turns.filter { $0 == 1 }.count >= 2)
            // A look at the earlier chain does not count as one at the channel.
            #expect(try await test.archive.channel(channel).headPosition == 0)
        }
    }

    @Test func aRootThatIsNotEarlierLeadsNowhere() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("public")
            let channel = try await register(vector, from: 1, in: test, clock)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            try await crawl(crawler, clock)
            let count = try await test.read(channel).count
            try await test.archive.extend(
                channel, from: Root(vector.messages[3].root), now: clock.now)
            try await crawl(crawler, clock)
            var chains = try await test.archive.earlierChains(of: channel)
            #expect(chains.map(\.reason) == [StallReason.cycle.rawValue])
            #expect(try await test.archive.channel(channel).state == .following)
            #expect(try await test.read(channel).count == count)

            // The right one takes its place.
            try await test.archive.extend(
                channel, from: Root(vector.messages[0].root), now: clock.now)
            try await crawl(crawler, clock)
            chains = try await test.archive.earlierChains(of: channel)
            #expect(chains.map { $0.arrivedAt != nil } == [false, true])
            #expect(chains.allSatisfy { $0.headPosition == nil })
            #expect(try await test.read(channel).map(\.message.text) == vector.messages.map(\.text))
        }
    }

    @Test func whatCannotBeExtendedIsRefused() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("private")
            let channel = try await register(vector, from: 2, in: test, clock)
            let other = try await test.register(.named("public"), now: clock.now)
            let root = try Root(vector.messages[0].root)
            await #expect(throws: ArchiveError.sideKeyNotWanted) {
                try await test.archive.extend(
                    channel, from: root, sideKey: SideKey("K"), now: clock.now)
            }
            await #expect(throws: ArchiveError.alreadyRegistered(other)) {
                try await test.archive.extend(
                    channel, from: Root(ChannelVector.named("public").messages[0].root),
                    now: clock.now)
            }
            let unknown = ChannelNumber.random()
            await #expect(throws: ArchiveError.noSuchChannel(unknown)) {
                try await test.archive.extend(unknown, from: root, now: clock.now)
            }
            try await test.archive.restrict(channel, now: clock.now)
            await #expect(throws: ArchiveError.wrongState(channel, .restricted)) {
                try await test.archive.extend(channel, from: root, now: clock.now)
            }
            let request = try await test.archive.receiveForgetRequest(
                .channel(other), reason: nil, now: clock.now)
            _ = try await Eraser(archive: test.archive, log: .silent).execute(request.id)
            try await test.archive.lift(channel, now: clock.now)
            await #expect(throws: ArchiveError.forgotten) {
                try await test.archive.extend(
                    channel, from: Root(ChannelVector.named("public").messages[0].root),
                    now: clock.now)
            }
            #expect(try await test.rowCount(of: "earlier_chain") == 0)
        }
    }
}
