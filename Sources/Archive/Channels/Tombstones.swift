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
        try await isAnyForgotten([root], on: connection)
    }

    /// Whether one of the roots was forgotten.
    func isAnyForgotten(_ roots: Set<Root>, on connection: PostgresConnection) async throws -> Bool
    {
        guard !roots.isEmpty else { return false }
        return try await !connection.query(
            "select 1 as one from tombstone where hash = any ($1) limit 1",
            [.bytesArray(roots.map { vault.tombstoneHash($0.revealPacked()) })]
        ).isEmpty
    }

    /// Writes tombstones of roots; those that are there already stay as they are.
    ///
    /// - Returns: How many are new.
    package func bury(_ roots: [Root], now: Date, on connection: PostgresConnection) async throws
        -> Int
    {
        guard !roots.isEmpty else { return 0 }
        let hashes = roots.map { vault.tombstoneHash($0.revealPacked()) }
        return try await connection.execute(
            """
            insert into tombstone (hash, created_at) select h, $2 from unnest($1::bytea[]) h
            on conflict (hash) do nothing
            """, [.bytesArray(hashes), .timestamp(now)])
    }
}
