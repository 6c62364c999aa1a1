import Archive
import ArchiveTestSupport
import Crawler
import Erasure
import Foundation
import MAM
import Postgres
import TestSupport
import Testing
import Vault

/// Forgets against everything else, at random instants.
@Suite struct RaceTests {
    /// 51 races in a test run; `PERMANODE_TEST_RACES` for more, by 17.
    private static var rounds: Int {
        let wanted = ProcessInfo.processInfo.environment["PERMANODE_TEST_RACES"].flatMap(Int.init)
        return ((wanted ?? 51) + 16) / 17
    }

    @Test(.timeLimit(.minutes(60)))
    func whateverGoesOnMeanwhileNothingReappears() async throws {
        var random = SeededGenerator.announced()
        var tally = RaceTally()
        var races = 0
        for _ in 0..<Self.rounds {
            let vectors = try ChannelVector.all().shuffled(using: &random)
            let filled = Int.random(in: 0...vectors.count, using: &random)
            // Each rival comes in each round.
            let rivals = (0..<vectors.count).map {
                RaceRival.allCases[$0 % RaceRival.allCases.count]
            }.shuffled(using: &random)
            let plans = rivals.map { rival in
                RacePlan(
                    rival: rival, before: Int.random(in: 0...40, using: &random),
                    after: Int.random(in: 0...rival.latestForget, using: &random))
            }
            try await TestArchive.with { test in
                let clock = TestClock()
                let source = try MemoryTangle.recorded()
                var channels: [ChannelNumber] = []
                for vector in vectors.prefix(filled) {
                    channels.append(try await register(vector, test, clock))
                }
                _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
                for vector in vectors.dropFirst(filled) {
                    channels.append(try await register(vector, test, clock))
                }
                for (channel, (vector, plan)) in zip(channels, zip(vectors, plans)) {
                    let race = try await Race(channel, vector, plan, test, source, clock)
                    tally.add(plan.rival, try await race.run())
                    races += 1
                }
                try await nothingIsLeft(of: vectors, test, source, clock)
            }
        }
        print("\(races) races: \(tally.text)")
        #expect(races >= 50)
        #expect(tally.missing.isEmpty)
        // Instants that all came too late, or all too early, would try nothing.
        #expect(tally.count(of: .whole) > 0 && tally.count(of: .stopped) > 0)
        if races >= 500 {
            // A crawler that was shut out ends as if nothing were new.
            for rival in [RaceRival.stream, .export, .monthForget, .restrict] {
                #expect(tally.outcomes(of: rival) == [.whole, .stopped], "\(rival)")
            }
            #expect(tally.count(of: .old) > 0)
        }
    }

    /// With a person for each channel, so that it can be exported.
    private func register(_ vector: ChannelVector, _ test: TestArchive, _ clock: TestClock)
        async throws -> ChannelNumber
    {
        try await test.register(vector, subject: "owner of \(vector.name)", now: clock.now)
    }

    private func nothingIsLeft(
        of vectors: [ChannelVector], _ test: TestArchive, _ source: MemoryTangle,
        _ clock: TestClock
    ) async throws {
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
