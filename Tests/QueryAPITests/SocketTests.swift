import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Synchronization
import TestSupport
import Testing
import Vault

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The interface behind a real server.
@Suite struct SocketTests {
    @Test func pagesAndStreamsArriveWhole() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            try await api.test.multiply(channel, to: 2000)
            let path = "/v1/channels/\(channel.text)/messages"
            let token = api.admin
            try await api.serve { port in
                let page = try await Reply.of("\(path)?limit=1000", token, "*/*", port)
                #expect(page.status == 200)
                #expect(page.isWhole)
                let stream = try await Reply.of(path, token, "application/x-ndjson", port)
                #expect(stream.status == 200)
                #expect(stream.isWhole)
                #expect(stream.body.count { $0 == UInt8(ascii: "\n") } == 2000)
                let refused = try await Reply.of(path, "x", "*/*", port)
                #expect(refused.status == 401)
            }
        }
    }

    @Test func aStreamThatBreaksOffHasNoEnd() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            try await api.test.multiply(channel, to: 2000)
            // The last message is damaged, so the stream fails long after its status.
            _ = try await api.test.pool.withConnection {
                try await $0.execute(
                    """
                    update message set sealed_head = substr(sealed_head, 1, 100)
                    where channel = $1 and sequence = 1999
                    """, [.int64(channel.rawValue)])
            }
            let token = api.admin
            try await api.serve { port in
                let stream = try await Reply.of(
                    "/v1/channels/\(channel.text)/messages", token, "application/x-ndjson", port)
                #expect(stream.status == 200)
                #expect(!stream.isWhole)
                #expect(stream.body.count { $0 == UInt8(ascii: "\n") } < 2000)
            }
        }
    }
}

extension TestAPI {
    fileprivate func serve(_ body: (UInt16) async throws -> Void) async throws {
        let server = try HTTPServer(
            configuration: HTTPServerConfiguration(), handler: api.respond)
        let result: Result<Void, any Error>
        do { result = .success(try await body(server.port)) } catch { result = .failure(error) }
        await server.shutdown(grace: .zero)
        try result.get()
    }
}

/// What a server says to one GET, read byte by byte off the socket.
private struct Reply {
    struct Trouble: Error {}

    var status = 0
    var body: [UInt8] = []
    /// Whether the body came to the end that its framing promised.
    var isWhole = false

    /// On a thread of its own, because Swift's threads are the server's.
    static func of(_ path: String, _ token: String, _ accept: String, _ port: UInt16) async throws
        -> Reply
    {
        let request = """
            GET \(path) HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer \(token)\r\n\
            Accept: \(accept)\r\nConnection: close\r\n\r\n
            """
        let bytes = try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try exchange(Array(request.utf8), port) })
            }
        }
        return try Reply(bytes)
    }

    private static func exchange(_ request: [UInt8], _ port: UInt16) throws -> [UInt8] {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble() }
        defer { close(descriptor) }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0, send(descriptor, request, request.count, 0) == request.count else {
            throw Trouble()
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            if count < 0, errno == EAGAIN { throw Trouble() }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    private init(_ bytes: [UInt8]) throws {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw Trouble() }
        let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self).lowercased()
        status = head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var rest = bytes[end.upperBound...]
        guard head.contains("transfer-encoding: chunked") else {
            body = Array(rest)
            let length = head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
            isWhole = length.map { $0.hasSuffix(": \(body.count)") } ?? false
            return
        }
        while let line = rest.firstRange(of: Array("\r\n".utf8)),
            let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16)
        {
            rest = rest[line.upperBound...]
            if size == 0 {
                isWhole = true
                return
            }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
    }
}
