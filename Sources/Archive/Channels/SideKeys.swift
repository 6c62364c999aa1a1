import Foundation
import MAM
import Postgres
import Ternary
import Vault

/// A side key of a channel with its number there.
package struct NumberedSideKey: Sendable {
    package let number: Int16
    package let key: SideKey

    package init(number: Int16, key: SideKey) {
        self.number = number
        self.key = key
    }
}

extension Archive {
    /// Side keys a channel keeps: a rotation a week for nearly twenty years. Every one may
    /// have to be tried on an unreadable bundle, so the number is bounded.
    package static let sideKeyLimit = 1000

    /// Adds a side key and makes the channel due at once, shutting out whoever crawls it
    /// without the key. A key the channel has already is not added again; the channel is
    /// due all the same.
    ///
    /// - Returns: The key's number in the channel.
    /// - Throws: `ArchiveError.noSuchChannel`, `.sideKeyNotWanted`, `.tooManySideKeys`,
    ///   `.wrongState` for a forgotten channel.
    @discardableResult
    package func add(_ sideKey: SideKey, to channel: ChannelNumber, now: Date) async throws -> Int16
    {
        try await pool.withTransaction { connection in
            let record = try await lockedChannel(channel, on: connection)
            guard record.state != .forgotten else {
                throw ArchiveError.wrongState(channel, record.state)
            }
            guard record.mode == .restricted else { throw ArchiveError.sideKeyNotWanted }
            let number = try await insert(sideKey, of: channel, now: now, on: connection)
            try await lookAtWaiting(of: channel, now: now, on: connection)
            _ = try await connection.execute(
                """
                update channel set epoch = epoch + 1, lease_owner = null, lease_until = null,
                    next_look_at = $2
                where id = $1
                """,
                [.int64(channel.rawValue), .timestamp(now)])
            try await recordAct(
                .keyAdded, of: channel, ["number": String(number)], now: now, on: connection)
            return number
        }
    }

    @discardableResult
    func insert(
        _ sideKey: SideKey, of channel: ChannelNumber, now: Date, on connection: PostgresConnection
    ) async throws -> Int16 {
        let revealed = sideKey.revealTrytes().ascii
        let lookup = try vault.lookupHash(revealed, domain: "side-key", channel: channel)
        let known = try await connection.query(
            """
            select count(*) as keys, max(number) filter (where lookup = $2) as known,
                coalesce(max(number) + 1, 0)::int2 as next
            from side_key where channel = $1
            """, [.int64(channel.rawValue), .bytes(lookup)])
        guard let row = known.first else { throw ArchiveError.noSuchChannel(channel) }
        if let number = try row.optionalInt16("known") { return number }
        guard try row.int64("keys") < Int64(Self.sideKeyLimit) else {
            throw ArchiveError.tooManySideKeys(limit: Self.sideKeyLimit)
        }
        let number = try row.int16("next")
        let column = SealedColumn.sideKey
        _ = try await connection.execute(
            """
            insert into side_key (channel, number, lookup, sealed_key, added_at)
            values ($1, $2, $3, $4, $5)
            """,
            [
                .int64(channel.rawValue), .int16(number), .bytes(lookup),
                .bytes(try vault.seal(revealed, column.context(channel, row: Int64(number)))),
                .timestamp(now),
            ])
        return number
    }

    /// The channel's side keys, the newest first: the likeliest to open what is new.
    func sideKeys(of channel: ChannelNumber, on connection: PostgresConnection) async throws
        -> [NumberedSideKey]
    {
        let rows = try await connection.query(
            "select number, sealed_key from side_key where channel = $1 order by number desc",
            [.int64(channel.rawValue)])
        return try rows.map { try sideKey($0, of: channel) }
    }

    func sideKey(_ row: PostgresRow, of channel: ChannelNumber) throws -> NumberedSideKey {
        let number = try row.int16("number")
        let column = SealedColumn.sideKey
        let revealed = try vault.open(
            row.bytes("sealed_key"), column, column.context(channel, row: Int64(number)))
        guard let key = try? SideKey(String(decoding: revealed, as: UTF8.self)) else {
            throw ArchiveError.damaged(table: column.table, channel: channel)
        }
        return NumberedSideKey(number: number, key: key)
    }
}
