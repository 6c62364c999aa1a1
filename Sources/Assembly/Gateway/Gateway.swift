import Diagnostics
import Foundation
import HTTPServer
import IRICommands
import NodeClient

/// Stands on a client's own machine between a client that knows no tokens and an archive that
/// asks for one: adds the token, and passes on what such clients send and nothing else.
///
/// Who may use it is who can connect to the machine's loopback. Pages that a browser there
/// shows could, too, so requests of pages are refused unless their origin is allowed.
package final class Gateway: Sendable {
    /// What may stand in the way of a gateway.
    package enum Refusal: Error, Equatable {
        /// It would listen beyond this machine, where anyone could use the token.
        case notLoopback
        /// The token would travel unprotected.
        case plainHTTP
        case malformedToken
        case malformedURL(String)
    }

    package static let defaultListen = "127.0.0.1:14265"

    /// A `findTransactions` of IRI's bound takes 8 MB, a `getTrytes` of 1,000 3 MB.
    private static let answerBytes = 16 << 20
    /// Longer than any that are made.
    private static let tokenCharacters = 256
    /// Connections of one machine's clients.
    private static let connections = 128
    /// Proof of work may take so long.
    private static let deadline: Duration = .seconds(300)

    private let server: HTTPServer
    private let listen: ListenAddress
    private let forwarding: GatewayForwarding

    /// Listens at once.
    ///
    /// - Parameters:
    ///   - archive: the archive's URL, without a query.
    ///   - origins: of pages that may send requests, such as `http://localhost:3000`.
    /// - Throws: `Refusal`; `HTTPServerError` where the port is taken.
    package init(
        archive: String, token: String, listen: ListenAddress, origins: Set<String> = []
    ) throws {
        guard listen.isLoopback else { throw Refusal.notLoopback }
        let token = token.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...Self.tokenCharacters).contains(token.utf8.count),
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw Refusal.malformedToken }
        let base = archive.hasSuffix("/") ? String(archive.dropLast()) : archive
        guard !base.contains("?"), !base.contains("#") else {
            throw Refusal.malformedURL("it has a query")
        }
        let endpoint: NodeEndpoint
        do {
            endpoint = try NodeEndpoint(base)
        } catch {
            var reason = error.publicText
            if case .invalidEndpoint(let what) = error.kind { reason = what }
            throw Refusal.malformedURL(reason)
        }
        guard endpoint.isConfidential else { throw Refusal.plainHTTP }
        let forwarding = GatewayForwarding(
            client: ForwardingClient(
                endpoint: endpoint, headers: ["Authorization: Bearer \(token)"],
                deadline: Self.deadline, maximumBodyBytes: Self.answerBytes,
                maximumInFlight: Self.connections / 4),
            origins: origins)
        var configuration = HTTPServerConfiguration(address: listen.address, port: listen.port)
        configuration.limits.connections = Self.connections
        configuration.limits.connectionsPerAddress = Self.connections
        // IRI counts characters; none takes more than three bytes a UTF-16 code unit.
        configuration.limits.bodyBytes = NodeLimits().bodyLength * 3
        configuration.deadlines.handler = Self.deadline
        self.listen = listen
        self.forwarding = forwarding
        server = try HTTPServer(configuration: configuration) {
            await forwarding.respond(to: $0)
        }
    }

    package var url: String { "http://\(listen.text(port: server.port))" }

    /// What it answers to a request; tests ask it without a socket.
    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        await forwarding.respond(to: request)
    }

    /// Gives signs of life for as long as connections are taken in, until the task is cancelled.
    package func keepLooking(_ liveness: Liveness) async {
        let pulse = liveness.watch("gateway", limit: .seconds(60))
        while !Task.isCancelled {
            if await server.acceptsConnections() { pulse.beat() }
            try? await Task.sleep(for: .seconds(10))
        }
    }

    /// Ends what is under way within `grace`, and stops listening.
    package func shutdown(grace: Duration = .seconds(1)) async {
        await server.shutdown(grace: grace)
    }
}

/// What a gateway does with one request.
struct GatewayForwarding: Sendable {
    let client: ForwardingClient
    let origins: Set<String>

    func respond(to request: HTTPRequest) async -> HTTPResponse {
        guard Self.isLoopback(host: request.headers["Host"]) else {
            // A page made its own name lead to this machine.
            return Self.refusal("This is no host of this gateway", status: 403)
        }
        let origin = request.headers["Origin"]
        if let origin, !origins.contains(origin) {
            return Self.refusal("Pages of this origin are not allowed here", status: 403)
        }
        var response = await answer(request)
        response.headers["Access-Control-Allow-Origin"] = origin ?? "*"
        response.headers["Cache-Control"] = "no-store"
        return response
    }

    private func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard let target = Self.target(of: request) else {
            return Self.refusal("There is nothing here", status: 404)
        }
        do {
            switch request.method {
            case "OPTIONS": return NodeResponse.preflight
            case "POST" where Self.commandPaths.contains(target):
                // IRI does not look at its value, and the archive gets none that was made up.
                let version =
                    request.headers["X-IOTA-API-Version"] == nil ? [] : ["X-IOTA-API-Version: 1"]
                return Self.response(
                    try await client.post(request.body, to: target, headers: version))
            case "GET" where !Self.commandPaths.contains(target):
                return Self.response(try await client.get(target))
            default: return Self.refusal("This method is not allowed here", status: 405)
            }
        } catch {
            return Self.refusal("The archive does not answer", status: 503)
        }
    }

    private static let commandPaths: Set<String> = ["/", "/api"]

    /// What is asked of the archive, written anew; nil for what is not passed on.
    private static func target(of request: HTTPRequest) -> String? {
        let path = request.pathSegments
        if commandPaths.contains(request.path), path.count == 1 { return request.path }
        guard path.starts(with: ["api", "v1"]) else { return nil }
        switch path.dropFirst(2) {
        case ["info"]: return "/api/v1/info"
        case ["messages"]:
            guard let index = request.query["index"], isHex(index) else { return nil }
            return "/api/v1/messages?index=\(index)"
        case let rest where rest.count == 2 && rest.first == "messages":
            guard let id = rest.last, isHex(id) else { return nil }
            return "/api/v1/messages/\(id)"
        default: return nil
        }
    }

    /// The longest index of Chrysalis has 64 bytes.
    private static func isHex(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
            }
    }

    /// Of a `Host` field, with or without a port.
    private static func isLoopback(host: String?) -> Bool {
        guard let host = host?.lowercased() else { return false }
        if host == "[::1]" || host.hasPrefix("[::1]:") { return true }
        let name = host.prefix { $0 != ":" }
        if name == "localhost" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func response(_ answer: ForwardingClient.Answer) -> HTTPResponse {
        // 200...599 is what a server may answer.
        let status = (200...599).contains(answer.status) ? answer.status : 502
        var response = NodeResponse.json(answer.body, status: status)
        if let seconds = answer.retryAfter { response.headers["Retry-After"] = String(seconds) }
        return response
    }

    private struct Refused: Encodable {
        let error: String
        let duration = 0
    }

    private static func refusal(_ text: String, status: Int) -> HTTPResponse {
        .json(Refused(error: text), status: status)
    }
}
