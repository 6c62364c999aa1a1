import Foundation
import Postgres
import Vault

extension Archive {
    /// Channels a page of the list has at most.
    package static let channelPageLimit = 500

    /// - Throws: `ArchiveError.noSuchChannel`, also for one outside `scope`, after the same
    ///   statement.
    package func channel(_ id: ChannelNumber, within scope: ChannelScope = .all) async throws
        -> ChannelRecord
    {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(ChannelRecord.columns) from \(ChannelRecord.source)
                where c.id = $1 and ($2::bigint[] is null or c.id = any ($2))
                    and ($2::bigint[] is null or c.state <> 'forgotten')
                """, [.int64(id.rawValue), scope.parameter])
        }
        guard let row = rows.first else { throw ArchiveError.noSuchChannel(id) }
        return try ChannelRecord(row: row, vault: vault)
    }

    /// A channel of which messages may be told.
    ///
    /// - Throws: `ArchiveError.noSuchChannel`, also for one outside `scope` or forgotten, after
    ///   the same statement; `.wrongState` for one that is restricted.
    package func readable(_ id: ChannelNumber, within scope: ChannelScope = .all) async throws
        -> ChannelRecord
    {
        let record = try await channel(id, within: scope)
        guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(id) }
        guard record.state != .restricted else { throw ArchiveError.wrongState(id, record.state) }
        return record
    }

    /// Channels in the order of their numbers, after one and at most `limit`.
    /// Forgotten ones are told only to those who may know of all.
    package func channels(
        after: ChannelNumber? = nil, limit: Int = channelPageLimit,
        within scope: ChannelScope = .all
    ) async throws -> [ChannelRecord] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(ChannelRecord.columns) from \(ChannelRecord.source)
                where c.id > $1 and ($2::bigint[] is null or c.id = any ($2))
                    and ($2::bigint[] is null or c.state <> 'forgotten')
                order by c.id limit $3
                """,
                [
                    .int64(after?.rawValue ?? -1), scope.parameter,
                    .int64(Int64(min(max(limit, 0), Self.channelPageLimit))),
                ])
        }
        return try rows.map { try ChannelRecord(row: $0, vault: vault) }
    }

    /// Those of the channels that are forgotten, or that there never were.
    package func forgotten(among channels: Set<ChannelNumber>) async throws -> Set<ChannelNumber> {
        let rows = try await pool.withConnection {
            try await $0.query(
                "select id from channel where id = any ($1) and state <> 'forgotten'",
                [.int64Array(channels.map(\.rawValue))])
        }
        return channels.subtracting(try rows.map { try $0.channelNumber("id") })
    }

    /// Stops crawling; whoever crawls the channel now is shut out.
    /// - Throws: `ArchiveError.noSuchChannel`, `.wrongState`.
    package func pause(_ channel: ChannelNumber, now: Date = .now) async throws {
        try await change(
            channel, from: ChannelState.crawled.union([.paused]), kind: .channelPaused, now: now
        ) { _ in (.paused, nil) }
    }

    /// Crawls again after a pause, at once; a channel that is crawled already is made due.
    /// - Throws: `ArchiveError.noSuchChannel`, `.wrongState`.
    package func resume(_ channel: ChannelNumber, now: Date) async throws {
        try await change(
            channel, from: ChannelState.crawled.union([.paused]), kind: .channelResumed, now: now
        ) { _ in (.following, now) }
    }

    /// Stops every processing but keeping: no crawl, no reading, no retention, until it is
    /// lifted. Who reads the channel now is cut off. A forget of it still works.
    /// - Throws: `ArchiveError.noSuchChannel`, `.wrongState`.
    package func restrict(_ channel: ChannelNumber, now: Date = .now) async throws {
        try await pool.withTransaction { connection in
            let current = try await lockedChannel(channel, on: connection).state
            guard current != .forgotten else { throw ArchiveError.wrongState(channel, current) }
            guard current != .restricted else { return }
            _ = try await connection.execute(
                """
                update channel set state = 'restricted', reason = $2, epoch = epoch + 1,
                    readers_epoch = readers_epoch + 1, lease_owner = null, lease_until = null
                where id = $1
                """,
                [
                    .int64(channel.rawValue),
                    current == .paused ? .text(Self.restrictedWhilePaused) : .null,
                ])
            try await connection.announce([channel])
            try await recordAct(.channelRestricted, of: channel, now: now, on: connection)
        }
    }

    /// Lifts a restriction: the channel is crawled again at once, or paused if it was.
    /// - Throws: `ArchiveError.noSuchChannel`, `.wrongState` unless it is restricted.
    package func lift(_ channel: ChannelNumber, now: Date) async throws {
        try await change(
            channel, from: [.restricted], kind: .restrictionLifted, now: now
        ) { $0.reason == Self.restrictedWhilePaused ? (.paused, nil) : (.following, now) }
    }

    /// The reason of a restricted channel that was paused before.
    private static let restrictedWhilePaused = "restricted.while-paused"

    /// - Parameter next: The state after it, and when the crawler looks next where that changes.
    private func change(
        _ channel: ChannelNumber, from allowed: Set<ChannelState>, kind: AuditKind, now: Date,
        to next: (ChannelRecord) -> (state: ChannelState, lookAt: Date?)
    ) async throws {
        try await pool.withTransaction { connection in
            let record = try await lockedChannel(channel, on: connection)
            let current = record.state
            guard allowed.contains(current) else { throw ArchiveError.wrongState(channel, current) }
            let (state, lookAt) = next(record)
            _ = try await connection.execute(
                """
                update channel set state = $2, reason = null, epoch = epoch + 1,
                    lease_owner = null, lease_until = null,
                    next_look_at = coalesce($3, next_look_at),
                    last_news_at = coalesce($3, last_news_at)
                where id = $1
                """,
                [
                    .int64(channel.rawValue), .text(state.rawValue),
                    .optional(lookAt),
                ])
            if let lookAt { try await lookAtEarlier(of: channel, now: lookAt, on: connection) }
            try await recordAct(kind, of: channel, now: now, on: connection)
        }
    }

    /// The channel's row, locked until the transaction ends: whoever writes for a channel
    /// holds this.
    func lockedChannel(_ id: ChannelNumber, on connection: PostgresConnection) async throws
        -> ChannelRecord
    {
        let rows = try await connection.query(
            """
            select \(ChannelRecord.columns) from \(ChannelRecord.source)
            where c.id = $1 for update of c
            """, [.int64(id.rawValue)])
        guard let row = rows.first else { throw ArchiveError.noSuchChannel(id) }
        return try ChannelRecord(row: row, vault: vault)
    }
}
