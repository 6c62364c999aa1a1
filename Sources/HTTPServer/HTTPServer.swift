import Dispatch
import Synchronization

/// An HTTP/1.1 server: one thread with one epoll set for all connections, Swift tasks for the
/// handlers, and its own deadlines for everything.
package final class HTTPServer: Sendable {
    /// The port it listens on.
    package let port: UInt16

    private let core: ServerCore
    private let daemon: Daemon
    private let ticker: Ticker
    private let stopping = Mutex<Task<Void, Never>?>(nil)

    /// Starts to listen and serve. The handler is called for every request that keeps to the
    /// limits; its task is cancelled when the client leaves or a deadline passes. A client that
    /// ends its own sending while it waits for an answer counts as having left.
    package init(
        configuration: HTTPServerConfiguration,
        handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) throws(HTTPServerError) {
        let core = ServerCore(configuration: configuration, handler: handler)
        self.core = core
        if let tls = configuration.tls { core.credentials = try TLSCredentials(tls) }
        let daemon = try Daemon(core: core)
        self.daemon = daemon
        self.port = daemon.port
        self.ticker = Ticker(every: configuration.deadlines.tick) {
            core.tick()
            daemon.wake()
        }
    }

    /// Serves what the router knows.
    package convenience init(
        configuration: HTTPServerConfiguration, router: Router
    ) throws(HTTPServerError) {
        try self.init(configuration: configuration) { await router.respond(to: $0) }
    }

    deinit {
        guard stopping.withLock({ $0 }) == nil else { return }
        let (core, daemon, ticker) = (core, daemon, ticker)
        Task { await Self.stop(core, daemon, ticker, grace: .zero) }
    }

    /// Greets clients that come from now on with another certificate; connections that are open
    /// keep theirs. For a server that began with TLS.
    ///
    /// - Throws: `HTTPServerError.tlsRefused`, `.tlsUnavailable`; then nothing has changed.
    package func replaceTLS(_ tls: HTTPTLS) throws(HTTPServerError) {
        guard core.isTLS else { throw .tlsUnavailable }
        core.credentials = try TLSCredentials(tls)
    }

    /// Whether connections are still taken in: makes one, and waits for the daemon to see it.
    package func acceptsConnections(within limit: Duration = .seconds(5)) async -> Bool {
        let before = core.arrivals
        guard
            let knock = Knock(address: core.configuration.address, port: port)
        else { return false }
        defer { knock.close() }
        let end = ContinuousClock.now + limit
        while core.arrivals == before, ContinuousClock.now < end {
            try? await Task.sleep(for: .milliseconds(5))
            if Task.isCancelled { break }
        }
        return core.arrivals != before
    }

    /// Connections open now.
    package var connectionCount: Int { core.connections.count }

    /// Stops accepting, lets what runs finish for at most `grace`, then cuts it and stops.
    /// Every call returns when the server has stopped; only the first one's grace counts.
    package func shutdown(grace: Duration) async {
        let task = stopping.withLock { stopping in
            if let stopping { return stopping }
            let (core, daemon, ticker) = (core, daemon, ticker)
            let task = Task { await Self.stop(core, daemon, ticker, grace: grace) }
            stopping = task
            return task
        }
        await task.value
    }

    /// How often a stopping server looks whether its connections have ended.
    private static let stoppingInterval: Duration = .milliseconds(20)

    /// How long connections that were cut may take to be gone: they only have to be closed.
    private static let cutTime: Duration = .seconds(5)

    private static func stop(
        _ core: ServerCore, _ daemon: Daemon, _ ticker: Ticker, grace: Duration
    ) async {
        // New connections are refused from here on. MHD_quiesce_daemon would do that in the
        // kernel, but in 0.9.75 it can abort the process when it meets the daemon's thread.
        core.beginStopping()
        let end = ContinuousClock.now.advanced(by: grace)
        await waitForConnections(core, until: end) { $0.cutIfIdle() }
        await waitForConnections(core, until: .now.advanced(by: cutTime)) { $0.cut(.shutdown) }
        await withCheckedContinuation { continuation in
            // Blocks until the daemon's thread has ended, so not on Swift's threads.
            DispatchQueue.global().async {
                ticker.stop()
                daemon.stop()
                continuation.resume()
            }
        }
    }

    private static func waitForConnections(
        _ core: ServerCore, until end: ContinuousClock.Instant, _ act: (Connection) -> Void
    ) async {
        while true {
            let connections = core.connections
            if connections.isEmpty { return }
            for connection in connections { act(connection) }
            guard ContinuousClock.now < end else { return }
            try? await Task.sleep(for: stoppingInterval)
        }
    }
}
