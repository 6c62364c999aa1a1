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
            select h, coalesce(l.lifts, 0) as lifts from unnest($1::bytea[]) h
                left join lifted_tombstone l on l.hash = h
            where not exists (select from tombstone t where t.hash = h)
            """, [.bytesArray(hashes)]
        ).map {
            TombstoneState(hash: try $0.bytes("h"), lifts: try $0.int32("lifts"), stands: true)
        }
        guard !new.isEmpty else { return 0 }
        try await log(new.map(\.content), on: connection)
        return try await connection.raise(new, now: now).buried
    }

    /// Writes to the forget log, and notes how far it goes.
    func log(_ contents: [ForgetLogRecord.Content], on connection: PostgresConnection)
        async throws
    {
        let head = try await vault.waiting { (vault) throws(VaultError) in
            try vault.log(contents)
        }
        try await connection.noteForgetLog(head)
    }
}

extension PostgresConnection {
    /// Brings tombstones to states that are later than the ones they have; the others stay.
    ///
    /// - Returns: How many stand, or no longer stand, now.
    package func raise(_ states: [TombstoneState], now: Date) throws -> (buried: Int, lifted: Int) {
        // Of several states of one hash the latest.
        let latest = Dictionary(states.map { ($0.hash, $0.version) }, uniquingKeysWith: max)
        let rows = try query(
            """
            with later as materialized (
                select g.hash, g.version from unnest($1::bytea[], $2::bigint[]) g (hash, version)
                    left join lifted_tombstone l on l.hash = g.hash
                    left join tombstone t on t.hash = g.hash
                where g.version > 2 * coalesce(l.lifts, 0) + (t.hash is not null)::int),
            lifts as (
                insert into lifted_tombstone (hash, lifts)
                select hash, version / 2 from later where version >= 2
                on conflict (hash) do update set lifts = excluded.lifts),
            lifted as (
                delete from tombstone
                where hash in (select hash from later where version % 2 = 0) returning 1),
            buried as (
                insert into tombstone (hash, created_at)
                select hash, $3 from later where version % 2 = 1
                on conflict (hash) do nothing returning 1)
            select (select count(*) from buried) as buried, (select count(*) from lifted) as lifted
            """,
            [
                .bytesArray(Array(latest.keys)), .int64Array(Array(latest.values)),
                .timestamp(now),
            ])
        return (
            Int(try rows.first?.int64("buried") ?? 0), Int(try rows.first?.int64("lifted") ?? 0)
        )
    }
}
