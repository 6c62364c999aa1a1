import Dispatch
import Foundation
import Synchronization

/// Sends requests over connections that stay open, one after the other on each, and measures how
/// long each answer takes.
struct LoadGenerator: Sendable {
    struct Outcome: Sendable {
        let requestsPerSecond: Double
        /// Milliseconds.
        let p50: Double
        let p99: Double
    }

    private static let warmUp: Duration = .milliseconds(500)
    private static let duration: Duration = .seconds(4)
    /// No answer here is longer.
    private static let answerBytes = 256 << 10
    /// How long an answer may take.
    private static let silence = timeval(tv_sec: 20, tv_usec: 0)

    let port: UInt16
    /// Whole requests, head and body; each connection goes through them from a place of its own.
    let requests: [[UInt8]]

    /// - Throws: `BenchError` where an answer is none, or no 200.
    ///
    /// - Parameter areNew: Each request comes on a connection of its own.
    func run(connections: Int, areNew: Bool = false) async throws -> Outcome {
        // Blocking calls stay off the cooperative threads, which answer.
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try generate(connections, areNew) })
            }
        }
    }

    private func generate(_ connections: Int, _ areNew: Bool) throws -> Outcome {
        let end = ContinuousClock.now + Self.warmUp + Self.duration
        let start = end - Self.duration
        let results = Mutex<[Result<[Double], any Error>]>([])
        let threads = (0..<connections).map { number in
            let thread = Thread {
                let result = Result {
                    try measure(from: number * requests.count / connections, areNew, start, end)
                }
                results.withLock { $0.append(result) }
            }
            thread.start()
            return thread
        }
        while threads.contains(where: { !$0.isFinished }) { Thread.sleep(forTimeInterval: 0.05) }
        let latencies = try results.withLock { try $0.flatMap { try $0.get() } }.sorted()
        guard !latencies.isEmpty else { throw BenchError("nothing was answered") }
        return Outcome(
            requestsPerSecond: Double(latencies.count) / (Self.duration / .seconds(1)),
            p50: latencies[latencies.count / 2] * 1000,
            p99: latencies[latencies.count * 99 / 100] * 1000)
    }

    /// Bytes of the body that the first request is answered with.
    func bodyCount() async throws -> Int {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try count() })
            }
        }
    }

    private func count() throws -> Int {
        let connection = try Self.open(port)
        defer { close(connection) }
        var buffer = [UInt8](repeating: 0, count: Self.answerBytes)
        let count = try Self.exchange(requests[0], on: connection, &buffer)
        return count - (Self.headCount(of: buffer[..<count]) ?? 0)
    }

    /// Seconds of each answer that began after `start`.
    private func measure(
        from place: Int, _ areNew: Bool, _ start: ContinuousClock.Instant,
        _ end: ContinuousClock.Instant
    ) throws -> [Double] {
        var connection = try Self.open(port)
        defer { close(connection) }
        var latencies: [Double] = []
        var buffer = [UInt8](repeating: 0, count: Self.answerBytes)
        var next = place
        while true {
            let began = ContinuousClock.now
            guard began < end else { return latencies }
            if areNew {
                close(connection)
                connection = try Self.open(port)
            }
            _ = try Self.exchange(requests[next % requests.count], on: connection, &buffer)
            next += 1
            if began >= start { latencies.append((ContinuousClock.now - began) / .seconds(1)) }
        }
    }

    private static func open(_ port: UInt16) throws -> Int32 {
        let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var silence = silence
        var noDelay: Int32 = 1
        setsockopt(
            connection, SOL_SOCKET, SO_RCVTIMEO, &silence, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(
            connection, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay,
            socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connection >= 0, status == 0 else { throw BenchError("no connection") }
        return connection
    }

    /// - Returns: Bytes of the answer, head and body.
    private static func exchange(
        _ request: [UInt8], on connection: Int32, _ buffer: inout [UInt8]
    ) throws -> Int {
        guard
            send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count
        else { throw BenchError("a request was not sent") }
        var filled = 0
        var whole = Int.max
        while filled < whole {
            let count = buffer.withUnsafeMutableBytes {
                recv(connection, $0.baseAddress.map { $0 + filled }, $0.count - filled, 0)
            }
            guard count > 0 else { throw BenchError("an answer broke off") }
            filled += count
            if whole == .max { whole = try wholeCount(of: buffer[..<filled]) ?? .max }
        }
        return filled
    }

    /// Bytes of an answer, head and body; nil where its head is not all there. What it costs is
    /// taken from the server beside it, so it goes over the bytes once.
    private static func wholeCount(of bytes: ArraySlice<UInt8>) throws -> Int? {
        guard let end = headCount(of: bytes) else { return nil }
        guard bytes.starts(with: status) else {
            throw BenchError(
                "an answer is no 200: " + String(decoding: bytes.prefix(200), as: UTF8.self))
        }
        for line in bytes[..<end].split(separator: UInt8(ascii: "\n")) {
            guard line.count > lengthField.count,
                zip(line, lengthField).allSatisfy({ $0 | 0x20 == $1 })
            else { continue }
            let digits = line.dropFirst(lengthField.count).filter { (0x30...0x39).contains($0) }
            return end + digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        throw BenchError("an answer has no length")
    }

    private static let status = Array("HTTP/1.1 200".utf8)
    /// In lower case; the colon and the hyphen stay what they are with the bit that makes it.
    private static let lengthField = Array("content-length:".utf8)
    private static let headEnd = Array("\r\n\r\n".utf8)

    private static func headCount(of bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBufferPointer { bytes in
            (0..<max(0, bytes.count - headEnd.count + 1)).first { start in
                (0..<headEnd.count).allSatisfy { bytes[start + $0] == headEnd[$0] }
            }.map { $0 + headEnd.count }
        }
    }
}
