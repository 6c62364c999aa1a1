import Dispatch
import Foundation

/// Asks an HTTP service on this machine, one connection a request: for the demo and the
/// figures, which are clients of their own service.
///
/// Foundation's client sends even loopback through a proxy that the environment names.
package struct LoopbackClient: Sendable {
    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]

        /// - Throws: `DecodingError`.
        package func json<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
            try JSONDecoder().decode(type, from: Data(body))
        }
    }

    package enum Trouble: Error {
        /// Carries `errno`.
        case socket(Int32)
        /// The answer has more bytes than allowed.
        case tooLarge
        /// The answer ends early, or is no HTTP.
        case malformed
    }

    /// How long the service may be silent.
    private static let silence = timeval(tv_sec: 20, tv_usec: 0)

    package let port: UInt16
    private let answerLimit: Int

    /// - Parameter answerLimit: Bytes of an answer; more is refused.
    package init(port: UInt16, answerLimit: Int = 1 << 20) {
        self.port = port
        self.answerLimit = answerLimit
    }

    package var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameters:
    ///   - body: Sent as JSON.
    ///   - accept: A media type.
    /// - Throws: `Trouble`.
    package func request(
        _ method: String, _ target: String, token: String? = nil, accept: String? = nil,
        body: [String: String]? = nil
    ) async throws -> Answer {
        let content = try body.map { try JSONEncoder().encode($0) } ?? Data()
        var head =
            "\(method) \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nConnection: close\r\n"
        if let token { head += "Authorization: Bearer \(token)\r\n" }
        if let accept { head += "Accept: \(accept)\r\n" }
        if body != nil { head += "Content-Type: application/json\r\n" }
        head += "Content-Length: \(content.count)\r\n\r\n"
        let bytes = Array(head.utf8) + content
        return try await withCheckedThrowingContinuation { continuation in
            // Blocking calls stay off the cooperative threads.
            DispatchQueue.global().async {
                continuation.resume(with: Result { try answer(to: bytes) })
            }
        }
    }

    private func answer(to request: [UInt8]) throws -> Answer {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Trouble.socket(errno) }
        defer { close(descriptor) }
        var silence = Self.silence
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(
                descriptor, SOL_SOCKET, option, &silence, socklen_t(MemoryLayout<timeval>.size))
        }
        try connect(descriptor)
        try send(request, descriptor)
        return try Self.parse(try receive(descriptor))
    }

    private func connect(_ descriptor: Int32) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafeBytes(of: &address) { bytes in
            Foundation.connect(
                descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress,
                socklen_t(bytes.count))
        }
        guard connected == 0 else { throw Trouble.socket(errno) }
    }

    private func send(_ bytes: [UInt8], _ descriptor: Int32) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Trouble.socket(errno) }
            rest = rest.dropFirst(sent)
        }
    }

    /// All that comes until the other side closes.
    private func receive(_ descriptor: Int32) throws -> [UInt8] {
        var answer: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = block.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress, $0.count, 0)
            }
            if count == 0 { return answer }
            guard count > 0 else { throw Trouble.socket(errno) }
            guard answer.count + count <= answerLimit else { throw Trouble.tooLarge }
            answer += block[..<count]
        }
    }

    private static func parse(_ answer: [UInt8]) throws -> Answer {
        guard let end = answer.firstRange(of: Array("\r\n\r\n".utf8)) else {
            throw Trouble.malformed
        }
        let lines = String(decoding: answer[..<end.lowerBound], as: UTF8.self)
            .components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, let status = Int(words[1]) else { throw Trouble.malformed }
        let body = answer[end.upperBound...]
        let fields = lines.dropFirst().map { $0.lowercased() }
        if fields.contains("transfer-encoding: chunked") {
            return Answer(status: status, body: try unchunked(body))
        }
        guard fields.contains("content-length: \(body.count)") else { throw Trouble.malformed }
        return Answer(status: status, body: Array(body))
    }

    /// The chunks' content (RFC 9112, 7.1); one that is cut has no last chunk.
    private static func unchunked(_ body: ArraySlice<UInt8>) throws -> [UInt8] {
        var content: [UInt8] = []
        content.reserveCapacity(body.count)
        var rest = body
        while let end = rest.firstIndex(of: UInt8(ascii: "\r")) {
            let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16)
            guard let size, size >= 0, size <= rest.endIndex - end - 4 else { break }
            let start = end + 2
            if size == 0 { return content }
            content += rest[start..<(start + size)]
            rest = rest[(start + size + 2)...]
        }
        throw Trouble.malformed
    }
}
