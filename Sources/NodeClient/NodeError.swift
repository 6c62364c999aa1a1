import Failures
import Ternary

/// Why a node gave no usable answer.
package struct NodeError: Failure, Equatable {
    /// What went wrong. Texts come from the node: bounded, printable ASCII, not to be believed.
    package enum Kind: Error, Equatable {
        /// The text is no URL of a node; carries what is wrong with it.
        case invalidEndpoint(String)
        /// There was no connection.
        case unreachable(Obstacle)
        /// `NodeClientConfiguration.deadline` passed.
        case timedOut
        /// Less than `minimumBytesPerSecond` for `stallTime`: nothing came, or a trickle.
        case stalled
        /// The node closed the connection before its answer was whole.
        case connectionLost
        /// Not HTTP, or headers without end.
        case notHTTP
        /// An answer that leads elsewhere; it is never followed.
        case redirected(status: Int)
        /// Another status than 200 without a JSON error.
        case http(status: Int)
        /// 401 `COMMAND x is not available on this node`.
        case commandNotAvailable(String)
        /// `{"error"}`.
        case apiError(status: Int, text: String)
        /// `{"exception"}`.
        case exception(status: Int, text: String)
        /// HTML or anything else that does not begin as a JSON object.
        case notJSON
        /// The beginning of a JSON object.
        case truncated
        /// JSON of another shape than the command's answer; carries what is wrong.
        case unexpectedAnswer(String)
        /// The body went on after so many bytes.
        case tooLarge(limit: Int)
        case tooFewTrytes(asked: Int, received: Int)
        case tooManyTrytes(asked: Int, received: Int)
        /// No 2,673 trytes where a transaction was asked for.
        case malformedTrytes(of: Hash)
        /// A transaction of another hash than was asked for.
        case wrongHash(asked: Hash)
        /// More requests wait for this node than `NodeClientConfiguration.maximumWaiting`.
        case tooManyRequests
        /// Every node of the pool is cooling down.
        case noNodeAvailable
        /// libcurl failed inside; its code, or 0 where it could not be started.
        case transport(code: Int)
    }

    /// What kept a connection from being made.
    package enum Obstacle: String, Sendable {
        case nameResolution = "its name does not resolve"
        case noConnection = "nothing accepts connections there"
        case connectTimeout = "connecting took too long"
        case tls = "its certificate or TLS was refused"
    }

    /// What an error says about who is to blame, which decides what a pool does next.
    package enum Fault: Sendable {
        /// Any node would say the same: do not ask another.
        case caller
        /// This node works but does not do this: ask another, leave this one in use.
        case request
        /// This node is ill: ask another, let this one cool down.
        case node
    }

    package let kind: Kind
    package let operation: String
    package let endpoint: NodeEndpoint?

    package init(_ kind: Kind, operation: String, endpoint: NodeEndpoint?) {
        self.kind = kind
        self.operation = operation
        self.endpoint = endpoint
    }

    package var subject: String? { endpoint?.shownText }

    package var fault: Fault {
        switch kind {
        case .invalidEndpoint, .tooManyRequests, .noNodeAvailable: .caller
        case .commandNotAvailable: .request
        case .http(let status), .apiError(let status, _):
            Self.passes(status) ? .node : .request
        case .unreachable, .timedOut, .stalled, .connectionLost, .notHTTP, .redirected,
            .exception, .notJSON, .truncated, .unexpectedAnswer, .tooLarge, .tooFewTrytes,
            .tooManyTrytes, .malformedTrytes, .wrongHash, .transport:
            .node
        }
    }

    package var retryable: Bool {
        switch kind {
        case .invalidEndpoint, .commandNotAvailable: false
        case .unreachable(.tls), .redirected: false
        case .http(let status), .apiError(let status, _): Self.passes(status)
        default: true
        }
    }

    /// Whether a status tells of a state that passes: too many requests, not synced, a crash.
    private static func passes(_ status: Int) -> Bool { status == 429 || status >= 500 }

    package var code: String {
        switch kind {
        case .invalidEndpoint: "node.invalid-endpoint"
        case .unreachable: "node.unreachable"
        case .timedOut: "node.timed-out"
        case .stalled: "node.stalled"
        case .connectionLost: "node.connection-lost"
        case .notHTTP: "node.not-http"
        case .redirected: "node.redirected"
        case .http: "node.http-status"
        case .commandNotAvailable: "node.command-not-available"
        case .apiError: "node.api-error"
        case .exception: "node.exception"
        case .notJSON: "node.not-json"
        case .truncated: "node.truncated"
        case .unexpectedAnswer: "node.unexpected-answer"
        case .tooLarge: "node.too-large"
        case .tooFewTrytes: "node.too-few-trytes"
        case .tooManyTrytes: "node.too-many-trytes"
        case .malformedTrytes: "node.malformed-trytes"
        case .wrongHash: "node.wrong-hash"
        case .tooManyRequests: "node.too-many-requests"
        case .noNodeAvailable: "node.none-available"
        case .transport: "node.transport"
        }
    }

    package var publicText: String {
        switch kind {
        case .invalidEndpoint(let reason): "a node's URL cannot be used: \(reason)"
        case .unreachable(let obstacle): "the node cannot be reached: \(obstacle.rawValue)"
        case .timedOut: "the node did not answer in time"
        case .stalled: "the node sent nothing, or next to nothing, for too long"
        case .connectionLost: "the node closed the connection before its answer was whole"
        case .notHTTP: "what answered is no HTTP server, or its headers have no end"
        case .redirected(let status): "the node answered \(status) and leads elsewhere"
        case .http(let status): "the node answered with status \(status)"
        case .commandNotAvailable: "the node does not allow this command"
        case .apiError(let status, _): "the node refused the request with status \(status)"
        case .exception(let status, _): "the node failed with status \(status)"
        case .notJSON: "the node answered something that is not JSON"
        case .truncated: "the node's answer ends in the middle of its JSON"
        case .unexpectedAnswer(let what): "the node's answer has another shape: \(what)"
        case .tooLarge(let limit): "the node's answer goes on after \(limit) bytes"
        case .tooFewTrytes(let asked, let received):
            "the node answered \(received) transactions where \(asked) were asked for"
        case .tooManyTrytes(let asked, let received):
            "the node answered \(received) transactions where only \(asked) were asked for"
        case .malformedTrytes: "the node answered something that is no transaction"
        case .wrongHash: "the node answered a transaction that was not asked for"
        case .tooManyRequests: "too many requests wait for the node"
        case .noNodeAvailable: "no node is available now"
        case .transport: "the HTTP client failed"
        }
    }

    package var operatorText: String {
        let place = subject.map { " [\(operation) at \($0)]" } ?? " [\(operation)]"
        return switch kind {
        case .commandNotAvailable(let text), .apiError(_, let text), .exception(_, let text):
            "\(publicText): \"\(text)\"\(place)"
        case .malformedTrytes(let hash), .wrongHash(let hash): "\(publicText): \(hash)\(place)"
        case .transport(let code): "\(publicText) with libcurl's code \(code)\(place)"
        default: publicText + place
        }
    }
}

extension NodeError {
    init(_ fault: TransferFault, operation: String, endpoint: NodeEndpoint) {
        let kind: Kind =
            switch fault {
            case .nameResolution: .unreachable(.nameResolution)
            case .noConnection: .unreachable(.noConnection)
            case .connectTimeout: .unreachable(.connectTimeout)
            case .tls: .unreachable(.tls)
            case .deadline: .timedOut
            case .stalled: .stalled
            case .connectionLost: .connectionLost
            case .notHTTP, .headersTooLarge: .notHTTP
            case .busy: .tooManyRequests
            case .closed: .transport(code: 0)
            case .other(let code): .transport(code: code)
            }
        self.init(kind, operation: operation, endpoint: endpoint)
    }
}
