import Foundation
import MAM
import Postgres
import Ternary
import Vault

/// A side key of a channel with its number there.
package struct NumberedSideKey: Sendable {
    package let number: Int16
    package let key: SideKey
    /// The tree from which it opens messages, as `KeyEpoch.firstPosition`.
    package let firstPosition: Int64?

    package init(number: Int16, key: SideKey, firstPosition: Int64? = nil) {
        self.number = number
        self.key = key
        self.firstPosition = firstPosition
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
    /// - Parameter position: The tree from which a rotation announced it.
    /// - Returns: The key's number in the channel.
    /// - Throws: `ArchiveError.noSuchChannel`, `.sideKeyNotWanted`, `.tooManySideKeys`,
    ///   `.wrongState` for a forgotten channel.
    @discardableResult
    package func add(
        _ sideKey: SideKey, to channel: ChannelNumber, from position: Int64? = nil, now: Date
    ) async throws -> Int16 {
        try await pool.withTransaction { connection in
            let record = try await lockedChannel(channel, on: connection)
            guard record.state != .forgotten else {
                throw ArchiveError.wrongState(channel, record.state)
            }
            guard record.mode == .restricted else { throw ArchiveError.sideKeyNotWanted }
            let number = try await insert(
                sideKey, of: channel, from: position, now: now, on: connection)
            try await lookAtWaiting(of: channel, now: now, on: connection)
            try await lookAtEarlier(of: channel, now: now, on: connection)
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
        _ sideKey: SideKey, of channel: ChannelNumber, from position: Int64? = nil, now: Date,
        on connection: PostgresConnection
    ) async throws -> Int16 {
        let lookup = try lookup(sideKey, channel)
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
        try await insert(
            [
                (
                    channel, NumberedSideKey(number: number, key: sideKey, firstPosition: position)
                )
            ], now: now, on: connection)
        return number
    }

    /// Inserts side keys under the numbers they have; one that its channel has already is not
    /// inserted again.
    func insert(
        _ keys: [(channel: ChannelNumber, key: NumberedSideKey)], now: Date,
        on connection: PostgresConnection
    ) async throws {
        let column = SealedColumn.sideKey
        _ = try await connection.execute(
            """
            insert into side_key (channel, number, lookup, sealed_key, first_position, added_at)
            select k.channel, k.number, k.lookup, k.sealed_key, k.first_position, $6
            from unnest($1::bigint[], $2::smallint[], $3::bytea[], $4::bytea[], $5::bigint[])
                as k (channel, number, lookup, sealed_key, first_position)
            on conflict (channel, lookup) do nothing
            """,
            [
                .int64Array(keys.map(\.channel.rawValue)), .int16Array(keys.map(\.key.number)),
                .bytesArray(try keys.map { try lookup($0.key.key, $0.channel) }),
                .bytesArray(
                    try keys.map { channel, key in
                        try vault.seal(
                            key.key.revealTrytes().ascii,
                            column.context(channel, row: Int64(key.number)))
                    }), .int64Array(keys.map(\.key.firstPosition)), .timestamp(now),
            ])
    }

    private func lookup(_ sideKey: SideKey, _ channel: ChannelNumber) throws -> [UInt8] {
        try vault.lookupHash(
            sideKey.revealTrytes().ascii, domain: "side-key", channel: channel)
    }

    /// The channel's side keys, the newest first: the likeliest to open what is new.
    func sideKeys(of channel: ChannelNumber, on connection: PostgresConnection) async throws
        -> [NumberedSideKey]
    {
        let rows = try await connection.query(
            """
            select number, sealed_key, first_position from side_key where channel = $1
            order by number desc
            """, [.int64(channel.rawValue)])
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
        return NumberedSideKey(
            number: number, key: key, firstPosition: try row.optionalInt64("first_position"))
    }
}
