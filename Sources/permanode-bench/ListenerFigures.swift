import Archive
import Assembly
import Crawler
import Diagnostics
import Foundation
import HTTPServer
import LocalTangle
import MAM
import NodeClient
import Postgres
import QueryAPI
import Synchronization
import Tangle
import Ternary
import Vault

/// Many listeners on one channel: how long a message takes to the last of them, and what each
/// costs.
enum ListenerFigures {
    private static let listeners = 1000
    private static let listenersEach = 100
    private static let rounds = 20
    private static let text = String(
        String(repeating: "1-0:1.8.1(002074.842*kWh)\r\n", count: 40).prefix(1000))

    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        guard OpenFiles.allow(connections: 2 * listeners) else {
            throw BenchError("too few files may be open: raise RLIMIT_NOFILE")
        }
        let archive = filled.archive
        let tangle = try LocalTangleServer()
        var configuration = HTTPServerConfiguration()
        configuration.limits.connectionsPerAddress = configuration.limits.connections
        let api = try QueryAPI(archive: archive, metrics: Metrics(), log: Log(minimum: .warning))
        let server = try HTTPServer(configuration: configuration) { await api.respond(to: $0) }
        let result: Result<[Figure], any Error>
        do {
            var channel = try await GrowingChannel(tangle, archive)
            try await channel.publish(text)
            var tokens: [String] = []
            for _ in 0..<(listeners / listenersEach) {
                tokens.append(
                    try await archive.createToken(.reader, channels: [channel.number], now: Date())
                        .text)
            }
            result = .success(
                try await figures(&channel, tokens, port: server.port, archive))
        } catch {
            result = .failure(error)
        }
        await api.stopListeners()
        await server.shutdown(grace: .seconds(1))
        await tangle.shutdown()
        return try result.get()
    }

    private static func figures(
        _ channel: inout GrowingChannel, _ tokens: [String], port: UInt16, _ archive: Archive
    ) async throws -> [Figure] {
        // What the first listeners make that all share.
        let few = try EventClients(port: port, channel.number, tokens, count: 10)
        try await channel.publish(text)
        _ = try await few.arrivals(of: 1)
        let before = residentBytes()
        let clients = try EventClients(port: port, channel.number, tokens, count: listeners - 10)
        try await clients.connected()
        let connected = residentBytes()
        let commits = Commits(
            try await PostgresListener.listen(
                PostgresConnection.messageAnnouncements, archive.pool.configuration))
        var (last, first): ([Double], [Double]) = ([], [])
        let processor = Timing.processSeconds
        for round in 1...rounds {
            try await channel.publish(text)
            let arrivals = try await clients.arrivals(of: round)
            let committed = try commits.time(of: round)
            last.append((arrivals.last - committed) / .milliseconds(1))
            first.append((arrivals.first - committed) / .milliseconds(1))
        }
        noteShare("listening", Double(rounds), Timing.processSeconds - processor)
        let after = residentBytes()
        let each = Double(listeners - 10) * 1024
        few.close()
        clients.close()
        return [
            Figure(
                "a message to the last of \(listeners) listeners, from its commit",
                last.sorted()[rounds / 2], "ms",
                comparedWith: ("to the first of them", first.sorted()[rounds / 2])),
            Figure(
                "memory of a listener who has heard nothing", Double(connected - before) / each,
                "KB"),
            Figure("memory of one after \(rounds) messages", Double(after - before) / each, "KB"),
        ]
    }

    private static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096
    }
}

/// When messages were committed, as the database announces it.
private final class Commits: Sendable {
    private let times: TimeList
    private let work: Task<Void, Never>

    init(_ notes: AsyncStream<PostgresNotification>) {
        let times = TimeList()
        self.times = times
        work = Task { for await _ in notes { times.add() } }
    }

    deinit { work.cancel() }

    func time(of number: Int) throws -> ContinuousClock.Instant {
        let times = times.all
        guard times.count >= number else { throw BenchError("a commit was not announced") }
        return times[number - 1]
    }
}

private final class TimeList: Sendable {
    private let times = Mutex<[ContinuousClock.Instant]>([])

    var all: [ContinuousClock.Instant] { times.withLock { $0 } }

    func add() { times.withLock { $0.append(.now) } }
}

/// A channel to which a message is added and taken in at a time.
private struct GrowingChannel {
    let number: ChannelNumber
    private let tangle: LocalTangleServer
    private let crawler: CrawlService
    private var writer: ChannelWriter

    init(_ tangle: LocalTangleServer, _ archive: Archive) async throws {
        self.tangle = tangle
        let sideKey = try SideKey("LISTENERS")
        writer = try ChannelWriter(
            seed: Seed(String(repeating: "LISTENERS", count: 9)), mode: .restricted,
            sideKey: sideKey)
        number = try await archive.register(
            ChannelRegistration(root: writer.root, mode: .restricted, sideKey: sideKey),
            now: Date())
        crawler = CrawlService(
            archive: archive,
            source: NodeTangleSource(try NodePool(endpoints: [NodeEndpoint(tangle.url)])),
            owner: "bench", log: Log(minimum: .warning),
            instruments: try CrawlInstruments(Metrics()))
    }

    mutating func publish(_ text: String) async throws {
        let message = try writer.write(text)
        let time = Int64(Date().timeIntervalSince1970)
        let bundle = try BundleBuilder.bundle(
            address: message.address, messageTrytes: message.payload,
            tag: Trytes(validated: Array("BENCH".utf8)).padded(to: 27), timestamp: time)
        try tangle.ledger.store(
            try Attachment.attach(
                bundle, trunk: .null, branch: .null, minWeightMagnitude: 1,
                attachmentTimestamp: time * 1000))
        _ = try await crawler.crawlUntilIdle()
    }
}
