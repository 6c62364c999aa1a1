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

/// Several at work on one archive at the same time.
@Suite(.serialized) struct RacingTests {
    /// The same archive as another process has it: with a pool and a vault of its own.
    private static func second(_ test: TestArchive) throws -> Archive {
        Archive(
            pool: PostgresPool(configuration: try test.database.configuration()),
            vault: try Vault(ring: test.keyRing))
    }

    private static func crawler(
        _ archive: Archive, _ source: any TangleSource, owner: String,
        policy: CrawlPolicy = CrawlPolicy()
    ) throws -> CrawlService {
        CrawlService(
            archive: archive, source: source, policy: policy, owner: owner, log: .silent,
            instruments: try CrawlInstruments(Metrics()))
    }

    @Test(.timeLimit(.minutes(10)))
    func twoCrawlersOnOneDatabaseDoNothingTwice() async throws {
        try await TestArchive.with { test in
            let vectors = try await RegisteredVectors.register(in: test, now: Date())
            let other = try Self.second(test)
            let tangle = try MemoryTangle.recorded()
            let counted = [WatchedSource(tangle), WatchedSource(tangle)]
            var policy = CrawlPolicy()
            policy.treesPerTurn = 2
            policy.channelsAtOnce = 5
            let crawlers = try zip([test.archive, other], counted).enumerated().map {
                place, pair in
                try Self.crawler(
                    pair.0, SlowSource(pair.1, seed: UInt64(place)), owner: "crawler \(place)",
                    policy: policy)
            }
            let summaries = try await withThrowingTaskGroup(
                of: ChainWalk.Summary.self, returning: [ChainWalk.Summary].self
            ) { group in
                for crawler in crawlers { group.addTask { try await crawler.crawlUntilIdle() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(try await vectors.discrepancies(in: test.archive) == [])
            #expect(summaries.map(\.messages).reduce(0, +) == vectors.messageCount)
            #expect(summaries.allSatisfy { $0.failed == 0 })
            await other.pool.shutdown()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func crawlingUntilIdleWaitsForTheLeasesOfACrawlerThatDied() async throws {
        try await TestArchive.with { test in
            let channel = try await test.register(.named("public"), now: Date())
            let leased = try await test.archive.acquireLeases(
                owner: "dead", limit: 9, duration: 2, now: Date())
            #expect(leased.count == 1)
            let crawler = try Self.crawler(
                test.archive, MemoryTangle.recorded(), owner: "alive")
            let summary = try await crawler.crawlUntilIdle()
            #expect(summary.messages == 6)
            #expect(try await test.archive.channel(channel).messageCount == 6)
        }
    }

    /// As where a replica takes over that lacks the last commits: what the process has judged by then
    /// is not there.
    @Test(.timeLimit(.minutes(10)))
    func whatWasLostWithThePrimaryIsCrawledAgainByTheSameProcess() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let source = try MemoryTangle.recorded()
            source.hide(vector.messages[12...].flatMap(\.transactions))
            let channel = try await test.register(vector, now: clock.now)
            let crawler = try test.crawler(source, clock: clock)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.archive.channel(channel).messageCount == 12)
            let before = try await SavedDatabase.save(test)
            source.show(vector.messages[12...].flatMap(\.transactions))
            clock.advance(60)
            _ = try await crawler.crawlUntilIdle()
            #expect(try await test.archive.channel(channel).messageCount == 24)
            try await before.restore(test)
            #expect(try await test.archive.channel(channel).messageCount == 12)
            clock.advance(60)
            let again = try await crawler.crawlUntilIdle()
            #expect(again.messages == 12)
            let found = try await test.archive.messages(of: channel, MessageRange(), limit: 100)
            #expect(found.messages.map(\.sequence) == Array(0..<24))
        }
    }

    /// With the lease as it is unless set otherwise: within seconds.
    @Test(.timeLimit(.minutes(10)))
    func theChannelsOfACrawlerThatWasKilledMoveToAnotherThatRuns() async throws {
        try await TestArchive.with { test in
            let channel = try await test.register(.named("public"), now: Date())
            let policy = CrawlPolicy()
            #expect(policy.lease <= 10)
            let archive = test.archive
            let dead = try await archive.acquireLeases(
                owner: "killed", limit: 9, duration: policy.lease, now: Date())
            #expect(dead.count == 1)
            let crawler = try Self.crawler(archive, MemoryTangle.recorded(), owner: "alive")
            let running = Task { try await crawler.run() }
            try await eventually("the other one has read it") {
                try await archive.channel(channel).messageCount == 6
            }
            running.cancel()
            _ = await running.result
            let late = CrawlFindings(lease: dead[0].lease)
            #expect(try await archive.commit([late], now: Date()) == [.fenced])
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aTurnThatTakesLongerThanALeaseKeepsIt() async throws {
        try await TestArchive.with { test in
            let channel = try await test.register(.named("public"), now: Date())
            var policy = CrawlPolicy()
            policy.lease = 0.3
            let archive = test.archive
            let crawler = try Self.crawler(
                archive, StuckSource(MemoryTangle.recorded(), for: .seconds(1)), owner: "slow",
                policy: policy)
            let running = Task { try await crawler.run() }
            try await eventually("the messages are there") {
                try await archive.channel(channel).messageCount == 6
            }
            running.cancel()
            _ = await running.result
            // One lease did it: an epoch more would be a second turn at the same.
            #expect(try await archive.channel(channel).epoch <= 2)
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aChannelThatTakesLongKeepsNoOtherFromItsTurn() async throws {
        try await TestArchive.with { test in
            let vector = try ChannelVector.named("private")
            let slow = try await test.register(vector, now: Date())
            let archive = test.archive
            let source = StuckSource(
                try MemoryTangle.recorded(), for: .seconds(600),
                at: vector.messages[0].address)
            let crawler = try Self.crawler(archive, source, owner: "crawler")
            let running = Task { try await crawler.run() }
            try await eventually("the slow channel has its turn") { source.isStuck }
            let later = try await test.register(.named("meter"), now: Date())
            try await eventually("the other channel is read") {
                try await archive.channel(later).messageCount == 24
            }
            #expect(try await archive.channel(slow).messageCount == 0)
            running.cancel()
            _ = await running.result
            // Others need not wait for the lease of a crawler that was asked to stop.
            #expect(try await archive.leasedByOthers(notLookedAtSince: Date(), now: Date()) == nil)
        }
    }

    /// What a turn holds goes at once, and not only when a slow node has answered.
    @Test(.timeLimit(.minutes(10)), arguments: [false, true])
    func aTurnAtAChannelThatIsForgottenOrRestrictedEndsWhileItsNodeIsSlow(
        isForgotten: Bool
    ) async throws {
        try await TestArchive.with { test in
            let vector = try ChannelVector.named("private")
            let channel = try await test.register(vector, now: Date())
            let other = try await test.register(.named("meter"), now: Date())
            let archive = test.archive
            let source = StuckSource(
                try MemoryTangle.recorded(), for: .seconds(600), at: vector.messages[0].address)
            let metrics = Metrics()
            let crawler = CrawlService(
                archive: archive, source: source, owner: "crawler", log: .silent,
                instruments: try CrawlInstruments(metrics))
            let running = Task { try await crawler.run() }
            try await eventually("it has its turn") { source.isStuck }
            let fenced = #"permanode_crawler_turns_total{outcome="fenced"}"#
            #expect(metrics.text().contains(fenced + " 0"))
            if isForgotten {
                let request = try await archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: Date())
                _ = try await Eraser(archive: archive, log: .silent).execute(request.id)
            } else {
                try await archive.restrict(channel)
            }
            try await eventually("its turn ends") { metrics.text().contains(fenced + " 1") }
            try await eventually("the other channel is read") {
                try await archive.channel(other).messageCount == 24
            }
            running.cancel()
            _ = await running.result
        }
    }

    /// What is stored of a channel that may still change.
    private struct Holding: Equatable {
        let rows: [Int64]

        init(_ channel: ChannelNumber, in test: TestArchive) async throws {
            rows = try await test.pool.withConnection {
                let row = try await $0.query(
                    """
                    select (select count(*) from message where channel = $1) as a,
                        (select coalesce(sum(attachments), 0) from message where channel = $1) as b,
                        (select count(*) from attachment where channel = $1) as c,
                        (select count(*) from candidate where channel = $1) as d,
                        (select count(*) from tree where channel = $1) as e,
                        (select count(*) from side_key where channel = $1) as f,
                        next_sequence as g, head_position as h, epoch as i
                    from channel where id = $1
                    """, [.int64(channel.rawValue)])[0]
                return try ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map {
                    try row.int64(PostgresColumn(stringLiteral: $0))
                }
            }
        }
    }

    private enum Act: CaseIterable { case pause, resume, addKey, forget, none }

    @Test(.timeLimit(.minutes(10)))
    func nothingIsWrittenAfterAPauseOrAForgetWasAcknowledged() async throws {
        var random = SeededGenerator.announced()
        var races = 0
        while races < 50 {
            try await TestArchive.with { test in
                let vectors = try await RegisteredVectors.register(in: test, now: Date())
                races += vectors.channels.count
                let other = try Self.second(test)
                let tangle = try MemoryTangle.recorded()
                var policy = CrawlPolicy()
                policy.treesPerTurn = 3
                policy.channelsAtOnce = 8
                policy.shortestWait = 0.01
                let crawlers = try [test.archive, other].map {
                    try Self.crawler(
                        $0, SlowSource(tangle, seed: random.next()), owner: "racer", policy: policy)
                }
                let running = crawlers.map { crawler in Task { try await crawler.run() } }
                let acts = vectors.channels.map { channel in
                    (
                        channel, Act.allCases.randomElement(using: &random) ?? .none,
                        Int.random(in: 0...250, using: &random)
                    )
                }
                let stopped = try await withThrowingTaskGroup(
                    of: (ChannelNumber, Holding)?.self,
                    returning: [(ChannelNumber, Holding)].self
                ) { group in
                    for ((vector, channel), act, instant) in acts {
                        group.addTask {
                            // A random instant is the point.
                            try await Task.sleep(for: .milliseconds(instant))
                            return try await Self.carryOut(act, on: channel, vector, in: test)
                        }
                    }
                    return try await group.reduce(into: []) { stopped, holding in
                        if let holding { stopped.append(holding) }
                    }
                }
                try await eventually("the other channels are read") {
                    try await Self.areRead(
                        vectors, besides: Set(stopped.map(\.0)), in: test)
                }
                for task in running { task.cancel() }
                for task in running { _ = await task.result }
                for (channel, holding) in stopped {
                    let now = try await Holding(channel, in: test)
                    #expect(now == holding)
                }
                let discrepancies = try await vectors.discrepancies(
                    in: test.archive, besides: Set(stopped.map(\.0)))
                #expect(discrepancies == [])
                await other.pool.shutdown()
            }
        }
        #expect(races >= 50)
    }

    /// - Returns: What the channel held once it was stopped, nil where it goes on.
    private static func carryOut(
        _ act: Act, on channel: ChannelNumber, _ vector: ChannelVector, in test: TestArchive
    ) async throws -> (ChannelNumber, Holding)? {
        let archive = test.archive
        switch act {
        case .none: return nil
        case .resume:
            try await archive.resume(channel, now: Date())
            return nil
        case .addKey:
            guard vector.mode == .restricted else { return nil }
            try await archive.add(SideKey("ANOTHER"), to: channel, now: Date())
            return nil
        case .pause:
            try await archive.pause(channel)
            return (channel, try await Holding(channel, in: test))
        case .forget:
            let request = try await archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: Date())
            let done = try await Eraser(archive: archive, log: .silent).execute(request.id)
            #expect(done.state == .done)
            let holding = try await Holding(channel, in: test)
            #expect(holding.rows.prefix(6).allSatisfy { $0 == 0 })
            return (channel, holding)
        }
    }

    private static func areRead(
        _ vectors: RegisteredVectors, besides stopped: Set<ChannelNumber>, in test: TestArchive
    ) async throws -> Bool {
        for (vector, channel) in vectors.channels where !stopped.contains(channel) {
            let count = try await test.archive.channel(channel).messageCount
            if count < Int64(RegisteredVectors.reachable(vector).count) { return false }
        }
        return true
    }
}
