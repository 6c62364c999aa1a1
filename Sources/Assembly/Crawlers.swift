import Archive
import Crawler
import Diagnostics
import Foundation
import Vault

extension CrawlService {
    /// A crawler over nodes.
    ///
    /// - Throws: `MetricsError` where its metrics are registered already.
    package static func following(
        _ nodes: some TangleSource, _ instance: Instance, metrics: Metrics, log: Log,
        pulse: Liveness.Pulse = .unwatched, room: CrawlRoom = .unminded,
        standing: CrawlStanding = CrawlStanding()
    ) throws -> CrawlService {
        CrawlService(
            archive: instance.archive, source: nodes, owner: ownerName,
            log: log.component("crawler"), instruments: try CrawlInstruments(metrics),
            pulse: pulse, room: room, standing: standing)
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
