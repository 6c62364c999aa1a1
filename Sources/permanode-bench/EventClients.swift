import Foundation
import Synchronization
import Vault

/// Clients that listen to a channel's live stream, all served by one thread.
final class EventClients: Sendable {
    private struct Heard {
        /// Messages each has heard of.
        var counts: [Int]
        /// When the first and the last heard each.
        var first: [Int: ContinuousClock.Instant] = [:]
        var last: [Int: ContinuousClock.Instant] = [:]
        var heardBy: [Int: Int] = [:]
        var connected = 0
        var isClosed = false
    }

    /// What every event begins with but the stream itself.
    private static let mark = Array("\nevent: message\n".utf8)
    /// What the stream itself begins with.
    private static let start = Array("retry:".utf8)
    private static let patience: Duration = .seconds(60)

    private let sockets: [Int32]
    private let heard: Mutex<Heard>

    init(port: UInt16, _ channel: ChannelNumber, _ tokens: [String], count: Int) throws {
        sockets = try (0..<count).map { number in
            try Self.open(port, channel, tokens[number % tokens.count])
        }
        heard = Mutex(Heard(counts: [Int](repeating: 0, count: count)))
        Thread.detachNewThread { [self] in receive() }
    }

    func close() { heard.withLock { $0.isClosed = true } }

    /// When all have the beginning of the stream.
    func connected() async throws {
        try await wait { $0.connected == self.sockets.count }
    }

    /// When the first and the last heard of a message, counted from 1.
    func arrivals(of number: Int) async throws -> (
        first: ContinuousClock.Instant, last: ContinuousClock.Instant
    ) {
        try await wait { $0.heardBy[number] == self.sockets.count }
        return try heard.withLock { heard in
            guard let first = heard.first[number], let last = heard.last[number] else {
                throw BenchError("nobody heard of a message")
            }
            return (first, last)
        }
    }

    private func wait(_ isThere: @escaping @Sendable (Heard) -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while !heard.withLock({ isThere($0) }) {
            guard ContinuousClock.now < deadline else { throw BenchError("not all have heard") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private static func open(_ port: UInt16, _ channel: ChannelNumber, _ token: String) throws
        -> Int32
    {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let request = Array(
            """
            GET /v1/channels/\(channel.text)/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\
            Authorization: Bearer \(token)\r\n\r\n
            """.utf8)
        guard status == 0, send(descriptor, request, request.count, 0) == request.count else {
            throw BenchError("no connection")
        }
        return descriptor
    }

    /// By the C library: Swift's search of collections takes as long for an event as serving it.
    private static func count(of mark: [UInt8], in bytes: [UInt8], _ count: Int) -> Int {
        bytes.withUnsafeBytes { bytes in
            var found = 0
            var place = 0
            while place + mark.count <= count, let base = bytes.baseAddress,
                let next = memchr(base + place, Int32(mark[0]), count - place)
            {
                place = base.distance(to: next) + 1
                guard place - 1 + mark.count <= count else { break }
                if memcmp(next, mark, mark.count) == 0 { found += 1 }
            }
            return found
        }
    }

    private func receive() {
        var polled = sockets.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var isConnected = [Bool](repeating: false, count: sockets.count)
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while !heard.withLock({ $0.isClosed }) {
            guard poll(&polled, nfds_t(polled.count), 100) > 0 else { continue }
            for index in polled.indices where polled[index].revents != 0 {
                let count = recv(polled[index].fd, &buffer, buffer.count, 0)
                let now = ContinuousClock.now
                guard count > 0 else {
                    polled[index].fd = -1
                    continue
                }
                let isNew = !isConnected[index] && Self.count(of: Self.start, in: buffer, count) > 0
                if isNew { isConnected[index] = true }
                let marks = Self.count(of: Self.mark, in: buffer, count)
                heard.withLock { heard in
                    if isNew { heard.connected += 1 }
                    for _ in 0..<marks {
                        heard.counts[index] += 1
                        let number = heard.counts[index]
                        heard.heardBy[number, default: 0] += 1
                        if heard.first[number] == nil { heard.first[number] = now }
                        heard.last[number] = now
                    }
                }
            }
        }
        for socket in sockets { Foundation.close(socket) }
    }
}
