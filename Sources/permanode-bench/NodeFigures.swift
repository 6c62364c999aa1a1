import Archive
import Diagnostics
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Tangle
import Ternary
import Vault

/// `findTransactions` and `getTrytes` of one message after the other, as a MAM client sends them,
/// beside a handler of libmicrohttpd that answers as many bytes and beside pgbench.
enum NodeFigures {
    private static let connections = [1, 32]

    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        for channel in filled.channels {
            try await filled.archive.setNodeInterface(.public, of: channel)
        }
        let start = ContinuousClock.now
        while try await filled.archive.workOnNodeLookups() {}
        let making = (ContinuousClock.now - start) / .seconds(1)
        _ = try await filled.archive.pool.withConnection {
            try await $0.execute("vacuum (analyze) node_lookup, node_attachment")
        }
        var settings = NodeInterfaceSettings()
        settings.ofAddress = .init(perSecond: 1e9, burst: 1e9)
        let api = try QueryAPI(
            archive: filled.archive, metrics: Metrics(), log: Log(minimum: .warning),
            node: settings)
        let server = try HTTPServer(configuration: HTTPServerConfiguration()) {
            await api.respond(to: $0)
        }
        let result: Result<[Figure], any Error>
        do {
            let size = try await size(of: filled)
            result = .success(
                try await figures(filled, port: server.port)
                    + [
                        Figure(
                            "lookups made when it is switched on",
                            Double(filled.channels.count * 4) / making,
                            "messages/s"),
                        Figure(
                            "lookups on disk", size, "bytes a message"),
                    ])
        } catch {
            result = .failure(error)
        }
        await server.shutdown(grace: .seconds(1))
        return try result.get()
    }

    private static func figures(_ filled: FilledArchive, port: UInt16) async throws -> [Figure] {
        let pairs = try requests(for: filled)
        let bare = try BareHandler()
        defer { bare.stop() }
        var sizes: [Int] = []
        for request in pairs.prefix(2) {
            sizes.append(try await LoadGenerator(port: port, requests: [request]).bodyCount())
        }
        var figures: [Figure] = []
        for count in connections {
            let reached = try await LoadGenerator(port: port, requests: pairs).run(
                connections: count)
            let constant = try await LoadGenerator(
                port: bare.port, requests: sizes.map(BareHandler.request)
            ).run(connections: count)
            let selects = try Pgbench.transactionsPerSecond(connections: count)
            let name = "findTransactions, getTrytes, \(count) connection\(count == 1 ? "" : "s")"
            figures += [
                Figure(
                    name, reached.requestsPerSecond, "requests/s",
                    comparedWith: ("bare handler", constant.requestsPerSecond)),
                Figure(
                    name, reached.requestsPerSecond, "requests/s",
                    comparedWith: ("pgbench -S", selects)),
                Figure(
                    name + ": p50", reached.p50, "ms", comparedWith: ("bare handler", constant.p50)),
                Figure(
                    name + ": p99", reached.p99, "ms", comparedWith: ("bare handler", constant.p99)),
            ]
        }
        return figures
    }

    /// Of each message two requests, in no order of channels.
    private static func requests(for filled: FilledArchive) throws -> [[UInt8]] {
        var messages: [(address: Hash, hashes: [Hash])] = []
        for channel in filled.published.channels {
            let hashes = TransactionHashing.hashes(of: channel.transactions)
            var byAddress: [Hash: [Hash]] = [:]
            for (hash, transaction) in zip(hashes, channel.transactions) {
                byAddress[transaction.address, default: []].append(hash)
            }
            messages += byAddress.map { ($0.key, $0.value) }
        }
        guard messages.count == PublishedChannels.messageCount else {
            throw BenchError("\(messages.count) messages were published")
        }
        return messages.shuffled().flatMap { message in
            [
                command(#"{"command":"findTransactions","addresses":["\#(message.address)"]}"#),
                command(
                    #"{"command":"getTrytes","hashes":["#
                        + message.hashes.map { "\"\($0)\"" }.joined(separator: ",") + "]}"),
            ]
        }
    }

    private static func command(_ body: String) -> [UInt8] {
        let head = """
            POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r
            X-IOTA-API-Version: 1\r\nContent-Length: \(body.utf8.count)\r\n\r\n
            """
        return Array((head + body).utf8)
    }

    private static func size(of filled: FilledArchive) async throws -> Double {
        let rows = try await filled.archive.pool.withConnection {
            try await $0.query(
                """
                select pg_total_relation_size('node_lookup')
                    + pg_total_relation_size('node_attachment') as bytes
                """)
        }
        return Double(try rows.first?.int64("bytes") ?? 0) / Double(PublishedChannels.messageCount)
    }
}

/// A program of its own with one handler of libmicrohttpd that answers a constant.
private final class BareHandler {
    let port: UInt16
    private let process = Process()
    /// It ends with it.
    private let input = Pipe()

    init() throws {
        guard let path = ProcessInfo.processInfo.environment["PERMANODE_BENCH_BARE_HANDLER"] else {
            throw BenchError("PERMANODE_BENCH_BARE_HANDLER is not set: use Ops/bench")
        }
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let port = UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            try? input.fileHandleForWriting.close()
            throw BenchError("the bare handler told no port")
        }
        self.port = port
    }

    func stop() { try? input.fileHandleForWriting.close() }

    /// One that is answered with so many bytes.
    static func request(_ count: Int) -> [UInt8] {
        let body = String(repeating: "x", count: 128)
        let head = """
            POST /\(count) HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r
            X-IOTA-API-Version: 1\r\nContent-Length: \(body.utf8.count)\r\n\r\n
            """
        return Array((head + body).utf8)
    }
}

/// PostgreSQL's own measure of how many rows a second it gives by their keys.
private enum Pgbench {
    /// Some seconds of them. By number and not by time: its timer is a signal, which processes
    /// that are started from here have blocked.
    private static let transactions = 64_000

    static func transactionsPerSecond(connections: Int) throws -> Double {
        let environment = ProcessInfo.processInfo.environment
        guard let path = environment["PERMANODE_BENCH_PGBENCH"],
            let url = environment["PERMANODE_BENCH_PGBENCH_URL"]
        else { throw BenchError("PERMANODE_BENCH_PGBENCH is not set: use Ops/bench") }
        let output = Pipe()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = [
            "-S", "-n", "-M", "prepared", "-t", String(transactions / connections), "-c",
            String(connections), "-j", String(min(connections, 2)), url,
        ]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard let start = text.range(of: "tps = ")?.upperBound,
            let rate = Double(text[start...].prefix { $0.isNumber || $0 == "." })
        else { throw BenchError("pgbench told no rate") }
        return rate
    }
}
