import Archive
import Assembly
import Diagnostics
import Foundation
import HTTPServer
import QueryAPI
import Synchronization
import Vault

/// What readers notice of ten thousand clients who never finish their requests.
enum CrowdFigures {
    private static let clients = 10_000
    private static let addresses = 100
    private static let readers = 4
    private static let page = 100

    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        guard OpenFiles.allow(connections: clients + 4096) else {
            throw BenchError("too few files may be open: raise RLIMIT_NOFILE")
        }
        let token = try await filled.archive.createToken(.admin, now: Date()).text
        let api = try QueryAPI(
            archive: filled.archive, metrics: Metrics(), log: Log(minimum: .warning))
        let server = try HTTPServer(configuration: HTTPServerConfiguration()) {
            await api.respond(to: $0)
        }
        let requests = filled.channels.prefix(64).map { channel in
            Array(
                """
                GET /v1/channels/\(channel.text)/messages?limit=\(page) HTTP/1.1\r\n\
                Host: 127.0.0.1\r\nAuthorization: Bearer \(token)\r\n\r\n
                """.utf8)
        }
        let load = LoadGenerator(port: server.port, requests: requests)
        let result: Result<[Figure], any Error>
        do {
            let kept = try await load.run(connections: readers)
            let new = try await load.run(connections: readers, areNew: true)
            let crowd = SlowCrowd(port: server.port, clients: clients, addresses: addresses)
            defer { crowd.close() }
            let deadline = ContinuousClock.now + .seconds(60)
            while crowd.opened < clients {
                guard ContinuousClock.now < deadline else { throw BenchError("no crowd came") }
                try await Task.sleep(for: .milliseconds(50))
            }
            let keptBeside = try await load.run(connections: readers)
            let newBeside = try await load.run(connections: readers, areNew: true)
            note("\(crowd.opened) slow connections were opened, for \(clients) clients")
            result = .success([
                Figure(
                    "pages to \(readers) readers beside \(clients) slow clients: p99",
                    keptBeside.p99, "ms", comparedWith: ("without them", kept.p99)),
                Figure(
                    "the same: p50", keptBeside.p50, "ms", comparedWith: ("without them", kept.p50)),
                Figure(
                    "pages to readers who come anew for each: p99", newBeside.p99, "ms",
                    comparedWith: ("without them", new.p99)),
                Figure(
                    "the same: p50", newBeside.p50, "ms", comparedWith: ("without them", new.p50)),
            ])
        } catch {
            result = .failure(error)
        }
        await server.shutdown(grace: .zero)
        return try result.get()
    }
}

/// Clients from many addresses of this machine who send a byte of a header now and then, and come
/// again when they are sent away. One thread serves them.
final class SlowCrowd: Sendable {
    private struct State {
        var opened = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Connections that were opened.
    var opened: Int { state.withLock { $0.opened } }

    init(port: UInt16, clients: Int, addresses: Int) {
        Thread.detachNewThread { [self] in run(port, clients, addresses) }
    }

    func close() { state.withLock { $0.isClosed = true } }

    private func run(_ port: UInt16, _ clients: Int, _ addresses: Int) {
        var sockets = [Int32](repeating: -1, count: clients)
        let header = Array("GET /v1/channels HTTP/1.1\r\nX-Slow: ".utf8)
        while !state.withLock({ $0.isClosed }) {
            for index in sockets.indices {
                if index.isMultiple(of: 256), state.withLock({ $0.isClosed }) { break }
                if sockets[index] < 0 {
                    sockets[index] = Self.open(port, address: index % addresses)
                    if sockets[index] >= 0 { state.withLock { $0.opened += 1 } }
                    _ = send(sockets[index], header, header.count, Int32(MSG_NOSIGNAL))
                } else if send(sockets[index], "x", 1, Int32(MSG_NOSIGNAL)) < 0, errno != EAGAIN {
                    Foundation.close(sockets[index])
                    sockets[index] = -1
                }
            }
            Thread.sleep(forTimeInterval: 0.25)
        }
        for socket in sockets where socket >= 0 { Foundation.close(socket) }
    }

    /// From 127.1.0.1 on.
    private static func open(_ port: UInt16, address: Int) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return -1 }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = (UInt32(0x7F01_0001) + UInt32(address)).bigEndian
        var server = sockaddr_in()
        server.sin_family = sa_family_t(AF_INET)
        server.sin_port = port.bigEndian
        server.sin_addr.s_addr = inet_addr("127.0.0.1")
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = bind(descriptor, $0, size) }
        }
        withUnsafePointer(to: &server) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = connect(descriptor, $0, size)
            }
        }
        return descriptor
    }
}
