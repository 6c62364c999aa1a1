/// Passes requests on to one server as they are, and its answers back.
///
/// Like `WebhookClient` it shares nothing but the transport with a node's client: it reads
/// neither requests nor answers.
package final class ForwardingClient: Sendable {
    /// An answer, whatever its status.
    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]
        /// Seconds, where the server says so.
        package let retryAfter: Int?
    }

    private static let operation = "pass a request on"

    private let endpoint: NodeEndpoint
    /// Whole lines, sent with every request; may hold credentials.
    private let headers: [String]
    private let limits: TransferLimits
    private let transport: CurlTransport
    private let gate: RequestGate

    /// - Parameters:
    ///   - headers: whole lines, `Name: value`, beside those of the request.
    ///   - maximumBodyBytes: of an answer; what is longer fails.
    ///   - maximumInFlight: requests under way; of others four times as many wait for their turn.
    package init(
        endpoint: NodeEndpoint, headers: [String] = [], deadline: Duration = .seconds(60),
        maximumBodyBytes: Int, maximumInFlight: Int = 8,
        transport: CurlTransport = CurlTransport()
    ) {
        self.endpoint = endpoint
        self.headers = headers
        self.transport = transport
        limits = TransferLimits(
            connectTimeout: min(deadline, .seconds(10)), deadline: deadline,
            minimumBytesPerSecond: 1, stallTime: deadline, maximumBodyBytes: maximumBodyBytes)
        gate = RequestGate(limit: maximumInFlight, maximumWaiting: maximumInFlight * 4)
    }

    /// Sends a JSON document.
    ///
    /// - Parameter target: what follows the server's URL, such as `/api`.
    /// - Throws: `NodeError`, or `CancellationError`.
    package func post(
        _ body: [UInt8], to target: String = "", headers: [String] = []
    ) async throws -> Answer {
        try await send(target, body, headers + ["Content-Type: application/json"])
    }

    /// Asks for a document.
    package func get(_ target: String) async throws -> Answer {
        try await send(target, nil, [])
    }

    private func send(_ target: String, _ body: [UInt8]?, _ headers: [String]) async throws
        -> Answer
    {
        var request = PostRequest(
            endpoint: endpoint,
            headers: self.headers + headers + ["Accept: application/json", "Expect:"],
            body: body ?? [], limits: limits)
        request.isGet = body == nil
        request.target = target
        do {
            try await gate.enter()
            defer { gate.leave() }
            let answer = try await transport.post(request)
            guard !answer.isCut else {
                throw error(.tooLarge(limit: limits.maximumBodyBytes))
            }
            return Answer(status: answer.status, body: answer.body, retryAfter: answer.retryAfter)
        } catch let fault as TransferFault {
            throw NodeError(fault, operation: Self.operation, endpoint: endpoint)
        } catch is RequestGate.Full {
            throw error(.tooManyRequests)
        }
    }

    private func error(_ kind: NodeError.Kind) -> NodeError {
        NodeError(kind, operation: Self.operation, endpoint: endpoint)
    }
}
