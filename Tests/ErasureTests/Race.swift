import Archive
import ArchiveTestSupport
import Assembly
import Crawler
import Diagnostics
import Erasure
import Failures
import Foundation
import HTTPServer
import MAM
import Postgres
import QueryAPI
import Synchronization
import TestSupport
import Testing
import Vault

/// What goes on while a channel is forgotten.
enum RaceRival: String, CaseIterable {
    case crawl, dumpImport, read, stream, export, backup, sameForget, monthForget, restrict
    case retention

    /// A forget begins up to so many milliseconds after its rival is told to begin: longer where
    /// that takes longer.
    var latestForget: Int {
        switch self {
        case .backup: 250
        case .stream, .export, .dumpImport: 160
        default: 40
        }
    }
}

/// How a rival fared.
enum RaceOutcome: String, CaseIterable {
    /// It was through before.
    case whole
    /// It was told that it came too late, or was stopped.
    case stopped
    /// Of a backup: it holds rows of the forgotten.
    case old
}

/// Milliseconds until the rival and the forget begin.
struct RacePlan {
    let rival: RaceRival
    let before: Int
    let after: Int
}

/// How often each rival fared how.
struct RaceTally {
    private var counts: [RaceRival: [RaceOutcome: Int]] = [:]

    mutating func add(_ rival: RaceRival, _ outcome: RaceOutcome) {
        counts[rival, default: [:]][outcome, default: 0] += 1
    }

    func count(of outcome: RaceOutcome) -> Int {
        counts.values.reduce(0) { $0 + ($1[outcome] ?? 0) }
    }

    func outcomes(of rival: RaceRival) -> Set<RaceOutcome> { Set((counts[rival] ?? [:]).keys) }

    var missing: [RaceRival] { RaceRival.allCases.filter { counts[$0] == nil } }

    var text: String {
        RaceRival.allCases.map { rival in
            let outcomes = RaceOutcome.allCases.compactMap { outcome in
                counts[rival]?[outcome].map { "\($0) \(outcome.rawValue)" }
            }
            return "\(rival.rawValue) \(outcomes.joined(separator: " + "))"
        }.joined(separator: ", ")
    }
}

/// A forget of one channel against one rival.
final class Race: Sendable {
    /// A reader of a stream or an export takes nothing later than this after the forget.
    private static let stop: Duration = .seconds(1)
    /// Three batches of a stream.
    private static let streamed = 2500

    private let channel: ChannelNumber
    private let vector: ChannelVector
    private let plan: RacePlan
    private let test: TestArchive
    private let source: MemoryTangle
    private let clock: TestClock
    private let eraser: Eraser
    /// Messages that the channel had before.
    private let messages: Int
    private let taken = Mutex<ContinuousClock.Instant?>(nil)

    init(
        _ channel: ChannelNumber, _ vector: ChannelVector, _ plan: RacePlan, _ test: TestArchive,
        _ source: MemoryTangle, _ clock: TestClock
    ) async throws {
        (self.channel, self.vector, self.plan, self.test) = (channel, vector, plan, test)
        (self.source, self.clock) = (source, clock)
        eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
        if plan.rival == .stream, try await test.pool.messageCount(of: channel) > 0 {
            try await test.multiply(channel, to: Self.streamed, now: clock.now)
        }
        messages = try await test.pool.messageCount(of: channel)
    }

    func run() async throws -> RaceOutcome {
        let request = try await test.archive.receiveForgetRequest(
            .channel(channel), reason: nil, now: clock.now)
        let rival = Task {
            try await Task.sleep(for: .milliseconds(plan.before))
            return try await act(request.id)
        }
        try await Task.sleep(for: .milliseconds(plan.after))
        _ = try await eraser.execute(request.id)
        let forgotten = ContinuousClock.now
        let result = await rival.result
        for open in try await test.archive.openForgetRequests() {
            _ = try await eraser.execute(open.id)
        }
        #expect(try test.vault.isForgotten(channel))
        #expect(
            try await test.pool.messageCount(of: channel) == 0, "\(plan.rival)")
        #expect(try await test.archive.channel(channel).state == .forgotten)
        if let last = taken.withLock({ $0 }) {
            #expect(last - forgotten < Self.stop, "\(plan.rival)")
        }
        switch result {
        case .success(let outcome):
            guard plan.rival == .backup else { return outcome }
            return try await restoreDump()
        case .failure(let error):
            // It came too late, or was stopped, and was told so.
            #expect(
                error is ArchiveError || error is VaultError || error is ErasureError
                    || error is ExportError || plan.rival == .stream && error is any Failure,
                "\(plan.rival): \(error)")
            return .stopped
        }
    }

    private func act(_ request: ChannelNumber) async throws -> RaceOutcome {
        switch plan.rival {
        case .crawl:
            clock.advance(60)
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
        case .dumpImport:
            clock.advance(60)
            let path = test.folder.appendingPathComponent("ledger.ndjson")
            try Fixture.data("tangle.ndjson").write(to: path)
            let dump = try await DumpTangleSource(paths: [path.path])
            _ = try await test.crawler(dump, clock: clock).crawlUntilIdle()
        case .read:
            while true { _ = try await test.read(channel) }
        case .stream: return try await stream()
        case .export: return try await export()
        case .backup: try await dump()
        case .sameForget:
            _ = try await eraser.execute(request)
        case .monthForget:
            let month = Period(clock.now)
            let part = try await test.archive.receiveForgetRequest(
                .period(channel, month...month), reason: nil, now: clock.now)
            _ = try await eraser.execute(part.id)
        case .restrict:
            try await test.archive.restrict(channel)
        case .retention:
            try await test.archive.setRetention(Retention(months: 1), of: channel)
            clock.advance(100 * 86_400)
            _ = try await test.archive.beginRetention(now: clock.now)
            let requests = try await test.archive.openForgetRequests(
                ofRetention: true, now: clock.now)
            let failures = try await eraser.execute(together: requests)
            if let failure = failures.values.first { throw failure }
        }
        return .whole
    }

    // MARK: Readers

    private final class Lines: HTTPBodyWriter {
        let count = Mutex(0)
        private let took: @Sendable () -> Void

        init(_ took: @escaping @Sendable () -> Void) { self.took = took }

        func write(_ bytes: [UInt8]) async throws {
            took()
            count.withLock { $0 += bytes.count { $0 == UInt8(ascii: "\n") } }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...30)))
        }
    }

    /// One that ends is whole; another is cut.
    private func stream() async throws -> RaceOutcome {
        let token = try await test.archive.createToken(.admin, now: clock.now).text
        let api = try QueryAPI(
            archive: test.archive, metrics: Metrics(), log: .silent,
            clock: { [clock] in clock.now })
        let response = await api.respond(
            to: try HTTPRequest(
                method: "GET", target: "/v1/channels/\(channel.text)/messages",
                headers: [
                    "Accept": "application/x-ndjson", "Authorization": "Bearer \(token)",
                ]))
        guard case .stream(let write) = response.body else {
            #expect(response.status == 404)
            return .stopped
        }
        let lines = Lines { [self] in taken.withLock { $0 = .now } }
        try await write(lines)
        #expect(lines.count.withLock { $0 } == messages)
        return .whole
    }

    /// One that ends is whole, or began when there was nothing any more.
    private func export() async throws -> RaceOutcome {
        let subject = try await test.archive.subject("owner of \(vector.name)")
        var seen = 0
        let counts = try await SubjectExport(archive: test.archive, subject: subject).run(
            now: clock.now
        ) { part in
            taken.withLock { $0 = .now }
            if case .messages(let batch, _) = part { seen += batch.count }
            try await Task.sleep(for: .milliseconds(Int.random(in: 0...30)))
        }
        #expect(counts.messages == seen)
        if counts.channels == 0 {
            #expect(seen == 0)
            return .stopped
        }
        #expect(counts.channels == 1 && seen == messages)
        return .whole
    }

    // MARK: A backup

    private var dumpPath: String { test.folder.appendingPathComponent("dump.sql").path }

    private func dump() async throws {
        try await Self.run("pg_dump", ["--file", dumpPath, test.database.url])
    }

    private static func run(_ program: String, _ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = try await TestServer.program(program)
        process.arguments = arguments
        _ = try await TestServer.output(of: process)
    }

    /// Puts the dump into a database of its own.
    private func restoreDump() async throws -> RaceOutcome {
        try await TestDatabase.with { database in
            try await Self.run(
                "psql",
                ["--quiet", "--set", "ON_ERROR_STOP=1", "--file", dumpPath, database.url])
            let pool = PostgresPool(configuration: try database.configuration())
            let result: Result<RaceOutcome, any Error>
            do { result = .success(try await restored.outcome(pool)) } catch {
                result = .failure(error)
            }
            await pool.shutdown()
            return try result.get()
        }
    }

    private var restored: RestoredBackup {
        RestoredBackup(test: test, channel: channel, vector: vector, clock: clock)
    }
}
