import Archive
import ArchiveTestSupport
import Assembly
import Crawler
import Diagnostics
import Erasure
import Foundation
import Postgres
import TestSupport
import Testing
import Vault

/// An archive that is open while its database is put back to an older state.
@Suite struct InstanceTests {
    private struct Lost: Error {}

    /// The server is restored under a running process, or fails over to a replica that was
    /// behind: connections break, and the next one is lent only when all is forgotten again.
    @Test func everyNewConnectionIsComparedWithTheForgetLog() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let meter = try await test.register(.named("meter"), now: clock.now)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            let saved = try await SavedDatabase.save(test)
            let configuration = try Configuration([
                "PERMANODE_DATABASE_URL": test.database.url,
                "PERMANODE_KEYRING": test.keyRing.path,
                "PERMANODE_LOG_LEVEL": "error",
            ])
            try await Instance.with(configuration) { instance in
                let request = try await instance.archive.receiveForgetRequest(
                    .channel(meter), reason: nil, now: clock.now)
                _ = try await Eraser(archive: instance.archive, log: .silent).execute(request.id)
                #expect(try await test.rowCount(of: "message") == 0)
                try await saved.restore(test)
                #expect(try await test.rowCount(of: "message") == 24)
                try await test.pool.withConnection {
                    _ = try await $0.query(
                        """
                        select pg_terminate_backend(pid) as done from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid()
                        """)
                }
                // The first call may still get a connection that is dead.
                var found: ChannelRecord?
                for _ in 0..<20 where found == nil {
                    found = try? await instance.archive.channel(meter)
                }
                #expect(try #require(found).state == .forgotten)
                #expect(try await test.rowCount(of: "message") == 0)
                #expect(try await test.rowCount(of: "tombstone") > 0)
            }
        }
    }

    /// Where the two cannot be compared, nothing is served.
    @Test func withoutAReadableLogNoConnectionIsLent() async throws {
        try await TestArchive.with { test in
            try test.vault.forget(.random())
            try test.vault.forget(.random())
            let path = test.keyRing.path + ".forgotten"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            bytes[100] ^= 1
            try bytes.write(to: URL(fileURLWithPath: path))
            let configuration = try Configuration([
                "PERMANODE_DATABASE_URL": test.database.url,
                "PERMANODE_KEYRING": test.keyRing.path,
            ])
            await #expect {
                try await Instance.with(configuration) { _ in throw Lost() }
            } throws: { error in
                (error as? VaultError)?.code == "vault.log-damaged"
            }
        }
    }
}
