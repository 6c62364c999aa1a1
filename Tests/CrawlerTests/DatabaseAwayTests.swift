import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing
import Vault

/// A crawler whose database goes away, again and again.
@Suite(.serialized) struct DatabaseAwayTests {
    /// The server that the database is on, for who takes it away.
    private struct Server {
        let pool: PostgresPool
        let database: String

        init(_ database: TestDatabase) throws {
            let url = ProcessInfo.processInfo.environment[TestDatabase.variable] ?? ""
            pool = PostgresPool(configuration: try PostgresConfiguration(url: url))
            self.database = database.name
        }

        /// Ends every session of the database, whatever it is doing.
        func terminate() async throws {
            _ = try await pool.withConnection {
                try await $0.query(
                    """
                    select pg_terminate_backend(pid) as ended from pg_stat_activity
                    where datname = $1 and pid <> pg_backend_pid()
                    """, [.text(database)])
            }
        }

        func allowConnections(_ allowed: Bool) async throws {
            try await pool.withConnection {
                try await $0.script("alter database \(database) allow_connections \(allowed)")
            }
        }
    }

    private static func crawler(
        _ test: TestArchive, _ source: any TangleSource, log: Log
    ) throws -> CrawlService {
        var policy = CrawlPolicy()
        policy.lease = 3
        return CrawlService(
            archive: test.archive, source: source, policy: policy, owner: "away", log: log,
            instruments: try CrawlInstruments(Metrics()))
    }

    /// Runs a crawler while `meanwhile` runs, and ends it.
    private static func running(
        _ crawler: CrawlService, _ meanwhile: () async throws -> Void
    ) async throws {
        let task = Task { try await crawler.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await meanwhile()) } catch { result = .failure(error) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        try result.get()
    }

    @Test(.timeLimit(.minutes(10)))
    func sessionsThatAreEndedAtAnyInstantLoseAndDoubleNothing() async throws {
        try await TestArchive.with { test in
            var random = SeededGenerator.announced()
            let vectors = try await RegisteredVectors.register(in: test, now: Date())
            let server = try Server(test.database)
            let source = SlowSource(try MemoryTangle.recorded(), seed: random.next())
            let crawler = try Self.crawler(test, source, log: .silent)
            try await Self.running(crawler) {
                for _ in 0..<60 {
                    // A random instant is the point.
                    try await Task.sleep(for: .milliseconds(.random(in: 0...60, using: &random)))
                    try await server.terminate()
                }
                try await eventually("all messages are there") {
                    // The pool's own connections have died, too.
                    (try? await test.rowCount(of: "message")) == vectors.messageCount
                }
            }
            #expect(try await vectors.discrepancies(in: test.archive) == [])
            await server.pool.shutdown()
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aDatabaseThatIsAwayForALongerTimeIsWaitedFor() async throws {
        try await TestArchive.with { test in
            let vectors = try await RegisteredVectors.register(in: test, now: Date())
            let server = try Server(test.database)
            let source = SlowSource(try MemoryTangle.recorded(), seed: 5)
            let waits = Mutex(0)
            let log = Log(
                minimum: .warning,
                sink: { line in
                    if line.contains("crawling waits") { waits.withLock { $0 += 1 } }
                })
            let crawler = try Self.crawler(test, source, log: log)
            try await Self.running(crawler) {
                try await eventually("the first messages are there") {
                    try await test.rowCount(of: "message") > 5
                }
                try await server.allowConnections(false)
                try await server.terminate()
                try await eventually("the crawler has tried in vain") {
                    waits.withLock { $0 } >= 3
                }
                await #expect(throws: PostgresError.self) {
                    _ = try await test.rowCount(of: "message")
                }
                try await server.allowConnections(true)
                try await eventually("all messages are there") {
                    try await test.rowCount(of: "message") == vectors.messageCount
                }
            }
            #expect(try await vectors.discrepancies(in: test.archive) == [])
            await server.pool.shutdown()
        }
    }
}
