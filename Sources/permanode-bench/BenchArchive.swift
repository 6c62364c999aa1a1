import Archive
import Assembly
import Foundation
import Postgres
import Vault

/// An archive for the time of a measurement, with a database and a key ring of its own.
enum BenchArchive {
    /// Calls with a new, empty archive, and removes everything afterwards.
    static func with(
        on server: PostgresConfiguration,
        _ body: @escaping @Sendable (Archive) async throws -> [Figure]
    ) async throws -> [Figure] {
        try await ScratchDatabase.with(on: server) { _, database in
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("permanode-bench-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700])
            defer { try? FileManager.default.removeItem(at: folder) }
            let ring = KeyRingFile(path: folder.appendingPathComponent("keyring").path)
            try ring.create()
            let pool = PostgresPool(configuration: database)
            let result: Result<[Figure], any Error>
            do {
                try await Schema.migrate(on: pool)
                let archive = Archive(pool: pool, vault: try Vault(ring: ring))
                result = .success(try await body(archive))
            } catch {
                result = .failure(error)
            }
            await pool.shutdown()
            return try result.get()
        }
    }
}
