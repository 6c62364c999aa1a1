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

    /// Between two looks whether it still answers.
    private static let lookInterval: Duration = .seconds(10)
    /// How long it may not answer before it counts as hung: a busy machine stalls for seconds.
    static let silenceLimit: Duration = .seconds(60)

    private let server: HTTPServer
    private let api: QueryAPI
    private let certificateEnd: Gauge

    /// Listens at once.
    init(
        _ instance: Instance, _ configuration: Configuration, _ metrics: Metrics, _ log: Log,
        crawler: (@Sendable () -> String)? = nil
    ) throws {
        let api = try QueryAPI(
            archive: instance.archive, metrics: metrics, log: log,
            policy: configuration.requestPolicy, node: configuration.nodeInterface,
            rates: configuration.requestRates, isBehindProxy: configuration.proxyEndsTLS,
            isSecure: configuration.tls != nil || configuration.proxyEndsTLS, crawler: crawler)
        let listen = configuration.listen
        var http = HTTPServerConfiguration(address: listen.address, port: listen.port)
        certificateEnd = try metrics.gauge(
            "permanode_tls_certificate_end_timestamp_seconds",
            help: "When the TLS certificate is over; 0 without TLS.")
        http.tls = try configuration.tls?.read()
        certificateEnd.set(try http.tls?.expiry()?.timeIntervalSince1970 ?? 0)
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

    /// Has the pulse beat for as long as connections are taken in and requests answered.
    func keepLooking(_ pulse: Liveness.Pulse) async {
        while !Task.isCancelled {
            let request = try? HTTPRequest(method: "GET", target: "/healthz")
            if await server.acceptsConnections(), let request,
                await api.respond(to: request).status == 200
            {
                pulse.beat()
            }
            try? await Task.sleep(for: Self.lookInterval)
        }
    }

    /// What may change while it runs: the certificate and how often clients may ask.
    ///
    /// - Throws: `AssemblyError`, `HTTPServerError` for a certificate that cannot be used; then nothing
    ///   has changed.
    func change(to configuration: Configuration) throws {
        if let tls = try configuration.tls?.read() {
            let end = try tls.expiry()
            try server.replaceTLS(tls)
            certificateEnd.set(end?.timeIntervalSince1970 ?? 0)
        }
        api.setRates(configuration.requestRates, ofNode: configuration.nodeInterface)
    }
}
