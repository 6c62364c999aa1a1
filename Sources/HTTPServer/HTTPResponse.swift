import Foundation
import Synchronization

/// What a handler answers. Content-Length, Transfer-Encoding, Connection and Date are the
/// server's: fields of these names are left out.
package struct HTTPResponse: Sendable {
    package enum Body: Sendable {
        case bytes([UInt8])
        /// Called once, after the handler returned. When it throws, the connection is cut
        /// without the closing chunk, so that the reader sees that the body is incomplete.
        /// Not called at all for HEAD and for statuses without a body.
        case stream(@Sendable (any HTTPBodyWriter) async throws -> Void)
    }

    /// 200...599.
    package var status: Int
    package var headers: HTTPHeaders
    package var body: Body

    package init(status: Int, headers: HTTPHeaders = [:], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Text as UTF-8.
    package static func text(
        _ text: String, status: Int = 200, contentType: String = "text/plain; charset=utf-8"
    ) -> HTTPResponse {
        HTTPResponse(
            status: status, headers: ["Content-Type": contentType], body: .bytes(Array(text.utf8)))
    }

    /// A value as JSON with sorted keys; a problem of status 500 where it cannot be encoded.
    package static func json(
        _ value: some Encodable, status: Int = 200, headers: HTTPHeaders = [:],
        contentType: String = "application/json"
    ) -> HTTPResponse {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        guard let data = try? encoder.encode(value) else {
            return .problem(
                ProblemDetails(
                    status: 500, code: "http.not-encodable",
                    detail: "The answer could not be written as JSON."))
        }
        var response = HTTPResponse(status: status, headers: headers, body: .bytes(Array(data)))
        response.headers["Content-Type"] = contentType
        return response
    }

    /// RFC 9457.
    package static func problem(
        _ details: ProblemDetails, headers: HTTPHeaders = [:]
    ) -> HTTPResponse {
        json(
            details, status: details.status, headers: headers,
            contentType: "application/problem+json")
    }

    /// Seconds after which whoever was told to try again should.
    private static let retryAfter = "1"

    /// What the server itself answers.
    static func refusal(_ error: HTTPRequestError) -> HTTPResponse {
        .problem(
            ProblemDetails(status: error.status, error),
            headers: error.retryable ? ["Retry-After": retryAfter] : [:])
    }

    /// The whole body, also of a stream, so that handlers can be tested without a socket.
    /// Throws what the stream throws, or `HTTPStreamError.tooLarge`.
    package func collectedBody(limit: Int = 16 << 20) async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes):
            return bytes
        case .stream(let write):
            let collector = BodyCollector(limit: limit)
            try await write(collector)
            return collector.bytes.withLock { $0 }
        }
    }
}

/// Keeps what a stream writes.
private final class BodyCollector: HTTPBodyWriter {
    let bytes = Mutex<[UInt8]>([])
    let limit: Int

    init(limit: Int) { self.limit = limit }

    func write(_ more: [UInt8]) async throws {
        try bytes.withLock {
            guard $0.count + more.count <= limit else {
                throw HTTPStreamError.tooLarge(limit: limit)
            }
            $0 += more
        }
    }
}
