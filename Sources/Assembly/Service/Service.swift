import Archive
import Crawler
import Diagnostics
import Erasure
import Failures
import Foundation
import HTTPServer
import NodeClient
import QueryAPI
import Secrets
import Vault

/// The service: its roles in one process, until it is told to stop or one of them fails.
package struct Service: Sendable {
    /// How long what is under way may take to end after the word to stop: an orchestrator
    /// kills after 30 seconds.
    package static let shutdownLimit: Duration = .seconds(20)

    private let instance: Instance
    private let configuration: Configuration
    private let roles: Set<ServiceRole>
    private let log: Log

    package init(
        _ instance: Instance, configuration: Configuration, roles: Set<ServiceRole>, log: Log
    ) {
        self.instance = instance
        self.configuration = configuration
        self.roles = roles
        self.log = log
    }

    /// Runs until `stop` returns, then ends every role.
    ///
    /// - Throws: Why a role could not start or ended by itself;
    ///   `AssemblyError.shutdownTooSlow` where what is under way outlasts `shutdownLimit`:
    ///   the process should then end without waiting for it.
    package func run(until stop: @escaping @Sendable () async -> Void) async throws {
        if !CoreDumps.forbid() {
            log.warning("core dumps could not be switched off: one would hold keys")
        }
        if !SecretMemory.isLocked {
            log.warning(
                "secrets could not be locked in memory and may reach swap: raise RLIMIT_MEMLOCK")
        }
        let metrics = Metrics()
        let api = roles.contains(.api) ? try HTTPRole(instance, configuration, metrics, log) : nil
        let nodes = roles.contains(.crawler) ? try nodes() : nil
        let hints = FeedHints(feeds: configuration.nodeFeeds.count)
        let crawler = try nodes.map {
            try CrawlService.following($0, hints: hints, instance, metrics: metrics, log: log)
        }
        let feeds = nodes == nil ? [] : try feedListeners(hints, metrics)
        let nodeWatch = try nodes.map {
            try NodeWatch($0, metrics: metrics, log: log.component("nodes"))
        }
        let audit = AuditKeeper(archive: instance.archive, log: log.component("audit"))
        let queue = try RequestQueueGauge(archive: instance.archive, metrics: metrics)
        let nodeLookups = NodeLookupKeeper(
            archive: instance.archive, log: log.component("node-lookups"))
        let notifier = WebhookNotifier(instance.archive, configuration, log: log)
        let eraser = ErasureService(
            archive: instance.archive, notifier: notifier,
            settings: EraserSettings(configuration), log: log.component("eraser"))
        let roles = roles
        let vault = instance.archive.vault
        let work = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await audit.run() }
                group.addTask { await Self.keepFresh(vault) }
                if let api { group.addTask { await api.run() } }
                if let crawler { group.addTask { try await Self.keep(.crawler, crawler.run) } }
                if let nodeWatch { group.addTask { await nodeWatch.run() } }
                for feed in feeds { group.addTask { await feed.run() } }
                if roles.contains(.eraser) {
                    group.addTask { try await Self.keep(.eraser, eraser.run) }
                    group.addTask { await queue.run() }
                    group.addTask { await nodeLookups.run() }
                    if let notifier { group.addTask { await notifier.run() } }
                }
                defer { group.cancelAll() }
                // Roles end only by an error or because they were told to.
                while try await group.next() != nil {}
            }
        }
        log.info(
            "serving", ["roles": .string(roles.map(\.rawValue).sorted().joined(separator: ","))])
        try await Self.wait(for: work, until: stop, log)
    }

    /// Drops keys that were forgotten elsewhere also while nobody asks for any.
    private static func keepFresh(_ vault: Vault) async {
        while (try? await Task.sleep(for: .milliseconds(500))) != nil {
            // Where the ring cannot be read, whoever needs a key is told.
            try? vault.refresh()
        }
    }

    private static func keep(
        _ role: ServiceRole, _ run: @Sendable () async throws -> Void
    ) async throws {
        try await run()
        if !Task.isCancelled { throw AssemblyError.roleEnded(role) }
    }

    private func feedListeners(_ hints: FeedHints, _ metrics: Metrics) throws -> [FeedListener] {
        let instruments = try FeedInstruments(metrics)
        return configuration.nodeFeeds.enumerated().map { number, endpoint in
            FeedListener(
                endpoint, number: number, hints: hints, instruments: instruments,
                log: log.component("feeds"))
        }
    }

    /// - Throws: `NodeError` for nodes that cannot be used.
    private func nodes() throws -> NodePool {
        try NodePool(endpoints: configuration.nodes, census: configuration.census)
    }

    private enum Event { case stopped, ended(Result<Void, any Error>), late }

    private static func wait(
        for work: Task<Void, any Error>, until stop: @escaping @Sendable () async -> Void,
        _ log: Log
    ) async throws {
        let (events, channel) = AsyncStream.makeStream(of: Event.self)
        let ending = Task { channel.yield(.ended(await work.result)) }
        let stopping = Task {
            await stop()
            channel.yield(.stopped)
            // Cut short by cancellation when everything has ended: then nobody listens.
            try? await Task.sleep(for: shutdownLimit)
            channel.yield(.late)
        }
        defer {
            stopping.cancel()
            ending.cancel()
        }
        var isStopping = false
        for await event in events {
            switch event {
            case .stopped:
                guard !isStopping else { continue }
                isStopping = true
                log.info("stopping")
                work.cancel()
            case .ended(.failure(let error)) where !(isStopping && isCancellation(error)):
                throw error
            case .ended:
                log.info("stopped")
                return
            case .late:
                guard isStopping else { continue }
                throw AssemblyError.shutdownTooSlow(seconds: Int(shutdownLimit / .seconds(1)))
            }
        }
    }

    /// Cancelling a statement or a request shows as the failure of its adapter.
    private static func isCancellation(_ error: any Error) -> Bool {
        if error is CancellationError { return true }
        guard let failure = error as? any Failure else { return false }
        return failure.code == "postgres.cancelled" || failure.code == "node.cancelled"
    }
}
