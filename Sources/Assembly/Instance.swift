import Archive
import Foundation
import Postgres
import Vault

/// An archive that is open: its database and its key ring, as the configuration names them.
package struct Instance: Sendable {
    package let archive: Archive

    /// Opens the archive, calls `body`, and closes it.
    ///
    /// - Throws: `ConfigurationError` where the database or the key ring is not set;
    ///   `AssemblyError` where the schema is not this program's; what keeps the key ring from
    ///   being read; what `body` throws.
    package static func with<Value: Sendable>(
        _ configuration: Configuration, _ body: @Sendable (Instance) async throws -> Value
    ) async throws -> Value {
        let ring = KeyRingFile(path: try configuration.required(\.keyRing, .keyRing))
        return try await withPool(configuration) { pool in
            try await Schema.check(on: pool)
            return try await body(Instance(archive: Archive(pool: pool, vault: Vault(ring: ring))))
        }
    }

    /// Makes an archive: key ring, schema and the first admin token.
    ///
    /// The database comes first, because it can be tried again, while a key ring that is
    /// there is never replaced.
    ///
    /// - Returns: The token's text, which is kept nowhere.
    /// - Throws: `VaultError.ringExists`; `AssemblyError.archiveExists` where the database has
    ///   been used with another key ring.
    package static func create(_ configuration: Configuration, now: Date) async throws -> String {
        let ring = KeyRingFile(path: try configuration.required(\.keyRing, .keyRing))
        guard !FileManager.default.fileExists(atPath: ring.path) else {
            throw VaultError.ringExists(path: ring.path)
        }
        return try await withPool(configuration) { pool in
            try await Schema.migrate(on: pool)
            guard try await isUnused(pool) else { throw AssemblyError.archiveExists }
            try ring.create()
            let archive = Archive(pool: pool, vault: try Vault(ring: ring))
            return try await archive.createToken(.admin, now: now).text
        }
    }

    /// Calls with a pool of connections, and closes it.
    package static func withPool<Value: Sendable>(
        _ configuration: Configuration, _ body: @Sendable (PostgresPool) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(configuration: try configuration.required(\.database, .databaseURL))
        let result: Result<Value, any Error>
        do { result = .success(try await body(pool)) } catch { result = .failure(error) }
        await pool.shutdown()
        return try result.get()
    }

    private static func isUnused(_ pool: PostgresPool) async throws -> Bool {
        try await pool.withConnection {
            try await $0.query(
                """
                select exists (select from token) or exists (select from channel)
                    or exists (select from tombstone) as used
                """)
        }.first?.bool("used") == false
    }
}

extension Configuration {
    fileprivate func required<Value>(
        _ value: KeyPath<Configuration, Value?>, _ variable: Variable
    ) throws(ConfigurationError) -> Value {
        guard let value = self[keyPath: value] else {
            throw ConfigurationError(problems: [.init(variable: variable, fault: .notSet)])
        }
        return value
    }
}
