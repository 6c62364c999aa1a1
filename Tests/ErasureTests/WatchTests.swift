import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import Postgres
import TestSupport
import Testing
import Vault

/// What another process notices of a forget, and when.
@Suite struct WatchTests {
    /// What the crawler remembers of a channel goes with it, though nothing of it is crawled.
    @Test func aCrawlersMemoryOfAForgottenChannelIsDropped() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let gone = try await test.register(.named("meter"), now: clock.now)
            let kept = try await test.register(.named("public"), now: clock.now)
            let crawler = try test.crawler(MemoryTangle.recorded(), clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(crawler.remembered == [gone, kept])
            let running = Task { try await crawler.run() }
            let request = try await test.archive.receiveForgetRequest(
                .channel(gone), reason: nil, now: clock.now)
            _ = try await Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
                .execute(request.id)
            let began = ContinuousClock.now
            while crawler.remembered != [kept], ContinuousClock.now - began < .seconds(20) {
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(crawler.remembered == [kept])
            running.cancel()
            _ = try? await running.value
        }
    }

    /// Another process's reader, whose read is recorded only after the forget has written down
    /// whom to tell.
    @Test func aReadThatIsRecordedLateIsToldAllTheSame() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let names = ["private", "public", "events", "meter"]
            let channels = try await test.fill(
                names.map { try .named($0) }, clock: clock)
            let reader = try await test.archive.createToken(
                .reader, channels: channels, now: clock.now
            ).record.id
            var late = 0
            for channel in channels {
                let other = Archive(pool: test.pool, vault: try Vault(ring: test.keyRing))
                let request = try await test.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: clock.now)
                try await AuditActor.$current.withValue(.token(reader)) {
                    _ = try await other.messages(of: channel, MessageRange(), limit: 2)
                }
                _ = try await Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
                    .execute(request.id)
                late += try await test.archive.notices(of: request.id).isEmpty ? 1 : 0
                try await other.audit.flush()
                // The flush that begins by itself may still be under way.
                let began = ContinuousClock.now
                var told: [Notice] = []
                while told.isEmpty, ContinuousClock.now - began < .seconds(60) {
                    told = try await test.archive.notices(of: request.id)
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(told.map(\.reader) == [reader])
                #expect(told.map(\.channel) == [channel])
                #expect(try await test.rowCount(of: "recipient") == 0)
            }
            print("\(late) of \(channels.count) reads were recorded late")
        }
    }

    /// Though the database fails between recording a read and telling of it.
    @Test func whoCouldNotBeToldIsToldNextTime() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "meter", clock: clock)
            let reader = try await test.archive.createToken(
                .reader, channels: [channel], now: clock.now
            ).record.id
            try await withOther(test) { other in
                let request = try await test.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: clock.now)
                try await AuditActor.$current.withValue(.token(reader)) {
                    _ = try await other.messages(of: channel, MessageRange(), limit: 2)
                }
                _ = try await Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
                    .execute(request.id)
                try await test.pool.withConnection {
                    try await $0.script("alter table recipient_notice rename to away")
                }
                // On a busy machine the flush that begins by itself came first.
                _ = try? await other.audit.flush()
                try await test.pool.withConnection {
                    try await $0.script("alter table away rename to recipient_notice")
                }
                let began = ContinuousClock.now
                var told: [Notice] = []
                while told.isEmpty, ContinuousClock.now - began < .seconds(60) {
                    told = try await test.archive.notices(of: request.id)
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(told.map(\.reader) == [reader])
            }
        }
    }

    /// The archive as another process has it: connections and a vault of its own.
    private func withOther(
        _ test: TestArchive, _ body: (Archive) async throws -> Void
    ) async throws {
        let pool = PostgresPool(configuration: try test.database.configuration())
        let other = Archive(pool: pool, vault: try Vault(ring: test.keyRing))
        do { try await body(other) } catch {
            await pool.shutdown()
            throw error
        }
        await pool.shutdown()
    }

    private enum Act: CaseIterable {
        case forget, forgetMonth, restrict
    }

    @Test(arguments: [0, 1, 2])
    func whoIsAtAChannelIsStoppedWithinASecond(_ number: Int) async throws {
        let act = Act.allCases[number]
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "meter", clock: clock)
            try await withOther(test) { other in
                let watch = ChannelWatch(other)
                let mark = try await other.channel(channel).readersEpoch
                let reading = Task {
                    try await watch.during(channel, since: mark) {
                        // Until it is cancelled: a reader who takes nothing.
                        try await Task.sleep(for: .seconds(60))
                    }
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...900)))
                let done = try await perform(act, on: channel, test, clock)
                let result = await reading.result
                #expect(ContinuousClock.now - done < .seconds(1))
                #expect(throws: expected(act, channel)) { try result.get() }
                if act == .forget {
                    try await Task.sleep(for: .milliseconds(300))
                    #expect(throws: VaultError.forgotten(channel)) {
                        _ = try other.vault.lookupHash([1], domain: "x", channel: channel)
                    }
                }
            }
        }
    }

    /// - Returns: When it was committed, or a little later.
    private func perform(
        _ act: Act, on channel: ChannelNumber, _ test: TestArchive, _ clock: TestClock
    ) async throws -> ContinuousClock.Instant {
        if act == .restrict {
            try await test.archive.restrict(channel)
            return .now
        }
        let months = try #require(ClosedRange<Period>(text: "2027-01"))
        let request = try await test.archive.receiveForgetRequest(
            act == .forget ? .channel(channel) : .period(channel, months), reason: nil,
            now: clock.now)
        _ = try await Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            .execute(request.id)
        return .now
    }

    private func expected(_ act: Act, _ channel: ChannelNumber) -> ArchiveError {
        switch act {
        case .forget: .noSuchChannel(channel)
        case .forgetMonth: .fenced(channel)
        case .restrict: .wrongState(channel, .restricted)
        }
    }

    @Test func whatIsUnderWayElsewhereGoesOn() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "public", clock: clock)
            let other = try await test.fill(channel: "events", clock: clock)
            let watch = ChannelWatch(test.archive)
            let mark = try await test.archive.channel(channel).readersEpoch
            let value = try await watch.during(channel, since: mark) {
                try await test.archive.restrict(other)
                try await test.archive.pause(channel)
                try await Task.sleep(for: ChannelWatch.interval * 3)
                return 7
            }
            #expect(value == 7)
        }
    }

    @Test func whereTheDatabaseIsAwayNobodyReadsOn() async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill(channel: "public")
            let pool = PostgresPool(configuration: try test.database.configuration())
            let archive = Archive(pool: pool, vault: test.vault)
            let watch = ChannelWatch(archive)
            let mark = try await archive.channel(channel).readersEpoch
            let reading = Task {
                try await watch.during(channel, since: mark) {
                    try await Task.sleep(for: .seconds(60))
                }
            }
            try await Task.sleep(for: .milliseconds(100))
            let start = ContinuousClock.now
            await pool.shutdown()
            let result = await reading.result
            #expect(throws: ArchiveError.interrupted) { try result.get() }
            #expect(ContinuousClock.now - start < .seconds(3))
        }
    }
}
