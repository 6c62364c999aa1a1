import Archive
import Assembly
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Vault

/// Forgetting single channels of a large archive: what it costs, and what other readers notice.
enum ForgetFigures {
    /// Messages of each channel, unless it is one whose forget is measured by its size.
    private static let each = 1000
    private static let sizes = [100, 1000, 10_000]
    /// Forgets of each size, of which the median counts.
    private static let forgetsEach = 3
    /// Channels forgotten one after the other while others read.
    private static let forgottenWhileRead = 40
    private static let quiet: Duration = .seconds(15)

    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        let archive = filled.archive
        // The first one is what other figures grow.
        var channels = Array(filled.channels.dropFirst())
        func take(_ count: Int) -> [ChannelNumber] {
            defer { channels.removeFirst(count) }
            return Array(channels.prefix(count))
        }
        let early = take(forgetsEach)
        try await grow(early.map { ($0, each, true) }, in: archive)
        let small = try await messageCount(of: archive)
        let before = try await forget(early, archive)

        let measured = sizes.map { ($0, take(forgetsEach)) }
        let forgotten = take(forgottenWhileRead)
        try await grow(
            measured.flatMap { size, channels in channels.map { ($0, size, true) } }
                + forgotten.map { ($0, each, true) } + channels.map { ($0, each, false) },
            in: archive)
        let large = try await messageCount(of: archive)
        try await settle(archive)
        var seconds: [Int: Double] = [:]
        for (size, channels) in measured { seconds[size] = try await forget(channels, archive) }
        let costs = costs(seconds, large: large, before, small: small)
        return try await costs + readers(of: channels, while: forgotten, archive)
    }

    private static func costs(
        _ seconds: [Int: Double], large: Int, _ before: Double, small: Int
    ) -> [Figure] {
        let usual = (seconds[each] ?? .nan) * 1000
        return [
            Figure(
                "forgetting a channel of \(each) messages, among \(large)", usual, "ms",
                comparedWith: ("the same among \(small)", before * 1000))
        ]
            + sizes.filter { $0 != each }.map {
                Figure(
                    "forgetting one of \($0) messages, among \(large)",
                    (seconds[$0] ?? .nan) * 1000, "ms",
                    comparedWith: ("one of \(each) messages", usual))
            }
    }

    // MARK: Filling

    private static func grow(
        _ channels: [(channel: ChannelNumber, count: Int, isForgotten: Bool)], in archive: Archive
    ) async throws {
        let atOnce = max(2, ProcessInfo.processInfo.activeProcessorCount)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (number, next) in channels.enumerated() {
                if number >= atOnce { _ = try await group.next() }
                group.addTask {
                    // What proves the others' messages nobody asks for here.
                    try await LongChannel.grow(
                        next.channel, to: next.count, ownRoots: next.isForgotten,
                        evidence: next.isForgotten ? .copied : .none,
                        in: archive)
                }
            }
            try await group.waitForAll()
        }
    }

    private static func messageCount(of archive: Archive) async throws -> Int {
        let rows = try await archive.pool.withConnection {
            try await $0.query("select count(*) as rows from message")
        }
        return Int(try rows.first?.int64("rows") ?? 0)
    }

    /// What filling leaves to be written and cleared is not the forgets' to do.
    private static func settle(_ archive: Archive) async throws {
        var configuration = archive.pool.configuration
        configuration.statementTimeout = .zero
        let connection = try await PostgresConnection.connect(configuration)
        let result: Result<Void, any Error>
        do {
            for table in ["message", "attachment"] {
                try await connection.script("vacuum (analyze) \(table)")
            }
            result = .success(try await connection.script("checkpoint"))
        } catch {
            result = .failure(error)
        }
        await connection.close()
        try result.get()
    }

    // MARK: Forgetting

    private static func eraser(_ archive: Archive) -> Eraser {
        Eraser(archive: archive, log: Log(minimum: .warning))
    }

    /// - Returns: Seconds until the receipt, the median.
    private static func forget(_ channels: [ChannelNumber], _ archive: Archive) async throws
        -> Double
    {
        var seconds: [Double] = []
        for channel in channels { seconds.append(try await forget(channel, archive)) }
        return seconds.sorted()[seconds.count / 2]
    }

    private static func forget(_ channel: ChannelNumber, _ archive: Archive) async throws -> Double
    {
        let start = ContinuousClock.now
        let request = try await archive.receiveForgetRequest(
            .channel(channel), reason: nil, now: Date())
        let done = try await eraser(archive).execute(request.id)
        guard done.state == .done else { throw BenchError("a forget is not done") }
        return (ContinuousClock.now - start) / .seconds(1)
    }

    // MARK: Reading meanwhile

    private static func readers(
        of channels: [ChannelNumber], while forgotten: [ChannelNumber], _ archive: Archive
    ) async throws -> [Figure] {
        let token = try await archive.createToken(.admin, now: Date()).text
        let api = try QueryAPI(archive: archive, metrics: Metrics(), log: Log(minimum: .warning))
        let server = try HTTPServer(configuration: HTTPServerConfiguration()) {
            await api.respond(to: $0)
        }
        let readers = PacedReaders(
            client: LoopbackClient(port: server.port, answerLimit: 16 << 20), token: token,
            channels: channels)
        let result: Result<[Figure], any Error>
        do {
            // Connections and caches.
            _ = try await readers.during { try await Task.sleep(for: .seconds(2)) }
            let before = try await readers.during { try await Task.sleep(for: quiet) }
            let during = try await readers.during {
                for channel in forgotten { _ = try await forget(channel, archive) }
            }
            let clearing = try await readers.during {
                try await eraser(archive).complete(atOnce: true)
            }
            let after = try await readers.during { try await Task.sleep(for: quiet) }
            result = .success(
                figures(
                    before,
                    [
                        ("while \(forgotten.count) channels are forgotten", during),
                        ("while rows are vacuumed and files searched", clearing),
                        ("after it", after),
                    ]))
        } catch {
            result = .failure(error)
        }
        await server.shutdown(grace: .seconds(1))
        return try result.get()
    }

    private static func figures(
        _ before: Latencies, _ phases: [(name: String, latencies: Latencies)]
    ) -> [Figure] {
        [("p50", 0.5), ("p99", 0.99)].flatMap { name, share in
            phases.map { phase in
                Figure(
                    "a page of \(PacedReaders.page) messages \(phase.name), \(name) of"
                        + " \(phase.latencies.count)",
                    phase.latencies.milliseconds(share), "ms",
                    comparedWith: (
                        "before, \(name) of \(before.count)", before.milliseconds(share)
                    ))
            }
        }
    }
}
