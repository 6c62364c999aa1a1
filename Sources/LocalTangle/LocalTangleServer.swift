import Foundation
import HTTPServer
import IRICommands
import Synchronization

/// A local node behind HTTP, on the loopback address.
package final class LocalTangleServer: Sendable {
    /// IRI's.
    package static let defaultPort: UInt16 = 14_265
    /// How long proof of work, and what waits for it, may take.
    package static let handlerDeadline: Duration = .seconds(600)

    package let node: LocalNode
    private let server: HTTPServer
    private let traffic: Traffic

    package var ledger: Ledger { node.ledger }
    package var port: UInt16 { server.port }
    package var url: String { "http://127.0.0.1:\(port)" }
    /// Requests that came so far, answered or not.
    package var requestCount: Int { traffic.state.withLock(\.requestCount) }

    /// Listens at once.
    /// - Parameter port: 0 takes a free one.
    /// - Throws: `HTTPServerError` where the port is taken.
    package init(node: LocalNode = LocalNode(), port: UInt16 = 0) throws {
        var configuration = HTTPServerConfiguration(address: "127.0.0.1", port: port)
        // The node counts characters; none takes more than three bytes a UTF-16 code unit.
        configuration.limits.bodyBytes = node.limits.bodyLength * 3
        // Every client comes from the same address.
        configuration.limits.connectionsPerAddress = configuration.limits.connections
        configuration.deadlines.handler = Self.handlerDeadline
        let traffic = Traffic()
        self.node = node
        self.traffic = traffic
        server = try HTTPServer(configuration: configuration) { request in
            guard let misbehaviour = traffic.admit(request) else {
                return await node.respond(to: request)
            }
            return await misbehaviour.spoil { await node.respond(to: request) }
        }
    }

    /// From now on answers each request as `choose` says of its command; nil is the right way.
    package func misbehave(_ choose: (@Sendable (_ command: String) -> Misbehaviour?)?) {
        traffic.state.withLock { $0.choose = choose }
    }

    /// Ends what is under way within `grace`, and stops listening.
    package func shutdown(grace: Duration = .seconds(1)) async {
        await server.shutdown(grace: grace)
    }
}

/// What the handler shares with the server's owner.
private final class Traffic: Sendable {
    struct State {
        var requestCount = 0
        var choose: (@Sendable (String) -> Misbehaviour?)?
    }

    let state = Mutex(State())

    func admit(_ request: HTTPRequest) -> Misbehaviour? {
        struct Named: Decodable { let command: String }
        let choose = state.withLock { state in
            state.requestCount += 1
            return state.choose
        }
        guard let choose else { return nil }
        let named = try? JSONDecoder().decode(Named.self, from: Data(request.body))
        return choose(named?.command ?? "")
    }
}
