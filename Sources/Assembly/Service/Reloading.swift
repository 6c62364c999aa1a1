import Diagnostics
import Failures

/// What SIGHUP changes in a service that runs: nodes, limits, the TLS certificate, how much is
/// logged. All of it or nothing.
struct Reloading: Sendable {
    /// What takes effect without a restart.
    static let variables: Set<Configuration.Variable> = [
        .nodes, .coordinator, .tokenRate, .addressRate, .nodeRate, .tlsCertificate, .tlsKey,
        .logLevel,
    ]

    /// What the service began with: what of it cannot be changed stays so.
    let start: Configuration
    let source: ReloadSource
    let nodes: ReplaceableNodes?
    let http: HTTPRole?
    let manager: ServiceManager
    let log: Log
    private let isRefused: Gauge

    init(
        _ start: Configuration, _ source: ReloadSource, nodes: ReplaceableNodes?, http: HTTPRole?,
        manager: ServiceManager, metrics: Metrics, log: Log
    ) throws {
        self.start = start
        self.source = source
        self.nodes = nodes
        self.http = http
        self.manager = manager
        self.log = log
        isRefused = try metrics.gauge(
            "permanode_reload_refused",
            help: "1 while the configuration that SIGHUP asked to take up is refused.")
        isRefused.set(0)
    }

    /// Until the task is cancelled.
    func run(status: String) async {
        for await _ in source.requests {
            manager.reloading()
            isRefused.set(reload() ? 0 : 1)
            manager.ready(status)
        }
    }

    /// - Returns: Whether the configuration was taken up.
    private func reload() -> Bool {
        let configuration: Configuration
        do {
            configuration = try source.read()
        } catch let error as ConfigurationError {
            log.error(
                "the configuration cannot be used: all stays as it was",
                ["problems": .int(Int64(error.problems.count))])
            for problem in error.problems {
                log.error("a problem of the configuration", ["what": .string(problem.text)])
            }
            return false
        } catch {
            return refuse(error)
        }
        do {
            // What may still fail comes first.
            if (configuration.tls == nil) == (start.tls == nil) {
                try http?.change(to: configuration)
            }
            try nodes?.replace(as: configuration)
        } catch {
            return refuse(error)
        }
        log.setMinimum(configuration.logLevel ?? .info)
        var later = configuration.changes(since: start).subtracting(Self.variables)
        if (configuration.tls == nil) != (start.tls == nil) { later.insert(.tlsCertificate) }
        if !later.isEmpty {
            let names = later.map(\.rawValue).sorted().joined(separator: ",")
            log.warning(
                "some variables take effect with a restart only", ["variables": .string(names)])
        }
        log.info("the configuration was taken up")
        return true
    }

    private func refuse(_ error: any Error) -> Bool {
        if let failure = error as? any Failure {
            log.failure(failure, "the configuration cannot be used: all stays as it was")
        } else {
            log.error("the configuration cannot be used: all stays as it was")
        }
        return false
    }
}

/// When to read the configuration anew, and how.
package struct ReloadSource: Sendable {
    let requests: AsyncStream<Void>
    let read: @Sendable () throws -> Configuration

    package init(
        _ requests: AsyncStream<Void>, read: @escaping @Sendable () throws -> Configuration
    ) {
        self.requests = requests
        self.read = read
    }

    /// For who is never asked to.
    package static let none = ReloadSource(AsyncStream { $0.finish() }) {
        throw CancellationError()
    }
}
