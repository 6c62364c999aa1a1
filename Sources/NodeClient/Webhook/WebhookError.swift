import Failures

/// Why a webhook did not take a document.
package struct WebhookError: Failure, Equatable {
    package enum Kind: Sendable, Equatable {
        case unreachable
        case timedOut
        /// It closed the connection, or what answered is no HTTP server.
        case noAnswer
        case refused(status: Int)
        /// The HTTP client has no room, or failed.
        case transport
    }

    package let kind: Kind
    /// Scheme, host and port.
    package let subject: String?

    init(_ kind: Kind, endpoint: NodeEndpoint) {
        self.kind = kind
        subject = endpoint.shownText
    }

    init(_ fault: TransferFault, endpoint: NodeEndpoint) {
        let kind: Kind =
            switch fault {
            case .nameResolution, .noConnection, .tls: .unreachable
            case .connectTimeout, .deadline, .stalled: .timedOut
            case .connectionLost, .notHTTP, .headersTooLarge: .noAnswer
            case .busy, .closed, .other: .transport
            }
        self.init(kind, endpoint: endpoint)
    }

    package var code: String {
        switch kind {
        case .unreachable: "webhook.unreachable"
        case .timedOut: "webhook.timed-out"
        case .noAnswer: "webhook.no-answer"
        case .refused: "webhook.refused"
        case .transport: "webhook.transport"
        }
    }

    package var operation: String { "call a webhook" }
    package var retryable: Bool { true }

    package var publicText: String {
        switch kind {
        case .unreachable: "the webhook cannot be reached"
        case .timedOut: "the webhook did not answer in time"
        case .noAnswer: "the webhook gave no answer of HTTP"
        case .refused(let status): "the webhook answered with status \(status)"
        case .transport: "the HTTP client failed"
        }
    }
}
