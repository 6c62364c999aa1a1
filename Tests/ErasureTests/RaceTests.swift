import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import TestSupport
import Testing
import Vault

/// Forgets against everything else, at random instants.
@Suite struct RaceTests {
    private enum Rival: CaseIterable {
        case crawl, read, sameForget, monthForget, restrict, retention
    }

    /// 51 races in a test run; `PERMANODE_TEST_RACES` for more, by 17.
    private static var rounds: Int {
        let wanted = ProcessInfo.processInfo.environment["PERMANODE_TEST_RACES"].flatMap(Int.init)
        return ((wanted ?? 51) + 16) / 17
    }

    @Test(.timeLimit(.minutes(10)))
    func whateverGoesOnMeanwhileNothingReappears() async throws {
        var random = SeededGenerator.announced()
        var races = 0
        for _ in 0..<Self.rounds {
            let vectors = try ChannelVector.all().shuffled(using: &random)
            let filled = Int.random(in: 0...vectors.count, using: &random)
            let plans = vectors.map { _ in
                (
                    Rival.allCases.randomElement(using: &random) ?? .crawl,
                    Int.random(in: 0...40, using: &random), Int.random(in: 0...40, using: &random)
                )
            }
            try await TestArchive.with { test in
                let clock = TestClock()
                let source = try MemoryTangle.recorded()
                var channels: [ChannelNumber] = []
                for vector in vectors.prefix(filled) {
                    channels.append(try await test.register(vector, now: clock.now))
                }
                _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
                for vector in vectors.dropFirst(filled) {
                    channels.append(try await test.register(vector, now: clock.now))
                }
                for (channel, plan) in zip(channels, plans) {
                    try await race(channel, plan, test, source, clock)
                    races += 1
                }
                clock.advance(3600)
                _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
                for table in ["message", "attachment", "candidate", "tree", "side_key"] {
                    #expect(try await test.rowCount(of: table) == 0, "\(table)")
                }
                #expect(try await test.archive.openForgetRequests().isEmpty)
                for vector in vectors {
                    await #expect(throws: ArchiveError.forgotten, "\(vector.name)") {
                        _ = try await test.register(vector, now: clock.now)
                    }
                }
            }
        }
        #expect(races >= 50)
    }

    private func race(
        _ channel: ChannelNumber, _ plan: (rival: Rival, before: Int, after: Int),
        _ test: TestArchive, _ source: MemoryTangle, _ clock: TestClock
    ) async throws {
        let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
        let request = try await test.archive.receiveForgetRequest(
            .channel(channel), reason: nil, now: clock.now)
        let rival = Task {
            try await Task.sleep(for: .milliseconds(plan.before))
            try await act(plan.rival, request.id, channel, eraser, test, source, clock)
        }
        try await Task.sleep(for: .milliseconds(plan.after))
        _ = try await eraser.execute(request.id)
        let result = await rival.result
        if case .failure(let error) = result {
            // It came too late, and was told so.
            #expect(
                error is ArchiveError || error is VaultError || error is ErasureError,
                "\(plan.rival): \(error)")
        }
        for open in try await test.archive.openForgetRequests() {
            _ = try await eraser.execute(open.id)
        }
        #expect(try test.vault.isForgotten(channel))
        let rows = try await test.pool.withConnection {
            try await $0.query(
                "select count(*) as rows from message where channel = $1",
                [.int64(channel.rawValue)])
        }
        #expect(try rows.first?.int64("rows") == 0, "\(plan.rival)")
        #expect(try await test.archive.channel(channel).state == .forgotten)
    }

    private func act(
        _ rival: Rival, _ request: ChannelNumber, _ channel: ChannelNumber, _ eraser: Eraser,
        _ test: TestArchive, _ source: MemoryTangle, _ clock: TestClock
    ) async throws {
        switch rival {
        case .crawl:
            clock.advance(60)
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
        case .read:
            while true { _ = try await test.read(channel) }
        case .sameForget:
            _ = try await eraser.execute(request)
        case .monthForget:
            let month = Period(clock.now)
            let part = try await test.archive.receiveForgetRequest(
                .period(channel, month...month), reason: nil, now: clock.now)
            _ = try await eraser.execute(part.id)
        case .restrict:
            try await test.archive.restrict(channel)
        case .retention:
            try await test.archive.setRetention(Retention(months: 1), of: channel)
            _ = try await test.archive.beginRetention(now: clock.now)
        }
    }
}
