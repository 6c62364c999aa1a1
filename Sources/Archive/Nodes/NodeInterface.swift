import Foundation
import Postgres
import Tangle
import Vault

/// Whom a node's commands answer about a channel.
package enum NodeInterface: String, Sendable, Codable, CaseIterable {
    /// Anyone: addresses are public, so anyone can ask for them.
    case `public`
    /// Tokens that may read the channel.
    case token
}

extension Archive {
    /// Messages whose lookups one call of `workOnNodeLookups` makes.
    private static let nodeWorkBatch = 64

    /// Attachments whose lookups one call deletes, a dozen rows each.
    private static let nodeDeletionBatch = 500

    /// Says whom a node's commands answer about a channel; nil is nobody, at once. What was
    /// stored before is found when `workOnNodeLookups` is through.
    ///
    /// - Throws: `ArchiveError.noSuchChannel`, also for a forgotten one.
    package func setNodeInterface(
        _ interface: NodeInterface?, of channel: ChannelNumber, now: Date = .now
    ) async throws {
        try await pool.withTransaction { connection in
            let current = try await lockedChannel(channel, on: connection)
            guard current.state != .forgotten else { throw ArchiveError.noSuchChannel(channel) }
            let startsOver = (current.nodeInterface == nil) != (interface == nil)
            _ = try await connection.execute(
                """
                update channel set node_interface = $2,
                    node_work = case when $3 then -1 else node_work end
                where id = $1
                """,
                [
                    .int64(channel.rawValue), interface.map { .text($0.rawValue) } ?? .null,
                    .bool(startsOver),
                ])
            try await recordAct(
                .nodeInterfaceSet, of: channel, ["to": interface?.rawValue ?? "off"], now: now,
                on: connection)
        }
    }

    /// Makes lookups of what was stored before a node's commands were switched on, or deletes
    /// them after they were switched off: a part of one channel, and the next call the next part.
    /// A restricted channel waits until that is lifted.
    ///
    /// - Parameter channel: nil takes any that has something left.
    /// - Returns: Whether something may be left.
    /// - Throws: what the database or the vault says; the next call goes on.
    package func workOnNodeLookups(of channel: ChannelNumber? = nil) async throws -> Bool {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select id, node_interface is not null as is_on, node_work from channel
                where node_work is not null and state not in ('forgotten', 'restricted')
                    and ($1::bigint is null or id = $1)
                order by id limit 1
                """, [.optional(channel)])
        }
        guard let row = rows.first else { return false }
        let found = try row.channelNumber("id")
        if try row.bool("is_on") {
            try await makeNodeLookups(of: found, after: row.int64("node_work"))
        } else {
            try await deleteNodeLookups(of: found)
        }
        return true
    }

    private func makeNodeLookups(of channel: ChannelNumber, after: Int64) async throws {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select distinct sequence from attachment a
                where channel = $1 and sequence > $2 and sealed_evidence is not null
                    and not exists (
                        select from node_attachment n
                        where n.channel = a.channel and n.sequence = a.sequence
                            and n.number = a.number)
                order by sequence limit $3
                """,
                [.int64(channel.rawValue), .int64(after), .int64(Int64(Self.nodeWorkBatch))])
        }
        let sequences = try rows.map { try $0.int64("sequence") }
        let record = try await self.channel(channel)
        let attachments = try await AuditActor.$current.withValue(.upkeep) {
            // What does not open any more is found by `verify`; a node finds nothing of it.
            try await evidence(of: record, sequences: sequences).flatMap { sequence, evidence in
                guard case .success(let found) = evidence else { return [NodeAttachment]() }
                return found.attachments.map { NodeAttachment($0, sequence, channel) }
            }
        }
        try await pool.withTransaction { connection in
            guard try await isNodeWork(channel, true, after, on: connection) else { return }
            try await insertNodeLookups(of: attachments, on: connection)
            let isLast = sequences.count < Self.nodeWorkBatch
            try await setNodeWork(
                of: channel, isLast ? .null : .int64(sequences.last ?? after), on: connection)
        }
    }

    private func deleteNodeLookups(of channel: ChannelNumber) async throws {
        try await pool.withTransaction { connection in
            guard try await isNodeWork(channel, false, nil, on: connection) else { return }
            let deleted = try await connection.execute(
                """
                with batch as materialized (
                    select sequence, number from node_attachment where channel = $1
                    order by sequence, number limit $2 for update),
                lookups as (
                    delete from node_lookup l using batch b
                    where l.channel = $1 and l.sequence = b.sequence and l.number = b.number)
                delete from node_attachment a using batch b
                where a.channel = $1 and a.sequence = b.sequence and a.number = b.number
                """, [.int64(channel.rawValue), .int64(Int64(Self.nodeDeletionBatch))])
            guard deleted < Self.nodeDeletionBatch else { return }
            try await setNodeWork(of: channel, .null, on: connection)
        }
    }

    /// Locks the channel's row, as whoever writes for it or forgets of it does, and says whether
    /// the work is still what it was.
    private func isNodeWork(
        _ channel: ChannelNumber, _ isOn: Bool, _ after: Int64?,
        on connection: PostgresConnection
    ) async throws -> Bool {
        let rows = try await connection.query(
            """
            select 1 as one from channel
            where id = $1 and state not in ('forgotten', 'restricted') and node_work is not null
                and (node_interface is not null) = $2 and ($3::bigint is null or node_work = $3)
            for update
            """,
            [.int64(channel.rawValue), .bool(isOn), after.map(PostgresValue.int64) ?? .null])
        return !rows.isEmpty
    }

    private func setNodeWork(
        of channel: ChannelNumber, _ value: PostgresValue, on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            "update channel set node_work = $2 where id = $1", [.int64(channel.rawValue), value])
    }
}
