import Archive
import Crawler
import Diagnostics
import Foundation
import NodeClient
import Vault

extension CrawlService {
    /// A crawler over nodes.
    ///
    /// - Parameter hints: what the nodes' feeds tell.
    /// - Throws: `MetricsError` where its metrics are registered already.
    package static func following(
        _ nodes: NodePool, hints: FeedHints = FeedHints(), _ instance: Instance,
        metrics: Metrics, log: Log
    ) throws -> CrawlService {
        let vault = instance.archive.vault
        return CrawlService(
            archive: instance.archive,
            source: NodeTangleSource(nodes, hints: hints) { vault.generation }, owner: ownerName,
            log: log.component("crawler"), instruments: try CrawlInstruments(metrics))
    }

    /// Names this process in the database, for an operator; the end is random, because hosts
    /// and processes in containers may share their names and numbers.
    package static let ownerName =
        "\(ProcessInfo.processInfo.hostName):\(ProcessInfo.processInfo.processIdentifier):"
        + String(UInt32.random(in: .min ... .max), radix: 36)

    /// A crawler over dumps: what is confirmed is asked for at once, because there is no later.
    ///
    /// - Throws: `MetricsError` where its metrics are registered already.
    package static func importing(
        _ dump: DumpTangleSource, into instance: Instance, metrics: Metrics, log: Log
    ) throws -> CrawlService {
        var policy = CrawlPolicy()
        policy.confirmsAtOnce = true
        return CrawlService(
            archive: instance.archive, source: dump, policy: policy, owner: ownerName,
            log: log.component("import"), instruments: try CrawlInstruments(metrics))
    }
}
