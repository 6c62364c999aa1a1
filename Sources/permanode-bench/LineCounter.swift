import Dispatch
import Foundation

/// Reads a streamed answer from a service on this machine and counts its lines, keeping nothing:
/// what is measured is to be the service, not a client that collects a hundred megabytes.
struct LineCounter {
    /// How long the service may be silent.
    private static let silence = timeval(tv_sec: 20, tv_usec: 0)
    private static let newline = UInt8(ascii: "\n")
    private static let headLimit = 16 << 10

    /// Lines of the body of `GET target`, which comes in chunks (RFC 9112, 7.1).
    ///
    /// - Throws: `BenchError` for another status, or where the last chunk does not come.
    /// - Parameter coding: For Accept-Encoding.
    static func count(
        _ target: String, port: UInt16, token: String, accept: String, coding: String? = nil
    ) async throws -> (lines: Int, bytes: Int) {
        let head =
            "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
            + "Authorization: Bearer \(token)\r\nAccept: \(accept)\r\n"
            + (coding.map { "Accept-Encoding: \($0)\r\n" } ?? "") + "\r\n"
        return try await withCheckedThrowingContinuation { continuation in
            // Blocking calls stay off the cooperative threads.
            DispatchQueue.global().async {
                continuation.resume(with: Result { try count(Array(head.utf8), port) })
            }
        }
    }

    private static func count(_ request: [UInt8], _ port: UInt16) throws -> (
        lines: Int, bytes: Int
    ) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchError("no socket") }
        defer { close(descriptor) }
        var silence = Self.silence
        setsockopt(
            descriptor, SOL_SOCKET, SO_RCVTIMEO, &silence,
            socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafeBytes(of: &address) { bytes in
            connect(
                descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress,
                socklen_t(bytes.count))
        }
        guard connected == 0, send(descriptor, request, request.count, 0) == request.count else {
            throw BenchError("no connection")
        }
        var counter = LineCounter()
        var block = [UInt8](repeating: 0, count: 256 << 10)
        while !counter.isOver {
            let count = recv(descriptor, &block, block.count, 0)
            guard count > 0 else { throw BenchError("an answer was cut") }
            try block.withUnsafeBytes { bytes in
                try counter.take(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
            }
        }
        return (counter.lines, counter.byteCount)
    }

    private enum Place {
        case head, size, content, end
    }

    private var place = Place.head
    /// A head or a chunk's size that has not come whole yet.
    private var line: [UInt8] = []
    /// Of the chunk that is under way, the line's end after it included.
    private var missing = 0
    private var lines = 0
    private var byteCount = 0
    private var isOver: Bool { place == .end }

    private mutating func take(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            switch place {
            case .end: return
            case .content:
                let part = rest.prefix(missing)
                // Two bytes, a line's end, follow the content.
                let content = part.prefix(max(0, missing - 2))
                lines += content.count { $0 == Self.newline }
                byteCount += content.count
                missing -= part.count
                rest = rest.dropFirst(part.count)
                if missing == 0 { place = .size }
            case .head, .size:
                line.append(rest.removeFirst())
                guard line.count <= Self.headLimit else { throw BenchError("a head too long") }
                try lineGrew()
            }
        }
    }

    private mutating func lineGrew() throws {
        if place == .head {
            guard line.suffix(4) == [13, 10, 13, 10] else { return }
            let text = String(decoding: line, as: UTF8.self)
            guard text.contains(" 200 "), text.lowercased().contains("encoding: chunked") else {
                throw BenchError("another answer than a stream")
            }
            place = .size
        } else {
            guard line.suffix(2) == [13, 10] else { return }
            let digits = String(decoding: line.dropLast(2), as: UTF8.self)
            guard let size = Int(digits, radix: 16), size >= 0 else {
                throw BenchError("no chunk")
            }
            place = size == 0 ? .end : .content
            missing = size + 2
        }
        line = []
    }
}
