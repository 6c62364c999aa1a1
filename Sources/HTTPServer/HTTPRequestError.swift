import Failures

/// Why a request cannot be answered as asked: what the server itself refuses.
package enum HTTPRequestError: Failure, Hashable {
    /// Bad percent-encoding, not UTF-8, a control character, or no path.
    case malformedTarget
    case tooManyQueryItems
    case targetTooLong(limit: Int)
    case headersTooLarge(limit: Int)
    /// Content-Length and Transfer-Encoding that contradict each other or cannot be followed.
    case malformedFraming
    case bodyTooLarge(limit: Int)
    /// The bodies held, or the handlers running, are as many as may be at once.
    case busy
    case tooManyConnections
    case shuttingDown
    case handlerTooSlow

    /// The status code the request is answered with.
    package var status: Int {
        switch self {
        case .malformedTarget, .tooManyQueryItems, .malformedFraming: 400
        case .targetTooLong: 414
        case .headersTooLarge: 431
        case .bodyTooLarge: 413
        case .busy, .tooManyConnections, .shuttingDown, .handlerTooSlow: 503
        }
    }

    package var code: String {
        switch self {
        case .malformedTarget: "http.malformed-target"
        case .tooManyQueryItems: "http.too-many-query-items"
        case .targetTooLong: "http.target-too-long"
        case .headersTooLarge: "http.headers-too-large"
        case .malformedFraming: "http.malformed-framing"
        case .bodyTooLarge: "http.body-too-large"
        case .busy: "http.busy"
        case .tooManyConnections: "http.too-many-connections"
        case .shuttingDown: "http.shutting-down"
        case .handlerTooSlow: "http.too-slow"
        }
    }

    package var operation: String { "read request" }

    package var retryable: Bool { status == 503 }

    package var publicText: String {
        switch self {
        case .malformedTarget: "The request target is not a well-formed, percent-encoded path."
        case .tooManyQueryItems: "The query has too many items."
        case .targetTooLong(let limit): "The request target is longer than \(limit) bytes."
        case .headersTooLarge(let limit): "The header fields are larger than \(limit) bytes."
        case .malformedFraming: "Content-Length and Transfer-Encoding do not fit together."
        case .bodyTooLarge(let limit): "The body is larger than \(limit) bytes."
        case .busy: "The server is busy with other requests; try again."
        case .tooManyConnections: "There are too many connections; try again."
        case .shuttingDown: "The server is shutting down; try again."
        case .handlerTooSlow: "The answer took too long; try again."
        }
    }
}
