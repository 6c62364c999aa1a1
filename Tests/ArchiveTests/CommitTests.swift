import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Postgres
import Tangle
import TestSupport
import Testing
import Vault

/// What a crawler's findings do to the archive, once and again.
@Suite struct CommitTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// Findings of the first trees of a channel, with the head's step after each.
    private static func findings(
        _ lease: CrawlLease, _ messages: [VerifiedMessage], at position: Int
    ) -> CrawlFindings {
        var findings = CrawlFindings(lease: lease)
        let message = messages[position]
        findings.messages = [message]
        findings.advance = HeadAdvance(
            position: Int64(position), nextRoot: message.message.nextRoot,
            watchUntil: now.addingTimeInterval(3600), watchFrom: now.addingTimeInterval(72))
        return findings
    }

    private static func standing(_ test: TestArchive, _ channel: ChannelNumber) async throws
        -> [Int64]
    {
        let record = try await test.archive.channel(channel)
        return [
            record.messageCount, record.headPosition,
            Int64(try await test.rowCount(of: "message")),
            Int64(try await test.rowCount(of: "attachment")),
            Int64(try await test.rowCount(of: "tree")),
        ]
    }

    @Test func theSameFindingsUnderARenewedLeaseChangeNothing() async throws {
        try await TestArchive.with { test in
            let messages = try Verified.messages("C", count: 2)
            let channel = try await test.register(messages[0].root, now: Self.now)
            var lease = try await test.lease(channel, now: Self.now).lease
            #expect(
                try await test.archive.commit(
                    [Self.findings(lease, messages, at: 0)], now: Self.now)
                    == [.stored(messages: 1, attachments: 0, chain: .advanced)])
            #expect(
                try await test.archive.commit(
                    [Self.findings(lease, messages, at: 1)], now: Self.now)
                    == [.stored(messages: 1, attachments: 0, chain: .advanced)])
            let standing = try await Self.standing(test, channel)
            #expect(standing == [2, 2, 2, 2, 3])
            let read = try await test.read(channel)
            for round in 1...3 {
                let later = Self.now.addingTimeInterval(Double(round) * 61)
                lease = try await test.lease(channel, now: later).lease
                for position in [0, 1] {
                    let outcomes = try await test.archive.commit(
                        [Self.findings(lease, messages, at: position)], now: later)
                    #expect(outcomes == [.stored(messages: 0, attachments: 0, chain: .none)])
                }
                #expect(try await Self.standing(test, channel) == standing)
            }
            let again = try await test.read(channel)
            #expect(again.map(\.message) == read.map(\.message))
            #expect(again.map(\.stored.firstSeenAt) == read.map(\.stored.firstSeenAt))
            #expect(again.map(\.stored.attachments) == [1, 1])
            #expect(again.allSatisfy { !$0.stored.conflict })
        }
    }

    @Test func anOldEpochWritesNothingAtAll() async throws {
        try await TestArchive.with { test in
            let messages = try Verified.messages("E", count: 1)
            let channel = try await test.register(messages[0].root, now: Self.now)
            let old = try await test.lease(channel, now: Self.now).lease
            let later = Self.now.addingTimeInterval(61)
            let current = try await test.lease(channel, now: later).lease
            let before = try await test.snapshot()
            #expect(
                try await test.archive.commit(
                    [Self.findings(old, messages, at: 0)], now: later) == [.fenced])
            let until = later.addingTimeInterval(60)
            #expect(try await test.archive.renew([old], until: until) == [])
            try await test.archive.setAside(
                old, reason: "crawl.failed", now: later, until: later.addingTimeInterval(60))
            try await test.archive.setAside(
                old, filling: 1, reason: "crawl.failed", now: later, until: until)
            #expect(try await test.snapshot() == before)
            #expect(try await test.archive.renew([old, current], until: until) == [current])
            // What the successor stores stays as it is, too.
            #expect(
                try await test.archive.commit(
                    [Self.findings(current, messages, at: 0)], now: later)
                    == [.stored(messages: 1, attachments: 0, chain: .advanced)])
            let stored = try await test.snapshot()
            #expect(
                try await test.archive.commit(
                    [Self.findings(old, messages, at: 0)], now: later) == [.fenced])
            #expect(try await test.snapshot() == stored)
        }
    }

    /// The epoch is looked at under the lock under which the rows are written: a commit that began
    /// before the channel was taken over, and waits, writes nothing.
    @Test func aCommitThatWaitsWhileTheChannelIsTakenOverWritesNothing() async throws {
        try await TestArchive.with { test in
            let messages = try Verified.messages("W", count: 1)
            let channel = try await test.register(messages[0].root, now: Self.now)
            let old = try await test.lease(channel, now: Self.now).lease
            let archive = test.archive
            let findings = Self.findings(old, messages, at: 0)
            let committing = try await test.pool.withTransaction { connection in
                // As a crawler does that takes over, before its own commit.
                _ = try await connection.execute(
                    "update channel set epoch = epoch + 1 where id = $1",
                    [.int64(channel.rawValue)])
                let committing = Task { try await archive.commit([findings], now: Self.now) }
                while try await Self.waiting(in: test) == 0 {
                    try await Task.sleep(for: .milliseconds(5))
                }
                return committing
            }
            #expect(try await committing.value == [.fenced])
            for table in ["message", "attachment"] {
                #expect(try await test.rowCount(of: table) == 0)
            }
            #expect(try await test.archive.channel(channel).messageCount == 0)
            #expect(try await test.archive.channel(channel).headPosition == 0)
        }
    }

    /// Statements that wait for a lock.
    private static func waiting(in test: TestArchive) async throws -> Int64 {
        try await test.pool.withConnection {
            try await $0.query(
                """
                select count(*) as waiting from pg_stat_activity
                where datname = current_database() and wait_event_type = 'Lock'
                """)[0].int64("waiting")
        }
    }

    @Test func ofSeveralChannelsOneThatIsShutOutDoesNotKeepTheOthersBack() async throws {
        try await TestArchive.with { test in
            let chains = try [
                Verified.messages("X", count: 1), Verified.messages("Y", count: 1),
                Verified.messages("Z", count: 1),
            ]
            var channels: [ChannelNumber] = []
            for chain in chains {
                channels.append(try await test.register(chain[0].root, now: Self.now))
            }
            let leased = try await test.archive.acquireLeases(
                owner: "test", limit: 9, duration: 60, now: Self.now)
            #expect(leased.count == 3)
            try await test.archive.pause(channels[1])
            let outcomes = try await test.archive.commit(
                try zip(channels, chains).map { channel, chain in
                    let lease = try #require(leased.first { $0.lease.channel == channel }).lease
                    return Self.findings(lease, chain, at: 0)
                }, now: Self.now)
            let stored = CrawlOutcome.stored(messages: 1, attachments: 0, chain: .advanced)
            #expect(outcomes == [stored, .fenced, stored])
            #expect(try await test.rowCount(of: "message") == 2)
        }
    }

    @Test func attachmentsAreCountedOnceWhereverTheyTurnUp() async throws {
        try await TestArchive.with { test in
            var writer = try ChannelWriter(
                seed: Seed(String(repeating: "A", count: 81)), mode: .private, securityLevel: 1)
            let root = writer.root
            let written = try writer.write("attached often")
            let attached = try (0..<7).map { number in
                try Verified.verified(
                    written, position: 0,
                    bundle: Verified.bundle(written, time: 1_700_000_000_000 + Int64(number)))
            }
            let channel = try await test.register(root, now: Self.now)
            let lease = try await test.lease(channel, now: Self.now).lease
            var findings = CrawlFindings(lease: lease)
            findings.messages = Array(attached[0..<2]) + Array(attached[0..<2])
            #expect(
                try await test.archive.commit([findings], now: Self.now)
                    == [.stored(messages: 1, attachments: 1, chain: .none)])
            findings.messages = attached
            #expect(
                try await test.archive.commit([findings], now: Self.now)
                    == [.stored(messages: 0, attachments: 5, chain: .none)])
            #expect(
                try await test.archive.commit([findings], now: Self.now)
                    == [.stored(messages: 0, attachments: 0, chain: .none)])
            #expect(try await test.read(channel).map(\.stored.attachments) == [7])
            let evidence = try await test.archive.evidence(of: channel, sequence: 0)
            #expect(evidence.attachments.map(\.number) == [0, 1, 2, 3])
            #expect(
                evidence.attachments.map(\.transactions)
                    == attached.prefix(4).map(\.bundle.transactions))
        }
    }

    @Test func twinsOfALeafAreMarkedWheneverTheSecondComes() async throws {
        try await TestArchive.with { test in
            let seed = try Seed(String(repeating: "D", count: 81))
            var twins: [VerifiedMessage] = []
            for text in ["one", "two", "three"] {
                var writer = try ChannelWriter(seed: seed, mode: .private, securityLevel: 1)
                let written = try writer.write(text)
                twins.append(
                    try Verified.verified(
                        written, position: 0, bundle: Verified.bundle(written)))
            }
            let channel = try await test.register(twins[0].root, now: Self.now)
            let lease = try await test.lease(channel, now: Self.now).lease
            for (count, found) in [[twins[0]], [twins[1], twins[2]], twins].enumerated() {
                var findings = CrawlFindings(lease: lease)
                findings.messages = found
                _ = try await test.archive.commit([findings], now: Self.now)
                let conflicts = try await test.read(channel).map(\.stored.conflict)
                #expect(conflicts == (count == 0 ? [false] : [true, true, true]))
            }
        }
    }

    @Test func leasesOfOneNameAreGivenBackAndOthersStay() async throws {
        try await TestArchive.with { test in
            let channels = [
                try await test.register(Root(String(repeating: "G", count: 81)), now: Self.now),
                try await test.register(Root(String(repeating: "H", count: 81)), now: Self.now),
            ]
            _ = try await test.archive.acquireLeases(
                owner: "dead", limit: 1, duration: 60, now: Self.now)
            _ = try await test.archive.acquireLeases(
                owner: "alive", limit: 1, duration: 60, now: Self.now)
            #expect(
                try await test.archive.leasedByOthers(
                    notLookedAtSince: Self.now, now: Self.now) == Self.now.addingTimeInterval(60))
            try await test.archive.giveBackLeases(of: "dead")
            let leased = try await test.archive.acquireLeases(
                owner: "next", limit: 9, duration: 60, now: Self.now)
            #expect(leased.count == 1)
            #expect(channels.contains(try #require(leased.first).lease.channel))
        }
    }
}
