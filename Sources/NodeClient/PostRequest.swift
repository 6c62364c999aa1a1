/// How long an exchange may take and how much of an answer is read.
struct TransferLimits: Sendable {
    /// Name resolution, TCP and TLS together.
    var connectTimeout: Duration
    /// From start to the last byte.
    var deadline: Duration
    /// An exchange that stays below this for `stallTime` is given up: a node that trickles would
    /// otherwise hold its place until the deadline.
    var minimumBytesPerSecond: Int
    /// libcurl counts it in whole seconds; it is rounded up, to 1 s at least.
    var stallTime: Duration
    /// Bytes of a body that are read before the connection is cut.
    var maximumBodyBytes: Int
}

/// One POST, or GET.
struct PostRequest: Sendable {
    let endpoint: NodeEndpoint
    /// Whole lines, `Name: value`.
    let headers: [String]
    let body: [UInt8]
    let limits: TransferLimits
    /// A GET instead, without the body.
    var isGet = false
    /// What follows the endpoint's URL, such as `/api`.
    var target = ""
}

/// What came back, whatever its status.
struct PostAnswer: Sendable {
    let status: Int
    /// At most `TransferLimits.maximumBodyBytes`.
    let body: [UInt8]
    /// Whether the body went on beyond the limit.
    let isCut: Bool
    /// Seconds of `Retry-After`, where the other side gives them.
    var retryAfter: Int?
}

/// Why there is no answer.
enum TransferFault: Error, Equatable {
    case nameResolution
    case noConnection
    case connectTimeout
    case tls
    case deadline
    case stalled
    case connectionLost
    case notHTTP
    case headersTooLarge
    /// `CurlTransport.maximumTransfers` are under way.
    case busy
    /// libcurl could not go on, or the transport was released.
    case closed
    /// Another of libcurl's codes.
    case other(code: Int)
}
