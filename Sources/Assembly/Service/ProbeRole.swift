import Archive
import Diagnostics
import HTTPServer
import QueryAPI

/// Answers health, readiness and metrics at an address of their own, until its task is cancelled.
/// Plain HTTP also beyond loopback: nothing there tells of channels or persons.
struct ProbeRole: Sendable {
    /// A few collectors, and people who look.
    private static let connections = 64

    private let server: HTTPServer

    /// Listens at once.
    init(
        _ listen: ListenAddress, _ archive: Archive, _ metrics: Metrics, _ log: Log,
        crawler: (@Sendable () -> String)? = nil
    ) throws {
        let api = ProbeAPI(archive: archive, metrics: metrics, log: log, crawler: crawler)
        var http = HTTPServerConfiguration(address: listen.address, port: listen.port)
        http.limits.connections = Self.connections
        http.limits.connectionsPerAddress = Self.connections
        http.limits.bodyBytes = 0
        server = try HTTPServer(configuration: http) { await api.respond(to: $0) }
        log.component("probes").info(
            "listening", ["url": .string("http://\(listen.text(port: server.port))")])
    }

    func run() async {
        let (forever, end) = AsyncStream.makeStream(of: Never.self)
        for await _ in forever {}
        _ = end
        await Task { await server.shutdown(grace: .seconds(1)) }.value
    }
}
