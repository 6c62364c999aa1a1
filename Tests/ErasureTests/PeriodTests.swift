import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// Forgetting months of a channel that is followed on.
@Suite struct PeriodTests {
    /// Times of three months in a row.
    private static let months = [
        Date(timeIntervalSince1970: 1_800_000_000),  // 2027-01-15
        Date(timeIntervalSince1970: 1_802_700_000),  // 2027-02-15
        Date(timeIntervalSince1970: 1_805_200_000),  // 2027-03-16
    ]

    /// A channel of the vectors that is published bit by bit.
    private struct Story {
        let test: TestArchive
        let clock: TestClock
        let source: MemoryTangle
        let vector: ChannelVector
        let channel: ChannelNumber
        var policy = CrawlPolicy()

        init(_ test: TestArchive, _ name: String, keys: Int = .max) async throws {
            self.test = test
            clock = TestClock(PeriodTests.months[0])
            vector = try .named(name)
            source = try MemoryTangle.recorded()
            source.hide(vector.allMessages.flatMap(\.transactions))
            channel = try await test.register(vector, keys: keys, now: clock.now)
            // Passed trees are looked at for all of the story.
            policy.watchDuration = 86400 * 365
            policy.watchShares = (1...365).map { Double($0) / 365 }
        }

        /// Publishes messages and lets a crawler that remembers nothing look.
        func publish(_ range: Range<Int>) async throws {
            source.show(vector.messages[range].flatMap(\.transactions))
            try await crawl()
        }

        @discardableResult
        func crawl() async throws -> Int {
            clock.advance(60)  // Every channel is due for a look again.
            let summary = try await test.crawler(source, clock: clock, policy: policy)
                .crawlUntilIdle()
            return summary.messages
        }

        func move(to month: Int) {
            clock.advance(PeriodTests.months[month].timeIntervalSince(clock.now))
        }

        func eraser() -> Eraser {
            Eraser(archive: test.archive, clock: { [clock] in clock.now }, log: .silent)
        }

        @discardableResult
        func forget(_ months: String) async throws -> ForgetRequestRecord {
            let periods = try #require(ClosedRange<Period>(text: months))
            let request = try await test.archive.receiveForgetRequest(
                .period(channel, periods), reason: "moved in in March", now: clock.now)
            return try await eraser().execute(request.id)
        }

        func texts() async throws -> [String?] {
            try await test.read(channel).map(\.message.text)
        }

        func expect(_ range: Range<Int>, _ comment: Comment? = nil) async throws {
            #expect(try await texts() == vector.messages[range].map(\.text), comment)
        }
    }

    @Test func aMonthGoesAndWhatFollowsStaysAndIsFollowedOn() async throws {
        try await TestArchive.with { test in
            let other = try await test.fill(channel: "public")
            var story = try await Story(test, "meter")
            story.policy = CrawlPolicy()
            try await story.publish(0..<8)
            story.move(to: 1)
            try await story.publish(8..<16)
            let january = try #require(ClosedRange<Period>(text: "2027-01"))
            let plan = try await test.archive.planForget(.period(story.channel, january))
            #expect(plan.channels == 1)
            #expect(
                plan.rows == [
                    "message": 8, "attachment": 8, "candidate": 0, "node_lookup": 0,
                    "node_attachment": 0,
                ])

            let done = try await story.forget("2027-01")
            #expect(done.state == .done)
            let receipt = try receipt(done)
            #expect(receipt.scope == "period")
            #expect(receipt.rows == ["message": 8, "attachment": 8])
            #expect(receipt.remaining == 0)
            try await story.expect(8..<16)
            #expect(try test.vault.isForgotten(story.channel, january.upperBound))
            #expect(try !test.vault.isForgotten(story.channel, january.upperBound.next))
            #expect(try test.vault.isForgotten(done.id))

            try await story.publish(16..<24)
            try await story.expect(8..<24)
            #expect(try await test.read(other).count == 6)
            #expect(try await test.archive.channel(story.channel).state == .following)
        }
    }

    /// The passed trees of the month are gone for every way in; the ones of other months are
    /// not.
    @Test func rootsOfTheMonthAreNotRegisteredAgainAndTheHeadIs() async throws {
        try await TestArchive.with { test in
            var story = try await Story(test, "meter")
            story.policy = CrawlPolicy()
            try await story.publish(0..<8)
            story.clock.advance(86_400)
            try await story.crawl()  // Ends the watch of the passed trees.
            story.move(to: 1)
            try await story.publish(8..<16)
            try await story.forget("2027-01")
            let messages = story.vector.messages
            for index in 0..<8 {
                await #expect(throws: ArchiveError.forgotten, "\(index)") {
                    _ = try await test.archive.register(
                        ChannelRegistration(
                            root: Root(messages[index].root), mode: .restricted,
                            sideKey: SideKey("KEY")), now: story.clock.now)
                }
            }
            for index in [8, 15] {
                _ = try await test.archive.register(
                    ChannelRegistration(
                        root: Root(messages[index].root), mode: .restricted,
                        sideKey: SideKey("KEY")), now: story.clock.now)
            }
        }
    }

    @Test func leavesOfAWatchedTreeAreNotTakenInAgainAndLateOnesAre() async throws {
        try await TestArchive.with { test in
            let story = try await Story(test, "tree-of-4")
            try await story.publish(0..<2)
            story.move(to: 1)
            try await story.publish(2..<3)
            #expect(try await story.texts().count == 3)
            try await story.forget("2027-01")
            try await story.expect(2..<3)
            story.clock.advance(86400 * 3)
            try await story.publish(3..<10)
            try await story.expect(2..<10)
            story.move(to: 2)
            try await story.crawl()
            try await story.expect(2..<10)

            // Nor by another channel that begins at a tree that was forgotten in part.
            try await story.forget("2027-02")
            #expect(try await story.texts().isEmpty)
            let key = try #require(story.vector.messages[0].sideKey)
            let second = try await test.archive.register(
                ChannelRegistration(
                    root: Root(story.vector.messages[4].root), mode: .restricted,
                    sideKey: SideKey(key)), now: story.clock.now)
            try await story.crawl()
            #expect(try await test.read(second).isEmpty)
            #expect(try await test.archive.channel(second).headPosition == 2)

            // With the whole channel the roots of such trees go, too.
            let request = try await test.archive.receiveForgetRequest(
                .channel(story.channel), reason: nil, now: story.clock.now)
            _ = try await story.eraser().execute(request.id)
            #expect(try await test.rowCount(of: "partly_forgotten_root") == 0)
            for message in story.vector.messages {
                await #expect(throws: ArchiveError.forgotten) {
                    _ = try await test.archive.register(
                        ChannelRegistration(
                            root: Root(message.root), mode: .restricted, sideKey: SideKey(key)),
                        now: story.clock.now)
                }
            }
        }
    }

    @Test func ofTheMonthUnderWayGoesWhatCameAndNotWhatComes() async throws {
        try await TestArchive.with { test in
            let story = try await Story(test, "meter")
            try await story.publish(0..<4)
            try await story.forget("2027-01")
            #expect(try await story.texts().isEmpty)
            try await story.publish(4..<8)
            try await story.expect(4..<8)
            // Asked again it means all that came since.
            try await story.forget("2027-01")
            #expect(try await story.texts().isEmpty)
            try await story.publish(8..<12)
            story.move(to: 1)
            try await story.publish(12..<16)
            try await story.expect(8..<16)
            let march = try #require(Period(text: "2027-03"))
            await #expect(throws: ArchiveError.periodNotBegun(march)) {
                try await story.forget("2027-02..2027-03")
            }
        }
    }

    @Test func aBundleThatWaitedForItsKeyGoesWithTheMonthItCameIn() async throws {
        try await TestArchive.with { test in
            let story = try await Story(test, "rotating", keys: 1)
            let keys = story.vector.messages.compactMap(\.sideKey)
            let change = try #require(keys.firstIndex { $0 != keys[0] })
            let second = try SideKey(keys[change])
            try await story.publish(0..<change + 1)
            #expect(try await test.rowCount(of: "candidate") == 1)
            story.move(to: 1)
            try await test.archive.add(second, to: story.channel, now: story.clock.now)
            try await story.crawl()
            try await story.expect(0..<change + 1)
            try await story.forget("2027-01")
            #expect(try await story.texts().isEmpty)
            // What proved it was taken in later, and went with it.
            #expect(try await test.rowCount(of: "attachment") == 0)
        }
    }

    @Test func aBundleThatStillWaitedIsNotTakenInWhenItsKeyComes() async throws {
        try await TestArchive.with { test in
            let story = try await Story(test, "rotating", keys: 1)
            let keys = story.vector.messages.compactMap(\.sideKey)
            let change = try #require(keys.firstIndex { $0 != keys[0] })
            try await story.publish(0..<change + 1)
            story.move(to: 1)
            let done = try await story.forget("2027-01")
            #expect(try receipt(done).rows["candidate"] == 1)
            try await story.crawl()
            #expect(try await test.rowCount(of: "candidate") == 0)
            try await test.archive.add(
                SideKey(keys[change]), to: story.channel, now: story.clock.now)
            try await story.crawl()
            #expect(try await story.texts().isEmpty)
            // The chain goes on behind it.
            try await story.publish(0..<change + 2)
            #expect(try await test.archive.channel(story.channel).headPosition > change)
        }
    }

    @Test func anAttachmentOfAMessageThatStaysIsNotCountedAgain() async throws {
        try await TestArchive.with { test in
            let story = try await Story(test, "attacked")
            let recorded = try RecordedTangle()
            let address = Set(story.vector.messages.map(\.address))
            let own = Set(story.vector.messages.flatMap(\.transactions))
            let repeated = recorded.order.filter {
                !own.contains($0) && address.contains(recorded.transactions[$0]?.address ?? .null)
            }
            story.source.hide(repeated)
            try await story.publish(0..<5)
            #expect(try await test.rowCount(of: "attachment") == 5)
            story.move(to: 1)
            story.source.show(repeated)
            try await story.crawl()
            #expect(try await test.rowCount(of: "attachment") == 6)
            let done = try await story.forget("2027-02")
            let rows = try receipt(done).rows
            #expect(rows["attachment"] == 1)
            #expect(try await story.texts().count == 5)
            story.move(to: 2)
            try await story.crawl()
            #expect(try await test.rowCount(of: "attachment") == 5)
        }
    }

    @Test func readersGetTheRestWhileAMonthGoes() async throws {
        try await TestArchive.with { test in
            let story = try await Story(test, "meter")
            try await story.publish(0..<8)
            story.move(to: 1)
            try await story.publish(8..<16)
            let periods = try #require(ClosedRange<Period>(text: "2027-01"))
            try test.vault.forget([.period(story.channel, periods.lowerBound)])
            try await story.expect(8..<16)
            await #expect(throws: ArchiveError.noSuchMessage(story.channel, sequence: 3)) {
                _ = try await test.archive.evidence(of: story.channel, sequence: 3)
            }
            #expect(try await test.archive.evidence(of: story.channel, sequence: 9).1.count == 1)
            try await story.forget("2027-01")
            try await story.expect(8..<16)
        }
    }

    @Test func aForgetOfAllTakesOverFromOneOfAMonth() async throws {
        try await TestArchive.with { test in
            let story = try await Story(test, "meter")
            try await story.publish(0..<8)
            let now = story.clock.now
            let january = try #require(ClosedRange<Period>(text: "2027-01"))
            let month = try await test.archive.receiveForgetRequest(
                .period(story.channel, january), reason: nil, now: now)
            let all = try await test.archive.receiveForgetRequest(
                .channel(story.channel), reason: nil, now: now)
            for fatal in 1...5 {
                try await stop(story.eraser(), month.id, at: fatal)
            }
            let whole = try await story.eraser().execute(all.id)
            #expect(whole.state == .done)
            #expect(try await story.eraser().execute(month.id).state == .done)
            #expect(try await test.rowCount(of: "message") == 0)
            #expect(try test.vault.isForgotten(story.channel))
        }
    }

    /// Cancels a forget when it comes to a step, and waits until it has ended.
    private func stop(_ eraser: Eraser, _ request: ChannelNumber, at fatal: Int) async throws {
        let steps = Mutex(0)
        _ = await Task {
            try await eraser.execute(request) { _ in
                let step = steps.withLock { count in
                    count += 1
                    return count
                }
                if step == fatal { withUnsafeCurrentTask { $0?.cancel() } }
            }
        }.result
    }

    @Test func aSubjectCoversAChannelWhoseOwnForgetHasBegun() async throws {
        for fatal in 2...4 {
            try await TestArchive.with { test in
                let clock = TestClock()
                let channel = try await test.fill(
                    channel: "meter", subject: "household-7", clock: clock)
                let eraser = Eraser(
                    archive: test.archive, clock: { clock.now }, log: .silent)
                let one = try await test.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: clock.now)
                try await stop(eraser, one.id, at: fatal)
                let all = try await test.archive.receiveForgetRequest(
                    .subject("household-7"), reason: nil, now: clock.now)
                let done = try await eraser.execute(all.id)
                let receipt = try receipt(done)
                #expect(receipt.channels == 1, "stopped at \(fatal)")
                #expect(receipt.unreadable == 0)
                #expect(try await eraser.execute(one.id).state == .done)
                #expect(try await test.rowCount(of: "message") == 0)
                #expect(try await test.rowCount(of: "tombstone") == 25)
            }
        }
    }
}
