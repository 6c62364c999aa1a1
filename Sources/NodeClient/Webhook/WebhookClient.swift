/// Posts JSON documents to a URL of the operator's.
///
/// It stands in this target although it is about no node: CCurl may be imported by one target
/// alone, and what it takes of it (`CurlTransport`, deadlines, bounds, a URL that shows no
/// credentials) is what `NodeClient` takes. Nothing above the transport is shared: this knows
/// no command, and a node's client knows no webhook.
package final class WebhookClient: Sendable {
    /// Of the answer, which is read to its end and thrown away.
    private static let maximumAnswerBytes = 64 * 1024

    private let endpoint: NodeEndpoint
    private let transport: CurlTransport
    private let limits: TransferLimits

    /// - Parameter deadline: for one document, from connecting to the answer's last byte.
    package init(
        endpoint: NodeEndpoint, deadline: Duration = .seconds(10),
        transport: CurlTransport = CurlTransport()
    ) {
        self.endpoint = endpoint
        self.transport = transport
        limits = TransferLimits(
            connectTimeout: min(deadline, .seconds(5)), deadline: deadline,
            minimumBytesPerSecond: 1, stallTime: deadline,
            maximumBodyBytes: Self.maximumAnswerBytes)
    }

    /// Posts one document; returns when it was accepted (any 2xx). Nothing is retried here,
    /// and no redirection is followed.
    ///
    /// - Parameter headers: Whole lines beside the content's type, `Name: value`.
    /// - Throws: `WebhookError`, or `CancellationError`.
    package func post(_ document: [UInt8], headers: [String] = []) async throws {
        let request = PostRequest(
            endpoint: endpoint, headers: ["Content-Type: application/json", "Expect:"] + headers,
            body: document, limits: limits)
        let answer: PostAnswer
        do {
            answer = try await transport.post(request)
        } catch let fault as TransferFault {
            throw WebhookError(fault, endpoint: endpoint)
        }
        guard (200..<300).contains(answer.status) else {
            throw WebhookError(.refused(status: answer.status), endpoint: endpoint)
        }
    }
}
