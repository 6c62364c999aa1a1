import Foundation
import Postgres
import Vault

/// Which channels a caller may know of.
package enum ChannelScope: Sendable, Equatable {
    case all
    case only(Set<ChannelNumber>)
}

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

    /// Stops crawling; whoever crawls the channel now is shut out.
    /// - Throws: `ArchiveError.noSuchChannel`, `.wrongState`.
    package func pause(_ channel: ChannelNumber, now: Date = .now) async throws {
        try await change(
            channel, from: ChannelState.crawled.union([.paused]), to: .paused, lookAt: nil,
            kind: .channelPaused, now: now)
    }

    /// Crawls again after a pause, at once; a channel that is crawled already is made due.
    /// - Throws: `ArchiveError.noSuchChannel`, `.wrongState`.
    package func resume(_ channel: ChannelNumber, now: Date) async throws {
        try await change(
            channel, from: ChannelState.crawled.union([.paused]), to: .following,
            lookAt: now, kind: .channelResumed, now: now)
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
        let wasPaused = try await self.channel(channel).reason == Self.restrictedWhilePaused
        try await change(
            channel, from: [.restricted], to: wasPaused ? .paused : .following,
            lookAt: wasPaused ? nil : now, kind: .restrictionLifted, now: now)
    }

    /// The reason of a restricted channel that was paused before.
    private static let restrictedWhilePaused = "restricted.while-paused"

    private func change(
        _ channel: ChannelNumber, from allowed: Set<ChannelState>, to state: ChannelState,
        lookAt: Date?, kind: AuditKind, now: Date
    ) async throws {
        try await pool.withTransaction { connection in
            let current = try await lockedChannel(channel, on: connection).state
            guard allowed.contains(current) else { throw ArchiveError.wrongState(channel, current) }
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

extension ChannelScope {
    /// The numbers as a parameter, null for all.
    var parameter: PostgresValue {
        switch self {
        case .all: .null
        case .only(let channels): .int64Array(channels.map(\.rawValue).sorted())
        }
    }
}
