import Postgres

/// A copy of all tables beside them, to put an archive's database back to an earlier state as a
/// restored backup does.
package struct SavedDatabase: Sendable {
    private let schema: String
    private let tables: [String]

    /// - Parameter schema: Names the copy.
    package static func save(_ test: TestArchive, as schema: String = "saved") async throws
        -> SavedDatabase
    {
        try await test.pool.withTransaction { connection in
            let tables = try await connection.query(
                """
                select table_name::text as name from information_schema.tables
                where table_schema = 'public' and table_type = 'BASE TABLE' order by 1
                """
            ).map { try $0.text("name") }
            try await connection.script(
                "drop schema if exists \(schema) cascade; create schema \(schema);"
                    + tables.map { "create table \(schema).\($0) as table public.\($0);" }.joined())
            return SavedDatabase(schema: schema, tables: tables)
        }
    }

    package func restore(_ test: TestArchive) async throws {
        try await test.pool.withTransaction { connection in
            try await connection.script(
                // Keeps foreign keys from asking for an order.
                "set local session_replication_role = replica;"
                    + tables.map {
                        "delete from public.\($0);"
                            + " insert into public.\($0) overriding system value"
                            + " select * from \(schema).\($0);"
                    }.joined())
        }
    }
}
