import Archive
import Diagnostics
import Foundation
import HTTPServer
import IRICommands
import QueryAPI

/// Listens and answers, until its task is cancelled.
struct HTTPRole: Sendable {
    /// What answers under way have when the service is told to stop, within its own limit.
    private static let grace: Duration = .seconds(10)

    private let server: HTTPServer
    private let api: QueryAPI

    /// Listens at once.
    init(
        _ instance: Instance, _ configuration: Configuration, _ metrics: Metrics, _ log: Log
    ) throws {
        let api = try QueryAPI(
            archive: instance.archive, metrics: metrics, log: log,
            policy: configuration.requestPolicy, node: configuration.nodeInterface,
            rates: configuration.requestRates, isBehindProxy: configuration.proxyEndsTLS,
            isSecure: configuration.tls != nil || configuration.proxyEndsTLS)
        let listen = configuration.listen
        var http = HTTPServerConfiguration(address: listen.address, port: listen.port)
        if let files = configuration.tls {
            http.tls = HTTPTLS(
                certificate: try Self.read(files.certificate), key: try Self.read(files.key))
        }
        if let node = configuration.nodeInterface {
            // The commands' limit is in characters, of up to three bytes a UTF-16 code unit; what
            // is beyond is told as a node tells it.
            http.limits.bodyBytes = max(http.limits.bodyBytes, node.limits.bodyLength * 3)
        }
        if configuration.proxyEndsTLS {
            // All connections come from the proxy.
            http.limits.connectionsPerAddress = http.limits.connections
        }
        if !OpenFiles.allow(connections: http.limits.connections) {
            log.component("api").warning(
                "fewer files may be open than connections are served: raise RLIMIT_NOFILE")
        }
        self.api = api
        server = try HTTPServer(configuration: http) { await api.respond(to: $0) }
        let scheme = http.tls == nil ? "http" : "https"
        log.component("api").info(
            "listening", ["url": .string("\(scheme)://\(listen.text(port: server.port))")])
    }

    func run() async {
        let (forever, end) = AsyncStream.makeStream(of: Never.self)
        for await _ in forever {}
        _ = end
        // In a task of its own: this one is cancelled, and the grace is to be had all the same.
        await api.stopListeners()
        await Task { await server.shutdown(grace: Self.grace) }.value
    }

    private static func read(_ path: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw AssemblyError.unreadableTLSFile(path: path)
        }
        return Array(data)
    }
}
