import Foundation
import Glibc
import Synchronization
import Testing

/// A client that says exactly what it is told to, over a blocking socket on loopback.
///
/// Safe to send: a test uses each from one thread at a time.
final class RawClient: @unchecked Sendable {
    struct Response: Equatable {
        var status: Int
        var headers: [String: String]
        var body: [UInt8]
        /// Whether the body came to the end that its framing promised.
        var isComplete: Bool

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    struct Trouble: Error { let what: String }

    private let descriptor: Int32
    private var isOpen = true
    private var buffer: [UInt8] = []

    /// `receiveBuffer` bounds what the kernel takes in for a client that does not read.
    /// Nothing waits longer than `patience` seconds. The client's own address is 127.0.`network`.1.
    init(
        port: UInt16, receiveBuffer: Int32? = nil, patience: Int = 20, network: UInt8 = 0
    ) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble(what: "socket") }
        if var size = receiveBuffer {
            setsockopt(
                descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        var timeout = timeval(tv_sec: patience, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &timeout, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = (UInt32(0x7F00_0001) + UInt32(network) << 8).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        if network != 0 {
            withUnsafePointer(to: &own) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    _ = Glibc.bind(descriptor, $0, size)
                }
            }
        }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, size)
            }
        }
        guard result == 0 else {
            Glibc.close(descriptor)
            throw Trouble(what: "connect: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close() }

    func close() {
        if isOpen { Glibc.close(descriptor) }
        isOpen = false
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Trouble(what: "send: \(errno)") }
            sent += count
        }
    }

    /// A request with a Host field and, where there is a body, its length.
    func request(
        _ method: String, _ target: String, headers: [String] = [], body: [UInt8] = []
    ) throws {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: test"] + headers
        if !body.isEmpty { lines.append("Content-Length: \(body.count)") }
        try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
    }

    /// Reads some more; false at the end or when the connection was reset. Throws when nothing
    /// comes for too long.
    @discardableResult
    func fill(atMost limit: Int = 64 << 10) throws -> Bool {
        var piece = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count < 0, errno == EAGAIN { throw Trouble(what: "nothing came in time") }
        guard count > 0 else { return false }
        buffer += piece[..<count]
        return true
    }

    /// What came before the connection ended.
    func readToEnd() throws -> [UInt8] {
        while try fill() {}
        defer { buffer = [] }
        return buffer
    }

    /// Whether the other side has ended or reset the connection; does not wait.
    func hasEnded() -> Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT))
        return count == 0 || (count < 0 && errno != EAGAIN)
    }

    /// Bytes read so far and not used.
    var pending: Int { buffer.count }

    func discardPending() { buffer = [] }

    func takePending() -> [UInt8] {
        defer { buffer = [] }
        return buffer
    }

    /// Closing will send a reset instead of an end.
    func resetOnClose() {
        var value = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_LINGER, &value, socklen_t(MemoryLayout<linger>.size))
    }

    /// Reads one response in chunks without keeping it: how many bytes, whether to the end, and
    /// the sum of all bytes.
    func drainChunks() throws -> (count: Int, isComplete: Bool, sum: Int) {
        _ = try readHead()
        var (count, sum) = (0, 0)
        while let line = try readLine() {
            guard let size = Int(line, radix: 16) else { throw Trouble(what: "chunk: \(line)") }
            if size == 0 { return (count, try readLine() == "", sum) }
            guard let chunk = try take(size), try readLine() == "" else { break }
            count += size
            sum += chunk.reduce(0) { $0 + Int($1) }
        }
        return (count, false, sum)
    }

    func readLine() throws -> String? {
        while true {
            if let end = buffer.firstIndex(of: 10) {
                let line = buffer[..<end].filter { $0 != 13 }
                buffer.removeSubrange(...end)
                return String(decoding: line, as: UTF8.self)
            }
            guard try fill() else { return nil }
        }
    }

    private func take(_ count: Int) throws -> [UInt8]? {
        while buffer.count < count {
            guard try fill() else { return nil }
        }
        defer { buffer.removeSubrange(..<count) }
        return Array(buffer[..<count])
    }

    /// Status line and fields; nil where the connection ended first.
    func readHead() throws -> Response? {
        guard let line = try readLine() else { return nil }
        guard let status = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Trouble(what: "status line: \(line)")
        }
        var headers: [String: String] = [:]
        while let line = try readLine(), !line.isEmpty {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
        }
        return Response(status: status, headers: headers, body: [], isComplete: false)
    }

    /// One response; nil where the connection ended before it. `toHead` has no body.
    func readResponse(toHead: Bool = false) throws -> Response? {
        guard var response = try readHead() else { return nil }
        if toHead || response.status == 204 || response.status < 200 {
            response.isComplete = true
        } else if let length = response.headers["content-length"].flatMap({ Int($0) }) {
            let body = try take(length)
            response.body = body ?? buffer
            response.isComplete = body != nil
        } else if response.headers["transfer-encoding"] == "chunked" {
            try readChunks(into: &response)
        } else {
            response.body = try readToEnd()
            response.isComplete = true
        }
        return response
    }

    private func readChunks(into response: inout Response) throws {
        while let line = try readLine() {
            guard let size = Int(line, radix: 16) else { throw Trouble(what: "chunk: \(line)") }
            if size == 0 {
                response.isComplete = try readLine() == ""
                return
            }
            guard let chunk = try take(size), try readLine() == "" else { return }
            response.body += chunk
        }
    }
}

/// The tests that talk to a server, one after the other: many of them watch time or memory.
@Suite("Over sockets", .serialized)
enum OverSockets {}

/// Runs blocking code on a thread of its own, because Swift's threads are the server's.
func onThread<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
    }
}

/// Counts across threads.
final class Counter: Sendable {
    private let count = Mutex(0)

    var value: Int { count.withLock { $0 } }

    func increment() { count.withLock { $0 += 1 } }

    /// Blocks until so many were counted; false when that takes too long.
    func waitUntil(_ value: Int) -> Bool {
        for _ in 0..<2000 where self.value < value { Thread.sleep(forTimeInterval: 0.005) }
        return self.value >= value
    }
}

/// Something that tasks wait for and a thread lets happen.
final class Gate: Sendable {
    private let isOpen = Mutex(false)

    func open() { isOpen.withLock { $0 = true } }

    /// Returns once the gate is open, or the task is cancelled.
    func opened() async {
        while !isOpen.withLock({ $0 }), !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(2))
        }
    }
}

/// Waits until something holds; false when it did not within `seconds`.
func eventually(seconds: Double = 10, _ condition: () async -> Bool) async -> Bool {
    let end = ContinuousClock.now.advanced(by: .seconds(seconds))
    while ContinuousClock.now < end {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return await condition()
}
