/// One request on a connection and its answer, as far as they have come.
struct Exchange {
    enum Stage {
        /// The request line is there, the header is not.
        case header
        case body
        /// The handler's turn; the connection is suspended.
        case handling
        /// There is an answer for the daemon's thread to pick up.
        case answered(HTTPResponse)
        case sending
    }

    /// What waits for room in the buffer goes on when there is some, or when it is over.
    typealias Waiting = CheckedContinuation<Void, Never>

    /// The body of a streamed response on its way.
    struct Stream {
        var buffer: StreamBuffer
        /// Set once: whether the body threw.
        var failed: Bool?
        var waiting: [Waiting] = []

        mutating func wake() {
            for continuation in waiting { continuation.resume() }
            waiting = []
        }
    }

    /// Counts the exchanges of a connection, so that a late answer to one that is over is
    /// recognised.
    let number: UInt64
    let began: ContinuousClock.Instant
    let requestLine: String
    var stage = Stage.header
    var method = ""
    /// False for a client of HTTP/1.0, to whom the end of a stream is the connection's.
    var knowsChunks = true
    var headers = HTTPHeaders()
    var intake: RequestIntake
    /// Bytes taken from what all bodies share.
    var reservedBytes = 0
    var status: Int?
    var stream: Stream?
    /// Runs the handler and then the stream's body.
    var task: Task<Void, Never>?
    var handlerReturned = false

    init(
        number: UInt64, began: ContinuousClock.Instant, requestLine: String, limits: HTTPLimits
    ) {
        self.number = number
        self.began = began
        self.requestLine = requestLine
        self.intake = RequestIntake(limits: limits)
    }

    /// The task, while there is something to cancel.
    var runningTask: Task<Void, Never>? {
        let isRunning = handlerReturned ? stream.map { $0.failed == nil } ?? false : true
        return isRunning ? task : nil
    }

    /// The outcome where the connection was not cut.
    func outcome(sentToTheEnd: Bool) -> HTTPExchange.Outcome {
        if stream?.failed == true { return .failed }
        return sentToTheEnd ? .completed : .disconnected
    }

    /// The method as a label: standard names only, because anyone can make up others.
    var methodLabel: String {
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(method)
            ? method : "OTHER"
    }
}
