import ArchiveTestSupport
import TestSupport
import Testing

/// A server with backups as operators make them: what is left of the forgotten in everything
/// that is on disk then, and what a restored backup gives under today's key ring.
@Suite struct BackupTests {
    private static let settings = [
        "archive_mode = on", "archive_command = 'test ! -f @/archive/%f && cp %p @/archive/%f'",
        "wal_level = replica", "autovacuum = off",
    ]

    @Test(.timeLimit(.minutes(10)))
    func nothingOnDiskTellsOfTheForgottenAndARestoredBackupGivesTheOthers() async throws {
        try await TestServer.with(settings: Self.settings) { server in
            try server.makeFolder(server.directory + "/archive")
            try await TestArchive.with(on: server) { test in
                let scene = try await BackupScene(server, test)
                try await scene.fillAndBackUp()
                try await scene.forget()
                // Files that come and go cannot be searched one after the other.
                try await server.pause()
                try await scene.searchEverything()
                try await server.resume()
                try await scene.restore()
            }
        }
    }
}
