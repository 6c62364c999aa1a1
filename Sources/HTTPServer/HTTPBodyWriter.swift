import Failures

/// Where the body of a streamed response goes.
package protocol HTTPBodyWriter: Sendable {
    /// Hands over bytes, and suspends while the bounded buffer before the socket is full.
    /// Throws `HTTPStreamError` once nobody will read them. One call at a time.
    func write(_ bytes: [UInt8]) async throws
}

extension HTTPBodyWriter {
    /// Writes text as UTF-8.
    package func write(_ text: String) async throws {
        try await write(Array(text.utf8))
    }
}

/// Why a stream can no longer be written to.
package enum HTTPStreamError: Failure, Hashable {
    /// The client left, or the connection was cut: a deadline passed, or the server stopped.
    case disconnected
    /// The task that writes was cancelled.
    case cancelled
    /// More bytes than the reader of a body in memory takes.
    case tooLarge(limit: Int)

    package var code: String {
        switch self {
        case .disconnected: "http.disconnected"
        case .cancelled: "http.cancelled"
        case .tooLarge: "http.stream-too-large"
        }
    }

    package var operation: String { "write response" }

    package var publicText: String {
        switch self {
        case .disconnected: "The client is gone."
        case .cancelled: "The response was cancelled."
        case .tooLarge(let limit): "The response is larger than \(limit) bytes."
        }
    }
}
