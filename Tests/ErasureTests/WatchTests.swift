import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import Postgres
import TestSupport
import Testing
import Vault

/// What another process notices of a forget, and when.
@Suite struct WatchTests {
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
