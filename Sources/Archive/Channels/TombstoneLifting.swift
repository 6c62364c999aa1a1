import Foundation
import MAM
import Postgres
import Secrets
import Vault

extension Archive {
    /// Lifts the tombstone of a root, for consent given anew: it can be registered and crawled
    /// again. What was forgotten stays so; what the ledger still has is taken in anew. Each tree of
    /// a chain has a tombstone of its own, and what was forgotten of a tree by months stays out.
    ///
    /// Like the tombstone, the lift stands in the forget log and in the database, so that
    /// whichever of them is restored from an older copy learns of it.
    ///
    /// - Throws: `ArchiveError.noSuchTombstone`, `.reasonTooLong`.
    package func liftTombstone(of root: Root, reason: String, now: Date) async throws {
        guard reason.utf8.count <= Self.reasonLimit else {
            throw ArchiveError.reasonTooLong(limit: Self.reasonLimit)
        }
        let hash = rootTombstone(root)
        // Recorded before: once the forget log has it, it is done, whatever becomes of this
        // transaction.
        try await pool.withTransaction { connection in
            try await connection.holdTombstones(.exclusive)
            guard try await connection.liftsOfStanding(hash) != nil else {
                throw ArchiveError.noSuchTombstone
            }
            try await recordAct(
                .tombstoneLifted, ["reason": reason, "tombstone": Hex.encode(hash)], now: now,
                on: connection)
        }
        try await pool.withTransaction { connection in
            try await connection.holdTombstones(.exclusive)
            // Somebody else may have lifted it meanwhile.
            guard let lifts = try await connection.liftsOfStanding(hash) else { return }
            let state = TombstoneState(hash: hash, lifts: lifts + 1, stands: false)
            try await log([state.content], on: connection)
            _ = try await connection.raise([state], now: now)
        }
    }

    /// Notes trees of which a part is forgotten, in the forget log first; those that are noted
    /// already stay so.
    package func notePartlyForgotten(
        _ roots: [[UInt8]], of channel: ChannelNumber, on connection: PostgresConnection
    ) async throws {
        guard !roots.isEmpty else { return }
        let new = try await connection.query(
            """
            select h from unnest($2::bytea[]) h where not exists (
                select from partly_forgotten_root p where p.channel = $1 and p.hash = h)
            """, [.int64(channel.rawValue), .bytesArray(roots)]
        ).map { try $0.bytes("h") }
        guard !new.isEmpty else { return }
        try await log(new.map { .partlyForgotten($0, of: channel) }, on: connection)
        _ = try await connection.insertPartlyForgotten(new.map { ($0, channel) })
    }
}

extension PostgresConnection {
    /// How often a tombstone that stands was lifted before; nil where none stands.
    fileprivate func liftsOfStanding(_ hash: [UInt8]) throws -> Int32? {
        try query(
            """
            select coalesce(l.lifts, 0) as lifts from tombstone t
                left join lifted_tombstone l on l.hash = t.hash
            where t.hash = $1
            """, [.bytes(hash)]
        ).first?.int32("lifts")
    }

    /// Of channels that live.
    /// - Returns: How many are new.
    package func insertPartlyForgotten(
        _ roots: [(hash: [UInt8], channel: ChannelNumber)]
    ) throws -> Int {
        guard !roots.isEmpty else { return 0 }
        return try execute(
            """
            insert into partly_forgotten_root (channel, hash)
            select c.id, p.hash from unnest($1::bigint[], $2::bytea[]) p (channel, hash)
                join channel c on c.id = p.channel and c.state <> 'forgotten'
            on conflict do nothing
            """,
            [.int64Array(roots.map(\.channel.rawValue)), .bytesArray(roots.map(\.hash))])
    }
}
