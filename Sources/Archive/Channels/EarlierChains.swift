import Foundation
import MAM
import Postgres
import Vault

/// What lies before the earliest root that a channel was known by: a chain from a still earlier
/// root to that one.
///
/// How many trees are between them is known only when the chain arrives. So positions of the
/// first such chain count from -1,000,000,000, of the next one, which lies before it, from
/// -2,000,000,000, and so on: positions order all messages as the chain does, they are not
/// changed afterwards, and there is a gap in them where a chain arrives.
package struct EarlierChain: Sendable, Equatable {
    /// 1, 2, 3 … by the time they were handed in.
    package let number: Int16
    /// The tree now looked for; nil when it has arrived, or was given up for another.
    package let headPosition: Int64?
    package let arrivedAt: Date?
    /// As a channel's.
    package let reason: String?
    package let lastLookAt: Date?

    /// Trees that lie between two chains' first positions: more than any chain has.
    package static let span: Int64 = 1_000_000_000

    /// The first position of a chain.
    package static func start(of number: Int16) -> Int64 { -span * Int64(number) }
}

/// The earlier chain that a turn is for.
struct FillingTurn: Sendable {
    let number: Int16
    let headPosition: Int64
    let reason: String?
    let lastNewsAt: Date
}

extension Archive {
    /// Earlier chains that a channel has.
    package static let earlierChainLimit = 100

    /// Fills in what lies before the earliest root that the channel is known by, from a root
    /// before that; the channel is due at once. One that is under way already is given up for the
    /// new one, what came of it stays. That the root is of the same chain shows only when it
    /// arrives.
    ///
    /// - Parameter sideKey: that opens the earlier messages, where it is none of the channel's.
    /// - Returns: The chain's number.
    /// - Throws: `ArchiveError.noSuchChannel`, `.wrongState` (forgotten or restricted),
    ///   `.alreadyRegistered`, `.forgotten`, `.sideKeyNotWanted`, `.tooManyEarlierChains`.
    @discardableResult
    package func extend(
        _ channel: ChannelNumber, from root: Root, sideKey: SideKey? = nil, now: Date
    ) async throws -> Int16 {
        try await pool.withTransaction { connection in
            try await connection.holdTombstones(.shared)
            let record = try await lockedChannel(channel, on: connection)
            guard ![.forgotten, .restricted].contains(record.state) else {
                throw ArchiveError.wrongState(channel, record.state)
            }
            guard record.mode == .restricted || sideKey == nil else {
                throw ArchiveError.sideKeyNotWanted
            }
            guard try await !isForgotten(root, on: connection) else { throw ArchiveError.forgotten }
            if let known = try await channelNumber(registeredAs: root, on: connection) {
                throw ArchiveError.alreadyRegistered(known)
            }
            if let sideKey { try await insert(sideKey, of: channel, now: now, on: connection) }
            let number = try await begin(root, of: channel, now: now, on: connection)
            _ = try await connection.execute(
                """
                update channel set epoch = epoch + 1, lease_owner = null, lease_until = null,
                    next_look_at = $2
                where id = $1
                """, [.int64(channel.rawValue), .timestamp(now)])
            try await recordAct(
                .channelExtended, of: channel, ["number": String(number)], now: now,
                on: connection)
            return number
        }
    }

    private func channelNumber(registeredAs root: Root, on connection: PostgresConnection)
        async throws -> ChannelNumber?
    {
        try await connection.query(
            "select channel from registration where hash = $1",
            [.bytes(vault.registrationHash(root.revealPacked()))]
        ).first?.channelNumber("channel")
    }

    private func begin(
        _ root: Root, of channel: ChannelNumber, now: Date, on connection: PostgresConnection
    ) async throws -> Int16 {
        let start = try lookup(root, channel)
        let chains = try await connection.query(
            """
            select number, start_lookup, head_position, arrived_at is not null as arrived
            from earlier_chain where channel = $1 order by number
            """, [.int64(channel.rawValue)])
        let same = try chains.first { try $0.bytes("start_lookup") == start }
        if let same {
            // Handed in again: looked at again, if there is still something to look for.
            let number = try same.int16("number")
            guard try same.optionalInt64("head_position") != nil else {
                throw ArchiveError.alreadyRegistered(channel)
            }
            try await lookAtEarlier(of: channel, now: now, on: connection)
            return number
        }
        guard chains.count < Self.earlierChainLimit else {
            throw ArchiveError.tooManyEarlierChains(limit: Self.earlierChainLimit)
        }
        let abandoned = try chains.compactMap { try $0.optionalInt64("head_position") }
        try await noteBypassed(trees: abandoned, of: channel, on: connection)
        for table in ["tree", "candidate"] {
            _ = try await connection.execute(
                "delete from \(table) where channel = $1 and position = any ($2)",
                [.int64(channel.rawValue), .int64Array(abandoned)])
        }
        _ = try await connection.execute(
            "update earlier_chain set head_position = null where channel = $1",
            [.int64(channel.rawValue)])
        let end = try await earliest(of: channel, chains, on: connection)
        let number = (try chains.last?.int16("number") ?? 0) + 1
        let position = EarlierChain.start(of: number)
        _ = try await connection.execute(
            """
            insert into earlier_chain (
                channel, number, start_lookup, end_lookup, head_position, last_news_at, next_look_at)
            values ($1, $2, $3, $4, $5, $6, $6)
            """,
            [
                .int64(channel.rawValue), .int16(number), .bytes(start), .bytes(end),
                .int64(position), .timestamp(now),
            ])
        try await insertTree(channel, position: position, root: root, now: now, on: connection)
        return number
    }

    /// Where a new chain has to arrive: at the start of the latest that arrived, or at the
    /// registered root.
    private func earliest(
        of channel: ChannelNumber, _ chains: [PostgresRow], on connection: PostgresConnection
    ) async throws -> [UInt8] {
        if let last = try chains.last(where: { try $0.bool("arrived") }) {
            return try last.bytes("start_lookup")
        }
        let rows = try await connection.query(
            "select registration from channel where id = $1", [.int64(channel.rawValue)])
        guard let row = rows.first else { throw ArchiveError.noSuchChannel(channel) }
        return try row.bytes("registration")
    }

    private func lookup(_ root: Root, _ channel: ChannelNumber) throws -> [UInt8] {
        try vault.lookupHash(root.revealPacked(), domain: "root", channel: channel)
    }

    /// Whether a root is the one where a chain arrives.
    func isEnd(_ root: Root, _ end: [UInt8], of channel: ChannelNumber) throws -> Bool {
        try end == vault.registrationHash(root.revealPacked()) || end == lookup(root, channel)
    }

    /// Makes the chain under way due, where there is one.
    func lookAtEarlier(of channel: ChannelNumber, now: Date, on connection: PostgresConnection)
        async throws
    {
        _ = try await connection.execute(
            """
            update earlier_chain set next_look_at = $2
            where channel = $1 and head_position is not null
            """, [.int64(channel.rawValue), .timestamp(now)])
    }

    /// A channel's earlier chains, by number.
    package func earlierChains(of channel: ChannelNumber) async throws -> [EarlierChain] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select number, head_position, arrived_at, reason, last_look_at
                from earlier_chain where channel = $1 order by number
                """, [.int64(channel.rawValue)])
        }
        return try rows.map { row in
            EarlierChain(
                number: try row.int16("number"),
                headPosition: try row.optionalInt64("head_position"),
                arrivedAt: try row.optionalTimestamp("arrived_at"),
                reason: try row.optionalText("reason"),
                lastLookAt: try row.optionalTimestamp("last_look_at"))
        }
    }
}
