import Failures

/// Why a node's feed cannot be listened to.
package enum FeedError: Failure, Equatable {
    /// The text is no `tcp://host:port`.
    case invalidEndpoint
    /// A call of libzmq failed; its error number.
    case failed(call: String, number: Int32)

    package var code: String {
        switch self {
        case .invalidEndpoint: "feed.invalid-endpoint"
        case .failed: "feed.failed"
        }
    }

    package var operation: String { "listen to a node's feed" }

    package var subject: String? { nil }

    package var retryable: Bool { self != .invalidEndpoint }

    package var publicText: String {
        switch self {
        case .invalidEndpoint: "a feed's address must be tcp://host:port"
        case .failed: "a node's feed cannot be listened to"
        }
    }

    package var operatorText: String {
        switch self {
        case .invalidEndpoint: publicText
        case .failed(let call, let number): "\(publicText): \(call) failed with \(number)"
        }
    }
}
