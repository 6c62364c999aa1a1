import Archive
import Diagnostics
import Erasure
import Foundation
import Postgres
import Synchronization
import Vault

/// An archive that is open: its database and its key ring, as the configuration names them.
package struct Instance: Sendable {
    package let archive: Archive

    /// Of an archive that was opened elsewhere.
    package init(archive: Archive) { self.archive = archive }

    /// Opens the archive, calls `body`, and closes it. Before anything is read, and again on each
    /// connection to the database that is opened later, database and forget log are compared:
    /// what either of them knows to be forgotten is forgotten in both.
    ///
    /// - Throws: `ConfigurationError` where the database or the key ring is not set;
    ///   `AssemblyError` where the schema is not this program's; what keeps the key ring from
    ///   being read; what `body` throws.
    package static func with<Value: Sendable>(
        _ configuration: Configuration, _ body: @Sendable (Instance) async throws -> Value
    ) async throws -> Value {
        let log = configuration.log(quietly: true)
        let vault = try configuration.openVault(log)
        let schema = Mutex(false)
        return try await withPool(
            configuration,
            welcome: { connection in
                guard schema.withLock({ $0 }) else { return }
                try await reconcile(vault, on: connection, log)
            }
        ) { pool in
            try await Schema.check(on: pool)
            schema.withLock { $0 = true }
            let report = try await pool.withConnection { try await reconcile(vault, on: $0, log) }
            let archive = Archive(
                pool: pool, vault: vault, replicas: configuration.replicas(of: pool, log))
            if !report.isEmpty {
                try await archive.recordAct(.restoreMended, report.details, now: Date())
            }
            let value: Value
            do {
                value = try await body(Instance(archive: archive))
            } catch {
                // What was read before it failed is recorded all the same, where that goes.
                try? await Self.close(archive)
                throw error
            }
            try await Self.close(archive)
            return value
        }
    }

    /// Compares everything that database, key ring and forget log say of what was forgotten, and
    /// mends what one of them lacks.
    package static func restoreCheck(
        _ configuration: Configuration
    ) async throws -> ReconciliationReport {
        let vault = try configuration.openVault(configuration.log(quietly: true))
        return try await withPool(configuration) { pool in
            try await Schema.check(on: pool)
            let report = try await pool.withConnection {
                try await Reconciliation(vault: vault).run(on: $0, full: true)
            }
            let archive = Archive(pool: pool, vault: vault)
            try await archive.recordAct(.restoreChecked, report.details, now: Date())
            try await Self.close(archive)
            return report
        }
    }

    @discardableResult
    private static func reconcile(
        _ vault: Vault, on connection: PostgresConnection, _ log: Log
    ) async throws -> ReconciliationReport {
        let report = try await Reconciliation(vault: vault).run(on: connection)
        if !report.isEmpty {
            log.warning("a restored copy was brought up to date", report.fields)
        }
        return report
    }

    /// In a task of its own, because the body's may be cancelled already.
    static func close(_ archive: Archive) async throws {
        try await Task {
            await archive.replicas?.shutdown()
            try await archive.audit.close(now: Date())
        }.value
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
        let ring = try configuration.keyRingFile()
        guard !FileManager.default.fileExists(atPath: ring.path) else {
            throw VaultError.ringExists(path: ring.path)
        }
        return try await withPool(configuration) { pool in
            try await Schema.migrate(on: pool)
            guard try await isUnused(pool) else { throw AssemblyError.archiveExists }
            try ring.create()
            let log = configuration.log(quietly: true)
            let vault = try configuration.openVault(log)
            for path in configuration.keyRingBackups {
                do throws(VaultError) {
                    _ = try vault.backUp(to: path)
                } catch {
                    log.failure(error, "a copy of the key ring was not made", level: .warning)
                }
            }
            try await pool.withConnection { try await reconcile(vault, on: $0, log) }
            let archive = Archive(pool: pool, vault: vault)
            try await archive.recordAct(.archiveMade, now: now)
            let token = try await archive.createToken(.admin, now: now).text
            try await archive.audit.close(now: now)
            return token
        }
    }

    /// Calls with a pool of connections, and closes it.
    package static func withPool<Value: Sendable>(
        _ configuration: Configuration, welcome: PostgresPool.Welcome? = nil,
        _ body: @Sendable (PostgresPool) async throws -> Value
    ) async throws -> Value {
        let pool = PostgresPool(
            configuration: try configuration.required(\.database, .databaseURL), welcome: welcome)
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
    /// The key ring's file, with what it is wrapped under.
    package func keyRingFile() throws(ConfigurationError) -> KeyRingFile {
        KeyRingFile(
            path: try required(\.keyRing, .keyRing),
            wrapping: keyRingSecret.map { RingWrapping($0) })
    }

    /// Nil where none are set.
    fileprivate func replicas(of primary: PostgresPool, _ log: Log) -> Replicas? {
        guard !readDatabases.isEmpty else { return nil }
        return Replicas(
            readDatabases, of: primary.configuration, bound: readStaleness,
            log: log.component("replicas"))
    }

    /// Opens the vault, and tells of what was found and mended by that.
    package func openVault(_ log: Log) throws -> Vault {
        let file = try keyRingFile()
        // One wrapping for all, so that a key that costs a second is derived once.
        let vault = try Vault(
            ring: file,
            copies: keyRingBackups.map { KeyRingFile(path: $0, wrapping: file.wrapping) })
        for notice in vault.notices {
            log.warning("the key ring is not as it should be", ["what": .string(notice.text)])
        }
        return vault
    }

    func required<Value>(
        _ value: KeyPath<Configuration, Value?>, _ variable: Variable
    ) throws(ConfigurationError) -> Value {
        guard let value = self[keyPath: value] else {
            throw ConfigurationError(problems: [.init(variable: variable, fault: .notSet)])
        }
        return value
    }
}
