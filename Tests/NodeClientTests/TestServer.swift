import Foundation
import Glibc
import Synchronization

/// One request as it came.
struct TestRequest: Sendable {
    /// Request line and header lines.
    let head: String
    let body: Data

    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:]
    }

    var command: String { json["command"] as? String ?? "" }

    func list(_ name: String) -> [String] { json[name] as? [String] ?? [] }

    func header(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.first?.lowercased() == name.lowercased() {
                return parts.last?.trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }
}

/// A server on plain sockets that knows just enough HTTP to misbehave in: the script decides
/// every byte of the answer. A thread for each connection.
final class TestServer: Sendable {
    struct Failed: Error { let call: String }

    private struct State {
        var connections: Set<Int32> = []
        var requests: [TestRequest] = []
        var isStopped = false
    }

    let port: UInt16
    private let listener: Int32
    private let state = Mutex(State())

    var url: String { "http://127.0.0.1:\(port)" }

    var requests: [TestRequest] { state.withLock { $0.requests } }

    var openConnections: Int { state.withLock { $0.connections.count } }

    /// A socket with a port of this machine that nobody listens at yet.
    static func bound() throws -> (socket: Int32, port: UInt16) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw Failed(call: "socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound else { throw Failed(call: "bind") }
        return (socket, UInt16(bigEndian: address.sin_port))
    }

    /// - Parameter greeting: what is sent before anything is received.
    init(
        greeting: String = "", _ script: @escaping @Sendable (TestRequest, TestConnection) -> Void
    ) throws {
        (listener, port) = try Self.bound()
        guard listen(listener, 64) == 0 else { throw Failed(call: "listen") }
        let listener = listener
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { break }
                let isWelcome = state.withLock { state in
                    if !state.isStopped { state.connections.insert(connection) }
                    return !state.isStopped
                }
                guard isWelcome else {
                    close(connection)
                    break
                }
                Thread.detachNewThread { [self] in
                    let connection = TestConnection(socket: connection)
                    connection.send(greeting)
                    serve(connection, script)
                }
            }
            close(listener)
        }
    }

    /// Ends every connection; further ones are refused.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private func serve(
        _ connection: TestConnection, _ script: @Sendable (TestRequest, TestConnection) -> Void
    ) {
        var received: [UInt8] = []
        while let request = connection.receive(&received) {
            state.withLock { $0.requests.append(request) }
            script(request, connection)
        }
        state.withLock { _ = $0.connections.remove(connection.socket) }
        close(connection.socket)
    }
}

/// What a script has in its hands.
struct TestConnection: Sendable {
    let socket: Int32

    /// False once the other side is gone.
    @discardableResult
    func send(_ text: String) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let sent = bytes.withUnsafeBytes {
                Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            bytes = bytes.dropFirst(sent)
        }
        return true
    }

    /// A whole answer.
    func answer(_ body: String, status: String = "200 OK", headers: [String] = []) {
        let lines = headers.map { $0 + "\r\n" }.joined()
        send("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(lines)\r\n\(body)")
    }

    /// No more bytes in either direction.
    func hangUp() {
        shutdown(socket, Int32(SHUT_RDWR))
    }

    /// Returns when the other side has closed.
    func waitForEnd() {
        var byte: UInt8 = 0
        while recv(socket, &byte, 1, 0) > 0 {}
    }

    fileprivate func receive(_ received: inout [UInt8]) -> TestRequest? {
        let blank = Array("\r\n\r\n".utf8)
        while true {
            if let end = received.firstRange(of: blank) {
                let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
                let length = Int(
                    TestRequest(head: head, body: Data()).header("Content-Length") ?? "")
                let count = length ?? 0
                if received.count >= end.upperBound + count {
                    let body = Data(received[end.upperBound..<(end.upperBound + count)])
                    received.removeFirst(end.upperBound + count)
                    return TestRequest(head: head, body: body)
                }
            }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            received += buffer[..<count]
        }
    }
}
