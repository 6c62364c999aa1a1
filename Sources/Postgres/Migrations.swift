/// Brings a database's schema forward, file by file, and notes each in `permanode_schema`.
package enum Migrations {
    /// One file: its version (1 or more), its name, and its statements, which must not end the
    /// transaction they run in.
    package typealias File = (version: Int, name: String, sql: String)

    /// Locks out other migrators of the same database; the digits spell nothing, they are just
    /// not 0 or 1, which others may use.
    private static let advisoryLock: Int64 = 0x7065_726d_6e6f_6465
    /// Building an index over a large table takes its time, but a lock that is never given
    /// must end in an error.
    private static let statementTimeout = Duration.seconds(3_600)

    /// Applies what is missing, a transaction each; versions and the file's effects are
    /// committed together, so it can be repeated after any failure.
    /// - Returns: the versions that were applied by this call.
    /// - Throws: `.migration` when versions do not ascend from 1 or more, when the database is
    ///   newer than the files, lacks one from the middle, or has one whose text was changed;
    ///   else what a file's statements lead to.
    @discardableResult
    package static func apply(
        files: [File], on pool: PostgresPool
    ) async throws -> [Int] {
        guard zip([0] + files.map(\.version), files).allSatisfy({ $0 < $1.version }) else {
            throw refusal("the files' versions do not ascend", nil)
        }
        var applied: [Int] = []
        for position in files.indices {
            if try await step(files, position, pool) { applied.append(files[position].version) }
        }
        return applied
    }

    /// The newest version applied; 0 for a database without any.
    package static func current(on pool: PostgresPool) async throws -> Int {
        try await pool.withTransaction(readOnly: true) { connection in
            let exists = try await connection.query(
                "SELECT to_regclass('permanode_schema') IS NOT NULL AS it")
            guard try exists.first?.bool("it") == true else { return 0 }
            let rows = try await connection.query(
                "SELECT coalesce(max(version), 0) AS version FROM permanode_schema")
            return Int(try rows.first?.int32("version") ?? 0)
        }
    }

    /// Applies the file at `position` unless it is there; true if it did. Every step looks at
    /// everything again, because between two transactions another migrator may have worked.
    private static func step(
        _ files: [File], _ position: Int, _ pool: PostgresPool
    ) async throws -> Bool {
        // READ COMMITTED: what is read after the lock must be what the last migrator committed.
        try await pool.withTransaction(
            isolation: .readCommitted, statementTimeout: statementTimeout
        ) { connection in
            // Another migrator may take long; a table's lock must not be waited for as long.
            try await connection.script("SET LOCAL lock_timeout = 0")
            try await connection.execute(
                "SELECT pg_advisory_xact_lock($1)", [.int64(advisoryLock)])
            let lockTimeout = pool.configuration.lockTimeout.milliseconds
            try await connection.script("SET LOCAL lock_timeout = \(lockTimeout)")
            try await connection.script(
                """
                CREATE TABLE IF NOT EXISTS permanode_schema (
                    version integer PRIMARY KEY,
                    name text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now(),
                    checksum bytea NOT NULL
                )
                """)
            let file = files[position]
            guard try await isMissing(files, position, connection) else { return false }
            let transaction = try await transactionNumber(connection)
            try await connection.script(file.sql)
            guard await connection.isInTransaction,
                try await transactionNumber(connection) == transaction
            else { throw refusal("the file ends its transaction", file.name) }
            try await connection.execute(
                """
                INSERT INTO permanode_schema (version, name, checksum)
                VALUES ($1, $2, sha256($3))
                """,
                [.int64(Int64(file.version)), .text(file.name), .bytes(Array(file.sql.utf8))])
            return true
        }
    }

    /// Compares the database with the files; true if the one at `position` is to be applied.
    private static func isMissing(
        _ files: [File], _ position: Int, _ connection: PostgresConnection
    ) async throws -> Bool {
        let rows = try await connection.query(
            "SELECT version, name, checksum FROM permanode_schema ORDER BY version")
        for row in rows {
            let version = Int(try row.int32("version"))
            let name = try row.text("name")
            guard version <= files[files.count - 1].version else {
                throw refusal("the database is newer than this program", name)
            }
            guard let file = files.first(where: { $0.version == version }) else {
                throw refusal("the database has a version that this program does not know", name)
            }
            let same = try await connection.query(
                "SELECT sha256($1) = $2 AS same",
                [.bytes(Array(file.sql.utf8)), .bytes(try row.bytes("checksum"))])
            guard try same.first?.bool("same") == true else {
                throw refusal("the file was changed after it was applied", file.name)
            }
        }
        let versions = try rows.map { Int(try $0.int32("version")) }
        let version = files[position].version
        if versions.contains(version) { return false }
        guard versions.allSatisfy({ $0 < version }) else {
            throw refusal("a later version is applied already", files[position].name)
        }
        return true
    }

    private static func transactionNumber(
        _ connection: PostgresConnection
    ) async throws -> String {
        try await connection.query("SELECT pg_current_xact_id()::text AS it").first?.text("it")
            ?? ""
    }

    private static func refusal(_ detail: String, _ file: String?) -> PostgresError {
        PostgresError(.migration, operation: "migrate", subject: file, detail: detail)
    }
}
