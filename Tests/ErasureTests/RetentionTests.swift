import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import TestSupport
import Testing
import Vault

/// Months that a channel's retention forgets by itself, and restriction.
@Suite struct RetentionTests {
    private static let month: TimeInterval = 30.5 * 86_400

    private func eraser(_ test: TestArchive, _ clock: TestClock) -> Eraser {
        Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
    }

    /// What the eraser does in a round.
    private func erase(_ test: TestArchive, _ clock: TestClock) async throws {
        _ = try await test.archive.beginRetention(now: clock.now)
        let requests = try await test.archive.openForgetRequests(
            ofRetention: true, now: clock.now)
        let failures = try await eraser(test, clock).execute(together: requests)
        #expect(failures.isEmpty)
    }

    private func filled(_ test: TestArchive, _ clock: TestClock) async throws -> [ChannelNumber] {
        let channels = try await test.fill(
            ["meter", "private", "public", "events"].map { try .named($0) }, clock: clock)
        for channel in channels {
            try await test.archive.setRetention(Retention(months: 1), of: channel)
        }
        clock.advance(3 * Self.month)
        return channels
    }

    @Test func theKeysOfManyChannelsGoInOneChangeOfTheRing() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channels = try await filled(test, clock)
            let generation = test.vault.generation
            try await erase(test, clock)
            #expect(test.vault.generation == generation + 1)
            for channel in channels { #expect(try await test.read(channel).isEmpty) }
            #expect(try await test.archive.openForgetRequests().isEmpty)
        }
    }

    @Test(arguments: [
        EraserSettings.FaultPoint.buried, .beforeShredding, .shredded, .markedShredded,
        .rowsDeleted,
    ])
    func aRoundThatIsCutOffIsFinishedByTheNext(at point: EraserSettings.FaultPoint) async throws {
        struct CutOff: Error {}
        try await TestArchive.with { test in
            let clock = TestClock()
            let channels = try await filled(test, clock)
            var settings = EraserSettings()
            settings.faultPoint = { if $0 == point { throw CutOff() } }
            let cut = Eraser(
                archive: test.archive, settings: settings, clock: { clock.now }, log: .silent)
            _ = try await test.archive.beginRetention(now: clock.now)
            let requests = try await test.archive.openForgetRequests(
                ofRetention: true, now: clock.now)
            #expect(requests.count == channels.count)
            await #expect(throws: CutOff.self) { _ = try await cut.execute(together: requests) }
            try await erase(test, clock)
            for channel in channels { #expect(try await test.read(channel).isEmpty) }
            #expect(try await test.archive.openForgetRequests().isEmpty)
        }
    }

    /// What cannot be done for one channel does not keep the others' months.
    @Test func oneChannelThatCannotBeForgottenHoldsUpNoOther() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channels = try await filled(test, clock)
            _ = try await test.archive.beginRetention(now: clock.now)
            let requests = try await test.archive.openForgetRequests(
                ofRetention: true, now: clock.now)
            try await test.archive.setHold(
                .channel(channels[1]), reason: "a claim", now: clock.now)
            let failures = try await eraser(test, clock).execute(together: requests)
            for (place, channel) in channels.enumerated() {
                #expect(try await test.read(channel).isEmpty == (place != 1))
            }
            let held = requests.first { $0.target == channels[1] }
            #expect(failures.keys.map { $0 } == [held?.id])
        }
    }

    @Test func textsOfMonths() throws {
        #expect(try #require(Retention(text: "13m")).months == 13)
        #expect(try #require(Retention(text: "1200m")).text == "1200m")
        for wrong in ["", "m", "0m", "-1m", "+1m", "13", "13d", "1201m", "1.5m", " 1m", "１m"] {
            #expect(Retention(text: wrong) == nil, "\(wrong)")
        }
    }

    @Test func monthsOlderThanTheRetentionGoByThemselvesAndOneRowIsLeft() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let source = try MemoryTangle.recorded()
            source.hide(vector.messages.flatMap(\.transactions))
            let kept = try await test.fill(channel: "public", clock: clock)
            let channel = try await test.register(vector, now: clock.now)
            try await test.archive.setRetention(Retention(months: 2), of: channel)
            for month in 0..<6 {
                let messages = vector.messages[month * 4..<month * 4 + 4]
                source.show(messages.flatMap(\.transactions))
                _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
                try await erase(test, clock)
                // The month under way and two before it.
                let first = max(0, month - 2) * 4
                #expect(
                    try await test.read(channel).map(\.message.text)
                        == vector.messages[first..<month * 4 + 4].map(\.text), "month \(month)")
                clock.advance(Self.month)
            }
            #expect(try await test.rowCount(of: "forget_request") == 1)
            #expect(try await test.rowCount(of: "forget_target") == 1)
            #expect(try await test.archive.forgetRequests().isEmpty)
            #expect(try await test.archive.beginRetention(now: clock.now) == 1)
            #expect(try await test.archive.beginRetention(now: clock.now) == 0)
            #expect(try await test.read(kept).count == 6)
            #expect(try await test.archive.channel(channel).state == .following)
        }
    }

    @Test func noRegistrationBringsBackWhatRetentionForgot() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "meter", clock: clock)
            try await test.archive.setRetention(Retention(months: 1), of: channel)
            clock.advance(86_400)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            clock.advance(3 * Self.month)
            try await erase(test, clock)
            #expect(try await test.read(channel).isEmpty)
            for message in try ChannelVector.named("meter").messages {
                await #expect(throws: ArchiveError.forgotten) {
                    _ = try await test.archive.register(
                        ChannelRegistration(
                            root: Root(message.root), mode: .restricted,
                            sideKey: SideKey("KEY")), now: clock.now)
                }
            }
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            #expect(try await test.read(channel).isEmpty)
        }
    }

    @Test func withoutRetentionAllIsKeptAndAnUnfinishedOneGoesFirst() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "public", clock: clock)
            clock.advance(100 * Self.month)
            #expect(try await test.archive.beginRetention(now: clock.now) == 0)
            try await test.archive.setRetention(Retention(months: 99), of: channel)
            #expect(try await test.archive.beginRetention(now: clock.now) == 1)
            clock.advance(Self.month)
            #expect(try await test.archive.beginRetention(now: clock.now) == 0)
            try await erase(test, clock)
            #expect(try await test.read(channel).isEmpty)
            #expect(try await test.archive.beginRetention(now: clock.now) == 1)
            try await test.archive.setRetention(nil, of: channel)
            #expect(try await test.archive.channel(channel).retention == nil)
        }
    }

    @Test func aRestrictedChannelIsKeptNeitherReadNorCrawledAndCanBeLifted() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "meter", clock: clock)
            try await test.archive.setRetention(Retention(months: 1), of: channel)
            let lease = try #require(
                try await test.archive.acquireLeases(
                    owner: "slow", limit: 1, duration: 60,
                    schedule: .notLookedAtSince(.distantFuture), now: clock.now
                ).first?.lease)
            try await test.archive.restrict(channel)
            try await test.archive.restrict(channel)
            #expect(
                try await test.archive.commit([CrawlFindings(lease: lease)], now: clock.now)
                    == [.fenced])
            clock.advance(5 * Self.month)
            #expect(
                try await test.archive.acquireLeases(
                    owner: "x", limit: 9, duration: 60, now: clock.now
                ).isEmpty)
            #expect(try await test.archive.beginRetention(now: clock.now) == 0)
            let restricted = ArchiveError.wrongState(channel, .restricted)
            await #expect(throws: restricted) { _ = try await test.read(channel) }
            await #expect(throws: restricted) {
                _ = try await test.archive.evidence(of: channel, sequence: 0)
            }
            await #expect(throws: restricted) { try await test.archive.pause(channel) }
            await #expect(throws: restricted) {
                try await test.archive.resume(channel, now: clock.now)
            }
            try await test.archive.lift(channel, now: clock.now)
            #expect(try await test.read(channel).count == 24)
            #expect(try await test.archive.channel(channel).state == .following)
            await #expect(throws: ArchiveError.wrongState(channel, .following)) {
                try await test.archive.lift(channel, now: clock.now)
            }

            try await test.archive.pause(channel)
            try await test.archive.restrict(channel)
            try await test.archive.lift(channel, now: clock.now)
            #expect(try await test.archive.channel(channel).state == .paused)

            try await test.archive.restrict(channel)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            #expect(try await test.rowCount(of: "message") == 0)
            await #expect(throws: ArchiveError.wrongState(channel, .forgotten)) {
                try await test.archive.restrict(channel)
            }
        }
    }
}
