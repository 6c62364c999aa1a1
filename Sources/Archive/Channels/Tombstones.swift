import Foundation
import MAM
import Postgres
import Vault

/// How the tombstones are held during a transaction: *shared* by whoever must not miss one
/// (registration, crawl), *exclusive* by the forget that writes them.
package enum TombstoneHold: Sendable {
    case shared, exclusive
}

extension PostgresConnection {
    /// The key of the advisory lock; any number no other lock of this database uses.
    private static var lockKey: Int64 { 0x746f_6d62 }

    package func holdTombstones(_ hold: TombstoneHold) throws {
        let function =
            hold == .shared ? "pg_advisory_xact_lock_shared" : "pg_advisory_xact_lock"
        _ = try query("select 1 as one from \(function)($1)", [.int64(Self.lockKey)])
    }
}

extension Archive {
    /// Whether the root was forgotten.
    package func isForgotten(_ root: Root, on connection: PostgresConnection) async throws -> Bool {
        try await !forgottenRoots(among: [root], on: connection).isEmpty
    }

    /// Those of the roots that were forgotten.
    func forgottenRoots(among roots: Set<Root>, on connection: PostgresConnection) async throws
        -> Set<Root>
    {
        guard !roots.isEmpty else { return [] }
        let hashes = roots.map { (hash: vault.tombstoneHash($0.revealPacked()), root: $0) }
        let rows = try await connection.query(
            "select hash from tombstone where hash = any ($1)",
            [.bytesArray(hashes.map(\.hash))])
        guard !rows.isEmpty else { return [] }
        let found = Set(try rows.map { try $0.bytes("hash") })
        return Set(hashes.filter { found.contains($0.hash) }.map(\.root))
    }

    /// Writes tombstones of roots; those that are there already stay as they are. They are
    /// written to the forget log first, so that they outlive a database that is restored from an
    /// older backup; where the transaction fails after that, the log has them twice in the end.
    ///
    /// - Returns: How many are new.
    package func bury(_ roots: [Root], now: Date, on connection: PostgresConnection) async throws
        -> Int
    {
        try await bury(
            hashes: roots.map { vault.tombstoneHash($0.revealPacked()) }, now: now, on: connection)
    }

    /// The same of what is not a whole tree, by its hashes.
    package func bury(hashes: [[UInt8]], now: Date, on connection: PostgresConnection)
        async throws -> Int
    {
        guard !hashes.isEmpty else { return 0 }
        let new = try await connection.query(
            """
            select h from unnest($1::bytea[]) h
            where not exists (select from tombstone where hash = h)
            """, [.bytesArray(hashes)]
        ).map { try $0.bytes("h") }
        guard !new.isEmpty else { return 0 }
        let head = try await vault.waiting { (vault) throws(VaultError) in
            try vault.logTombstones(new)
        }
        try await connection.noteForgetLog(head)
        return try await connection.insertTombstones(new, now: now)
    }
}

extension PostgresConnection {
    /// - Returns: How many are new.
    package func insertTombstones(_ hashes: [[UInt8]], now: Date) throws -> Int {
        try execute(
            """
            insert into tombstone (hash, created_at) select h, $2 from unnest($1::bytea[]) h
            on conflict (hash) do nothing
            """, [.bytesArray(hashes), .timestamp(now)])
    }
}
