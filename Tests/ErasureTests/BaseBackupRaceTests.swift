import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import TestSupport
import Testing
import Vault

/// Forgets while the server's files are copied.
@Suite struct BaseBackupRaceTests {
    private static let settings = ["wal_level = replica", "max_wal_senders = 4"]

    /// 4 races in a test run; `PERMANODE_TEST_BASE_BACKUPS` for more.
    private static var races: Int {
        ProcessInfo.processInfo.environment["PERMANODE_TEST_BASE_BACKUPS"].flatMap(Int.init) ?? 4
    }

    @Test(.timeLimit(.minutes(60)))
    func aForgetInTheMiddleOfABaseBackupHoldsForWhatIsRestoredFromIt() async throws {
        var random = SeededGenerator.announced()
        var tally: [RaceOutcome: Int] = [:]
        // How long a copy takes is known from the one before.
        var copying = Duration.milliseconds(1500)
        for _ in 0..<Self.races {
            let instant = copying * Double.random(in: 0...1.2, using: &random)
            let (outcome, lasted) = try await race(forgettingAfter: instant)
            copying = lasted
            tally[outcome, default: 0] += 1
        }
        print("\(Self.races) base backups: \(tally.map { "\($1) \($0)" }.joined(separator: ", "))")
        #expect(tally.values.reduce(0, +) == Self.races && Self.races > 0)
        // Of so many some forgets come before the copy has ended, and some after.
        if Self.races >= 20 { #expect(Set(tally.keys).isSuperset(of: [.old, .whole])) }
    }

    /// - Parameter instant: After the copy began.
    /// - Returns: How it went, and how long the copy took.
    private func race(
        forgettingAfter instant: Duration
    ) async throws -> (RaceOutcome, copying: Duration) {
        try await TestServer.with(settings: Self.settings) { server in
            let restored = try server.neighbour("restored")
            return try await TestArchive.with(on: server) { test in
                let clock = TestClock()
                let channel = try await test.fill(channel: "meter", clock: clock)
                let kept = try await test.fill(channel: "private", clock: clock)
                let request = try await test.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: clock.now)
                async let copied = ContinuousClock().measure {
                    try await server.runProgram(
                        "pg_basebackup",
                        [
                            "--pgdata", restored.data, "--host", server.directory, "--username",
                            "postgres", "--checkpoint", "fast", "--wal-method", "stream",
                            "--max-rate", "30M", "--no-sync",
                        ])
                }
                try await Task.sleep(for: instant)
                _ = try await Eraser(
                    archive: test.archive, clock: { clock.now }, log: .silent
                ).execute(request.id)
                let copying = try await copied
                try restored.add(["unix_socket_directories = '@'"])
                return try await restored.running {
                    let pool = PostgresPool(
                        configuration: try PostgresConfiguration(
                            url: restored.url(of: test.database.name)))
                    let result: Result<(RaceOutcome, copying: Duration), any Error>
                    do {
                        let backup = RestoredBackup(
                            test: test, channel: channel, vector: try .named("meter"), clock: clock)
                        let outcome = try await backup.outcome(pool)
                        // The others read whole.
                        let old = Archive(pool: pool, vault: try Vault(ring: test.keyRing))
                        let texts = try await old.readAll(of: kept).map(\.message.text)
                        #expect(texts == (try ChannelVector.named("private").messages.map(\.text)))
                        result = .success((outcome, copying))
                    } catch {
                        result = .failure(error)
                    }
                    await pool.shutdown()
                    return try result.get()
                }
            }
        }
    }
}
