import Archive
import Foundation
import PermanodeSchema
import Postgres
import TestSupport
import Vault

/// An archive of one test: a fresh database with the schema, and a key ring of its own.
package struct TestArchive: Sendable {
    package let archive: Archive
    package let database: TestDatabase
    package let keyRing: KeyRingFile
    package let folder: URL

    package var pool: PostgresPool { archive.pool }
    package var vault: Vault { archive.vault }

    /// How many rows a table has.
    package func rowCount(of table: String) async throws -> Int {
        try await pool.withConnection {
            Int(try await $0.query("select count(*) as rows from \(table)")[0].int64("rows"))
        }
    }

    package init(archive: Archive, database: TestDatabase, keyRing: KeyRingFile, folder: URL) {
        self.archive = archive
        self.database = database
        self.keyRing = keyRing
        self.folder = folder
    }

    /// Calls with a new archive and removes it afterwards.
    ///
    /// - Parameter server: Where its database is; nil for the server that the tests were given.
    package static func with<Value>(
        on server: TestServer? = nil, _ body: (TestArchive) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.with(on: server) { database in
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("permanode-test-\(UUID().uuidString)")
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let ring = KeyRingFile(path: folder.appendingPathComponent("keyring").path)
            try ring.create()
            let pool = PostgresPool(configuration: try database.configuration())
            let result: Result<Value, any Error>
            do {
                try await Migrations.apply(files: PermanodeSchema.migrations, on: pool)
                let archive = Archive(pool: pool, vault: try Vault(ring: ring))
                let test = TestArchive(
                    archive: archive, database: database, keyRing: ring, folder: folder)
                result = .success(try await body(test))
            } catch {
                result = .failure(error)
            }
            await pool.shutdown()
            return try result.get()
        }
    }
}
