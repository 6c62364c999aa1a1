import Archive
import Crawler
import Diagnostics
import Erasure
import Foundation
import NodeClient
import Vault

/// Everything that works for the service, with what watches it.
struct ServiceParts: Sendable {
    /// How long the crawler may give no sign of life: its database may take half a minute to answer,
    /// and its waits are shorter.
    private static let crawlerSilence: Duration = .seconds(120)

    /// The same of the eraser, of which a single step may rewrite a large ring and ask an index of
    /// the whole archive.
    private static let eraserSilence: Duration = .seconds(600)

    let liveness = Liveness()
    let reloading: Reloading
    private let vault: Vault
    private let api: (role: HTTPRole, pulse: Liveness.Pulse)?
    private let probes: ProbeRole?
    private let crawling: Crawling?
    private let erasing: Erasing?
    private let audit: AuditKeeper
    private let gauges: ServiceGauges
    private let replicas: (Replicas, ReplicaInstruments)?

    private struct Crawling: Sendable {
        let nodes: ReplaceableNodes
        let crawler: CrawlService
        let watch: NodeWatch
        let feeds: [FeedListener]
    }

    private struct Erasing: Sendable {
        let eraser: ErasureService
        let queue: RequestQueueGauge
        let lookups: NodeLookupKeeper
        let notifier: WebhookNotifier?
    }

    /// Listens at once; the rest begins with `run`.
    init(
        _ instance: Instance, configuration: Configuration, roles: Set<ServiceRole>,
        manager: ServiceManager, reload: ReloadSource, log: Log
    ) throws {
        let archive = instance.archive
        let metrics = Metrics()
        vault = archive.vault
        let standing = CrawlStanding()
        var crawler: (@Sendable () -> String)?
        if roles.contains(.crawler) { crawler = { standing.text } }
        let http =
            roles.contains(.api)
            ? try HTTPRole(instance, configuration, metrics, log, crawler: crawler) : nil
        if let http {
            api = (http, liveness.watch(ServiceRole.api.rawValue, limit: HTTPRole.silenceLimit))
        } else {
            api = nil
        }
        crawling =
            roles.contains(.crawler)
            ? try Self.crawling(instance, configuration, metrics, liveness, standing, log) : nil
        erasing =
            roles.contains(.eraser)
            ? try Self.erasing(archive, configuration, metrics, liveness, log) : nil
        audit = AuditKeeper(archive: archive, log: log.component("audit"))
        gauges = try ServiceGauges(archive, configuration, metrics, liveness: liveness)
        // Only the interface reads from them.
        replicas = try (http == nil ? nil : archive.replicas).map {
            ($0, try ReplicaInstruments(metrics))
        }
        reloading = try Reloading(
            configuration, reload, nodes: crawling?.nodes, http: http, manager: manager,
            metrics: metrics, log: log)
        probes = try configuration.probes.map {
            try ProbeRole($0, archive, metrics, log, crawler: crawler)
        }
    }

    private static func crawling(
        _ instance: Instance, _ configuration: Configuration, _ metrics: Metrics,
        _ liveness: Liveness, _ standing: CrawlStanding, _ log: Log
    ) throws -> Crawling {
        let hints = FeedHints(feeds: configuration.nodeFeeds.count)
        let instruments = try FeedInstruments(metrics)
        let nodes = try ReplaceableNodes(configuration, instance.archive.vault, hints: hints)
        let feeds = configuration.nodeFeeds.enumerated().map { number, endpoint in
            FeedListener(
                endpoint, number: number, hints: hints, instruments: instruments,
                log: log.component("feeds"))
        }
        return Crawling(
            nodes: nodes,
            crawler: try CrawlService.following(
                nodes, instance, metrics: metrics, log: log,
                pulse: liveness.watch(ServiceRole.crawler.rawValue, limit: crawlerSilence),
                room: CrawlRoom(configuration), standing: standing),
            watch: try NodeWatch(
                { nodes.pool }, metrics: metrics, log: log.component("nodes")),
            feeds: feeds)
    }

    private static func erasing(
        _ archive: Archive, _ configuration: Configuration, _ metrics: Metrics,
        _ liveness: Liveness, _ log: Log
    ) throws -> Erasing {
        let notifier = WebhookNotifier(archive, configuration, log: log)
        return Erasing(
            eraser: try ErasureService(
                archive: archive, notifier: notifier, settings: EraserSettings(configuration),
                log: log.component("eraser"),
                pulse: liveness.watch(ServiceRole.eraser.rawValue, limit: eraserSilence),
                metrics: metrics),
            queue: try RequestQueueGauge(archive: archive, metrics: metrics),
            lookups: NodeLookupKeeper(archive: archive, log: log.component("node-lookups")),
            notifier: notifier)
    }

    /// Until the task is cancelled, or a role ends by itself.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await audit.run() }
            group.addTask { await gauges.run() }
            group.addTask { await Self.keepFresh(vault) }
            if let probes { group.addTask { await probes.run() } }
            if let (role, pulse) = api {
                group.addTask { await role.run() }
                group.addTask { await role.keepLooking(pulse) }
            }
            if let (replicas, instruments) = replicas {
                group.addTask { await replicas.run() }
                group.addTask { await instruments.keepShowing(replicas) }
            }
            if let crawling {
                group.addTask { try await Self.keep(.crawler, crawling.crawler.run) }
                group.addTask { await crawling.watch.run() }
                for feed in crawling.feeds { group.addTask { await feed.run() } }
                group.addTask { await gauges.countChannels() }
            }
            if let erasing {
                group.addTask { try await Self.keep(.eraser, erasing.eraser.run) }
                group.addTask { await erasing.queue.run() }
                group.addTask { await erasing.lookups.run() }
                if let notifier = erasing.notifier { group.addTask { await notifier.run() } }
            }
            defer { group.cancelAll() }
            // Roles end only by an error or because they were told to.
            while try await group.next() != nil {}
        }
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
}
