import Postgres
import TestSupport
import Testing

/// A connection to a fresh database.
func withConnection<Value>(
    _ body: (PostgresConnection) async throws -> Value
) async throws -> Value {
    try await TestDatabase.with { database in
        let connection = try await PostgresConnection.connect(database.configuration())
        let result: Result<Value, any Error>
        do { result = .success(try await body(connection)) } catch { result = .failure(error) }
        await connection.close()
        return try result.get()
    }
}

/// A pool on a fresh database.
func withPool<Value>(
    _ change: (inout PostgresConfiguration) -> Void = { _ in },
    _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    try await TestDatabase.with { database in
        var configuration = try database.configuration()
        change(&configuration)
        let pool = PostgresPool(configuration: configuration)
        let result: Result<Value, any Error>
        do { result = .success(try await body(pool)) } catch { result = .failure(error) }
        await pool.shutdown(grace: .seconds(5))
        return try result.get()
    }
}

/// The error that `body` ends with, if it is one of PostgreSQL's.
func postgresError<Value>(_ body: () async throws -> Value) async throws -> PostgresError? {
    do {
        _ = try await body()
        return nil
    } catch let error as PostgresError {
        return error
    }
}

/// Ends the connection's server process from another connection, and waits until it is gone.
func terminate(_ connection: PostgresConnection, from pool: PostgresPool) async throws {
    let process = try await connection.query("SELECT pg_backend_pid() AS v")[0].int32("v")
    try await pool.withConnection { other in
        try await other.execute("SELECT pg_terminate_backend($1)", [.int32(process)])
        try await eventually {
            try await other.query(
                "SELECT 1 FROM pg_stat_activity WHERE pid = $1", [.int32(process)]
            )
            .isEmpty
        }
    }
}

func expectWorking(_ connection: PostgresConnection) async throws {
    let value = try await connection.query("SELECT 1 AS v")[0].int32("v")
    #expect(value == 1)
}
