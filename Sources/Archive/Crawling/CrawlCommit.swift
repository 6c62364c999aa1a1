import Foundation
import MAM
import Postgres
import Vault

extension Archive {
    /// Stores what was found for several channels: bundles, messages and cursors of all of
    /// them move in one transaction, in a number of statements that does not depend on how much
    /// there is. Repeating a commit changes nothing.
    ///
    /// - Returns: What became of each, in the order given.
    /// - Throws: `ArchiveError.interrupted` where the database went away during the commit.
    package func commit(_ findings: [CrawlFindings], now: Date) async throws -> [CrawlOutcome] {
        try await repeatableTransaction { connection in
            try await connection.holdTombstones(.shared)
            var outcomes = [CrawlOutcome](repeating: .fenced, count: findings.count)
            var rotations: [AuditLog.Act] = []
            for round in Self.rounds(findings) {
                let cursors = try await lock(round.map { findings[$0].lease }, on: connection)
                let filling = try await earlierChains(
                    of: round.map { findings[$0] }, on: connection)
                let entries = round.compactMap { index -> CommitEntry? in
                    let found = findings[index]
                    guard let cursor = cursors[found.lease.channel],
                        cursor.epoch == found.lease.epoch
                    else { return nil }
                    return CommitEntry(
                        index: index, found: found, cursor: cursor,
                        filling: filling[found.lease.channel])
                }
                for entry in try await store(entries, now: now, on: connection) {
                    outcomes[entry.index] = entry.outcome
                    rotations += entry.rotations(now) + entry.consents(now)
                }
            }
            try await audit.append(rotations, on: connection)
            return outcomes
        }
    }

    /// Indices of findings such that no round has a channel twice: what is stored for one goes on
    /// from what was stored before.
    private static func rounds(_ findings: [CrawlFindings]) -> [[Int]] {
        var rounds: [[Int]] = []
        var roundCount: [ChannelNumber: Int] = [:]
        for (index, found) in findings.enumerated() {
            let round = roundCount[found.lease.channel, default: 0]
            roundCount[found.lease.channel] = round + 1
            if round == rounds.count { rounds.append([]) }
            rounds[round].append(index)
        }
        return rounds
    }

    /// Locks the channels' rows in the order of their numbers, so that two commits that
    /// share channels wait for each other instead of deadlocking.
    private func lock(_ leases: [CrawlLease], on connection: PostgresConnection) async throws
        -> [ChannelNumber: CommitEntry.Cursor]
    {
        let rows = try await connection.query(
            """
            select id, epoch, next_sequence, head_position, open_period,
                node_interface is not null as is_node_answering, consent_of is not null as is_consent
            from channel
            where id = any ($1)
                and state in ('following', 'waiting-for-key', 'stalled', 'flooded')
            order by id for update
            """, [.int64Array(leases.map(\.channel.rawValue))])
        var cursors: [ChannelNumber: CommitEntry.Cursor] = [:]
        for row in rows {
            cursors[try row.channelNumber("id")] = CommitEntry.Cursor(
                epoch: try row.int64("epoch"), nextSequence: try row.int64("next_sequence"),
                headPosition: try row.int64("head_position"),
                openPeriod: try row.period("open_period"),
                isNodeAnswering: try row.bool("is_node_answering"),
                isConsent: try row.bool("is_consent"))
        }
        return cursors
    }

    private func store(
        _ entries: [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws -> [CommitEntry] {
        guard !entries.isEmpty else { return [] }
        var entries = entries
        let forgotten = try await forgottenRoots(
            among: Set(entries.flatMap(\.roots)), on: connection)
        for index in entries.indices { entries[index].refuse(forgotten) }
        try await leaveOutForgotten(&entries, on: connection)
        try await intake(&entries, on: connection)
        try await sealLikeWaiting(&entries, on: connection)
        try await insertSideKeys(of: entries, now: now, on: connection)
        try await insertMessages(of: &entries, now: now, on: connection)
        try await takeConsents(of: entries, now: now, on: connection)
        try await insertAttachments(of: &entries, now: now, on: connection)
        try await markSideKeys(of: entries, on: connection)
        try await markConfirmed(by: entries, on: connection)
        for entry in entries where !entry.isRefused {
            try await keepWaiting(
                entry.found, period: entry.period(now), now: now, on: connection)
        }
        try await moveTrees(of: &entries, now: now, on: connection)
        try await noteBypassed(by: entries, on: connection)
        try await moveEarlierChains(of: entries, now: now, on: connection)
        try await moveCursors(of: entries, now: now, on: connection)
        try await connection.announce(
            entries.filter { !$0.intake.new.isEmpty }.map(\.channel),
            on: PostgresConnection.messageAnnouncements)
        return entries
    }
}

extension Archive {
    /// Side keys that rotations announced; what waits is then looked at with them.
    private func insertSideKeys(
        of entries: [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws {
        let entries = entries.filter { !$0.isRefused && !$0.found.sideKeys.isEmpty }
        guard !entries.isEmpty else { return }
        try await insert(
            entries.flatMap { entry in entry.found.sideKeys.map { (entry.channel, $0) } },
            now: now, on: connection)
        for entry in entries {
            try await lookAtWaiting(of: entry.channel, now: now, on: connection)
            try await lookAtEarlier(of: entry.channel, now: now, on: connection)
        }
    }
}

extension CommitEntry {
    /// What the audit log says of side keys that came by themselves.
    fileprivate func rotations(_ now: Date) -> [AuditLog.Act] {
        guard !isRefused else { return [] }
        return found.sideKeys.map {
            AuditLog.Act(
                kind: .keyRotated, leaf: channel, details: ["number": String($0.number)], at: now)
        }
    }
}

/// One channel's findings on their way into the archive, under the lock of the channel's row.
struct CommitEntry {
    /// What the channel's row says under its lock.
    struct Cursor {
        let epoch: Int64
        let nextSequence: Int64
        let headPosition: Int64
        /// What is new is sealed under this key period at the earliest.
        let openPeriod: Period
        /// A node's commands answer about the channel.
        let isNodeAnswering: Bool
        /// Its messages are consent events.
        let isConsent: Bool
    }

    /// Where an earlier chain stands.
    struct Filling {
        let headPosition: Int64?
        /// Keyed hash of the root where it arrives.
        let endLookup: [UInt8]
    }

    /// Of the findings among those of the commit.
    let index: Int
    var found: CrawlFindings
    let cursor: Cursor
    /// The earlier chain that the findings are about; nil for the channel's own head.
    let filling: Filling?
    var intake = MessageIntake()
    /// Attachments added beyond the first of each message.
    var furtherAttachments = 0
    var step = ChainStep.none
    /// A message lies under a forgotten root: nothing is taken in.
    private(set) var isRefused = false
    private(set) var nextIsForgotten = false

    init(index: Int, found: CrawlFindings, cursor: Cursor, filling: Filling? = nil) {
        self.index = index
        self.found = found
        self.cursor = cursor
        self.filling = found.filling == nil ? nil : filling
    }

    /// The tree from which a step of the chain can be taken; nil where none can.
    var headPosition: Int64? {
        found.filling == nil ? cursor.headPosition : filling?.headPosition
    }

    var channel: ChannelNumber { found.lease.channel }

    /// Whether the chain went on to the next root, or would but for its tombstone.
    var isNextTaken: Bool { [.advanced, .joined, .forgotten].contains(step) }

    /// The key period of what comes in now.
    func period(_ now: Date) -> Period { max(Period(now), cursor.openPeriod) }

    var outcome: CrawlOutcome {
        .stored(messages: intake.new.count, attachments: furtherAttachments, chain: step)
    }

    /// All roots that must not be forgotten ones.
    var roots: Set<Root> {
        var roots = Set(found.messages.map(\.root))
        if let advance = found.advance { roots.insert(advance.nextRoot) }
        return roots
    }

    mutating func refuse(_ forgotten: Set<Root>) {
        isRefused = found.messages.contains { forgotten.contains($0.root) }
        nextIsForgotten = found.advance.map { forgotten.contains($0.nextRoot) } ?? false
        if isRefused { step = .forgotten }
    }
}
