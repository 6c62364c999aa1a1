import Foundation
import MAM
import Postgres
import Ternary
import Vault

extension Archive {
    /// Stores what was found for several channels: bundles, messages and cursors of all of
    /// them move in one transaction. Repeating a commit changes nothing.
    ///
    /// - Returns: What became of each, in the order given.
    /// - Throws: `ArchiveError.interrupted` where the database went away during the commit.
    package func commit(_ findings: [CrawlFindings], now: Date) async throws -> [CrawlOutcome] {
        try await repeatableTransaction { connection in
            try await connection.holdTombstones(.shared)
            let locked = try await lock(findings.map(\.lease), on: connection)
            var outcomes: [CrawlOutcome] = []
            for found in findings {
                guard let cursor = locked[found.lease.channel], cursor.epoch == found.lease.epoch
                else {
                    outcomes.append(.fenced)
                    continue
                }
                outcomes.append(try await store(found, at: cursor, now: now, on: connection))
            }
            return outcomes
        }
    }

    /// What a channel's row says under its lock.
    private struct Cursor {
        let epoch: Int64
        let nextSequence: Int64
        let headPosition: Int64
    }

    /// Locks the channels' rows in the order of their numbers, so that two commits that
    /// share channels wait for each other instead of deadlocking.
    private func lock(_ leases: [CrawlLease], on connection: PostgresConnection) async throws
        -> [ChannelNumber: Cursor]
    {
        let rows = try await connection.query(
            """
            select id, epoch, next_sequence, head_position from channel
            where id = any ($1)
                and state in ('following', 'waiting-for-key', 'stalled', 'flooded')
            order by id for update
            """, [.int64Array(leases.map(\.channel.rawValue))])
        var cursors: [ChannelNumber: Cursor] = [:]
        for row in rows {
            cursors[try row.channelNumber("id")] = Cursor(
                epoch: try row.int64("epoch"), nextSequence: try row.int64("next_sequence"),
                headPosition: try row.int64("head_position"))
        }
        return cursors
    }

    private func store(
        _ found: CrawlFindings, at cursor: Cursor, now: Date, on connection: PostgresConnection
    ) async throws -> CrawlOutcome {
        let channel = found.lease.channel
        guard try await !isAnyForgotten(Set(found.messages.map(\.root)), on: connection) else {
            try await moveCursor(found, messages: 0, advanced: false, now: now, on: connection)
            return .stored(messages: 0, attachments: 0, chain: .forgotten)
        }
        let intake = try await intake(found.messages, into: channel, on: connection)
        let added = try await insert(
            intake.new, into: channel, from: cursor.nextSequence, now: now, on: connection)
        let repeated = try await insert(
            intake.attachments + added.attachments, into: channel, now: now, on: connection)
        try await markSideKeys(found.messages, of: channel, on: connection)
        try await markConfirmed(intake.confirmed, of: channel, on: connection)
        try await markConfirmed(tails: found.confirmed, of: channel, on: connection)
        try await keepWaiting(found, now: now, on: connection)
        for (position, nextLookAt) in found.watched {
            try await watch(position, of: channel, nextLookAt: nextLookAt, on: connection)
        }
        var step: ChainStep = intake.cycle ? .cycle : .none
        if let advance = found.advance, advance.position == cursor.headPosition, step == .none {
            step = try await take(
                advance, of: channel, head: cursor.headPosition, now: now, on: connection)
        }
        try await moveCursor(
            found, messages: added.count, advanced: step == .advanced, now: now, on: connection)
        return .stored(messages: added.count, attachments: repeated, chain: step)
    }

    private func take(
        _ advance: HeadAdvance, of channel: ChannelNumber, head: Int64, now: Date,
        on connection: PostgresConnection
    ) async throws -> ChainStep {
        guard try await !isForgotten(advance.nextRoot, on: connection) else { return .forgotten }
        _ = try await connection.execute(
            """
            update tree set watch_until = $3, next_look_at = $4
            where channel = $1 and position = $2
            """,
            [
                .int64(channel.rawValue), .int64(head), .timestamp(advance.watchUntil),
                .timestamp(advance.watchFrom),
            ])
        try await insertTree(
            channel, position: head + 1, root: advance.nextRoot, now: now, on: connection)
        return .advanced
    }

    /// - Parameter nextLookAt: nil where the tree is no longer looked at. With bundles that
    ///   wait for a key it stays, to be looked at once more when one is added.
    private func watch(
        _ position: Int64, of channel: ChannelNumber, nextLookAt: Date?,
        on connection: PostgresConnection
    ) async throws {
        if nextLookAt == nil {
            let ended = try await connection.execute(
                """
                delete from tree t
                where channel = $1 and position = $2 and watch_until is not null
                    and not exists (
                        select from candidate c
                        where c.channel = t.channel and c.position = t.position)
                """, [.int64(channel.rawValue), .int64(position)])
            guard ended == 0 else { return }
        }
        _ = try await connection.execute(
            """
            update tree set next_look_at = coalesce($3::timestamptz, 'infinity')
            where channel = $1 and position = $2 and watch_until is not null
            """,
            [
                .int64(channel.rawValue), .int64(position),
                nextLookAt.map(PostgresValue.timestamp) ?? .null,
            ])
    }

    private func moveCursor(
        _ found: CrawlFindings, messages: Int, advanced: Bool, now: Date,
        on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            """
            update channel set
                next_sequence = next_sequence + $2,
                head_position = head_position + $3,
                last_look_at = $4,
                last_news_at = case when $2 > 0 then $4 else last_news_at end
            where id = $1
            """,
            [
                .int64(found.lease.channel.rawValue), .int64(Int64(messages)),
                .int64(advanced ? 1 : 0), .timestamp(now),
            ])
        guard let end = found.end else { return }
        _ = try await connection.execute(
            """
            update channel set state = $2, reason = $3, next_look_at = $4,
                lease_owner = null, lease_until = null
            where id = $1
            """,
            [
                .int64(found.lease.channel.rawValue), .text(end.state.rawValue),
                end.reason.map(PostgresValue.text) ?? .null, .timestamp(end.nextLookAt),
            ])
    }

    private func markSideKeys(
        _ messages: [VerifiedMessage], of channel: ChannelNumber, on connection: PostgresConnection
    ) async throws {
        var first: [Int16: Int64] = [:]
        for message in messages {
            guard let key = message.sideKey else { continue }
            first[key] = min(first[key] ?? message.position, message.position)
        }
        for (number, position) in first {
            _ = try await connection.execute(
                """
                update side_key set first_position = $3
                where channel = $1 and number = $2
                    and (first_position is null or first_position > $3)
                """, [.int64(channel.rawValue), .int16(number), .int64(position)])
        }
    }

    private func markConfirmed(
        _ confirmed: [Int64: Int32?], of channel: ChannelNumber, on connection: PostgresConnection
    ) async throws {
        for (sequence, milestone) in confirmed {
            _ = try await connection.execute(
                """
                update message set confirmed = true, milestone = coalesce(milestone, $3)
                where channel = $1 and sequence = $2
                """,
                [
                    .int64(channel.rawValue), .int64(sequence),
                    milestone.map(PostgresValue.int32) ?? .null,
                ])
        }
    }

    private func markConfirmed(
        tails: [Hash: Int32?], of channel: ChannelNumber, on connection: PostgresConnection
    ) async throws {
        guard !tails.isEmpty else { return }
        let known = Array(tails)
        let lookups = try known.map {
            try vault.lookupHash($0.key.packed, domain: "attachment", channel: channel)
        }
        _ = try await connection.execute(
            """
            update message m set confirmed = true, milestone = coalesce(m.milestone, k.milestone)
            from unnest($2::bytea[], $3::int4[]) as k (lookup, milestone)
                join attachment a on a.channel = $1 and a.lookup = k.lookup
            where m.channel = $1 and m.sequence = a.sequence
                and (not m.confirmed or m.milestone is null)
            """,
            [
                .int64(channel.rawValue), .bytesArray(lookups), .int32Array(known.map(\.value)),
            ])
    }
}
