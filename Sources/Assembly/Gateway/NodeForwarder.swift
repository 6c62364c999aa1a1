import Foundation
import IRICommands
import NodeClient
import QueryAPI

/// Passes commands that write on to a node.
struct NodeForwarder: CommandForwarding {
    /// A bundle as large as a request may be, and its hashes.
    private static let answerBytes = 2 << 20
    /// What a node answers itself; anything else comes from something before it.
    private static let statuses: Set<Int> = [200, 400, 401, 403, 429, 500, 503]

    private let client: ForwardingClient

    init(_ node: NodeEndpoint) {
        client = ForwardingClient(
            endpoint: node, headers: ["X-IOTA-API-Version: 1", "User-Agent: permanode"],
            // Of the server that waits for it, a little less.
            deadline: .seconds(25), maximumBodyBytes: Self.answerBytes)
    }

    func forward(_ body: [UInt8]) async throws(CommandRefusal) -> (status: Int, body: [UInt8]) {
        let answer: ForwardingClient.Answer
        do {
            answer = try await client.post(body)
        } catch let error as NodeError where error.kind == .tooManyRequests {
            throw .busy
        } catch {
            throw .nodeAway
        }
        // A page of a proxy is no answer of a node.
        guard Self.statuses.contains(answer.status),
            (try? JSONSerialization.jsonObject(with: Data(answer.body))) is [String: Any]
        else { throw .nodeAway }
        return (answer.status, answer.body)
    }
}
