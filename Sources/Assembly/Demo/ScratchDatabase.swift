import Foundation
import Postgres

/// A database on a server for the time of a demo or a measurement, so that whatever else is
/// there is not touched.
package enum ScratchDatabase {
    /// Calls with the new database's name and configuration, and drops it afterwards, whoever
    /// is still connected.
    ///
    /// - Throws: `PostgresError` where the user may not create databases; what `body` throws.
    package static func with<Value: Sendable>(
        on server: PostgresConfiguration,
        _ body: @Sendable (String, PostgresConfiguration) async throws -> Value
    ) async throws -> Value {
        let name = "permanode_scratch_\(UInt32.random(in: .min ... .max))"
        try await run(
            "create database \(name) template template0 encoding 'UTF8' locale 'C'", on: server)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(name, server.with(database: name)))
        } catch {
            result = .failure(error)
        }
        // In a task of its own, because this one may have been cancelled.
        try await Task { try await run("drop database \(name) with (force)", on: server) }.value
        return try result.get()
    }

    private static func run(_ sql: String, on server: PostgresConfiguration) async throws {
        let connection = try await PostgresConnection.connect(server)
        let result: Result<Void, any Error>
        do {
            result = .success(try await connection.script(sql))
        } catch {
            result = .failure(error)
        }
        await connection.close()
        try result.get()
    }

    /// Tables in which a channel or a subject has rows, with the number of all their rows; what
    /// a forget leaves on purpose is not among them.
    static func rows(on pool: PostgresPool) async throws -> [(table: String, count: Int64)] {
        try await pool.withConnection { connection in
            let tables = try await connection.query(
                """
                select table_name::text as name from information_schema.columns
                where table_schema = 'public' and column_name = 'channel'
                    and table_name <> 'forget_target'
                union select 'subject' order by name
                """)
            var rows: [(String, Int64)] = []
            for table in tables {
                let name = try table.text("name")
                let counted = try await connection.query("select count(*) as rows from \(name)")
                rows.append((name, try counted.first?.int64("rows") ?? 0))
            }
            return rows
        }
    }
}
