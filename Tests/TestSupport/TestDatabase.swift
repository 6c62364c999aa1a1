import Foundation
import Postgres

/// A fresh, empty database of one test, on the server that the tests were given.
package struct TestDatabase: Sendable {
    /// Names a libpq URI of a maintenance database whose user may create databases.
    package static let variable = "PERMANODE_TEST_DATABASE_URL"

    package let name: String
    /// A libpq URI of the database.
    package let url: String

    package struct Missing: Error, CustomStringConvertible {
        package let description =
            "\(TestDatabase.variable) is not set: source Ops/lib/postgres.sh, call "
            + "`postgres_start DIR --fast`, set it to $postgres_url, or run Ops/test"
    }

    /// Calls with a new database and drops it afterwards, whoever is still connected.
    ///
    /// - Parameter server: Where; nil for the server that the tests were given.
    package static func with<Value>(
        on server: TestServer? = nil, _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        try await Turns.shared.with { try await withFresh(on: server, body) }
    }

    private static func withFresh<Value>(
        on server: TestServer?, _ body: (TestDatabase) async throws -> Value
    ) async throws -> Value {
        let maintenance = try server?.url ?? maintenanceURL()
        let name = "permanode_test_\(UInt64.random(in: .min ... .max))"
        try await run(
            "CREATE DATABASE \(name) TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'", maintenance)
        // Libpq lets a later dbname win over the path's.
        let separator = maintenance.contains("?") ? "&" : "?"
        let database = TestDatabase(name: name, url: "\(maintenance)\(separator)dbname=\(name)")
        let result: Result<Value, any Error>
        do { result = .success(try await body(database)) } catch { result = .failure(error) }
        // In a task of its own, because the test's may be cancelled by its time limit.
        try await Task { try await run("DROP DATABASE \(name) WITH (FORCE)", maintenance) }.value
        return try result.get()
    }

    /// A configuration for the database; small limits, so that a test that hangs ends.
    package func configuration() throws -> PostgresConfiguration {
        var configuration = try PostgresConfiguration(url: url)
        configuration.statementTimeout = .seconds(60)
        return configuration
    }

    private static func maintenanceURL() throws -> String {
        let url = ProcessInfo.processInfo.environment[variable] ?? ""
        guard !url.isEmpty else { throw Missing() }
        return url
    }

    private static func run(_ sql: String, _ url: String) async throws {
        let connection = try await PostgresConnection.connect(PostgresConfiguration(url: url))
        defer { Task { await connection.close() } }
        try await connection.script(sql)
    }
}
