import Diagnostics
import NodeClient

/// The nodes in the metrics, by their places in `PERMANODE_NODES` from 1 on: URLs may hold keys.
struct NodeInstruments: Sendable {
    private let answering: Gauge
    private let usable: Gauge
    private let lag: Gauge
    private let latency: Gauge
    private let lacking: Gauge
    private let refused: Gauge
    private let cut: Gauge

    /// - Throws: `MetricsError` where the names are taken by others.
    init(_ metrics: Metrics) throws {
        let labels = [
            MetricLabel("node", values: (1...NodePool.maximumNodes).map(String.init))
        ]
        func gauge(_ name: String, _ help: String) throws -> Gauge {
            try metrics.gauge(
                "permanode_node_" + name, help: help, labels: labels, omitsUnset: true)
        }
        answering = try gauge("answering", "1 while a node answers, 0 while it cools down.")
        usable = try gauge(
            "in_step",
            "1 while a node is in step with its network, 0 while it comes last or is of another.")
        lag = try gauge("lag_milestones", "Milestones a node is behind the middle one.")
        latency = try gauge("latency_seconds", "How long a node's answers took of late.")
        lacking = try gauge(
            "lacking_hashes",
            "Hashes that another node named and this one did not, since the start.")
        refused = try gauge(
            "refused_transactions",
            "Transactions of another hash than was asked for, since the start.")
        cut = try gauge("cut_lists", "Lists a node cut or may have cut, since the start.")
    }

    private var all: [Gauge] { [answering, usable, lag, latency, lacking, refused, cut] }

    func show(_ reports: [NodeReport]) {
        // There may have been more before the last reload.
        for index in reports.count..<max(reports.count, NodePool.maximumNodes) {
            for gauge in all { gauge.clear(String(index + 1)) }
        }
        for (index, report) in reports.enumerated() {
            let node = String(index + 1)
            answering.set(report.health.consecutiveFailures == 0 ? 1 : 0, node)
            usable.set([.inStep, .unknown].contains(report.standing.place) ? 1 : 0, node)
            if let milestones = report.standing.lag {
                lag.set(Double(milestones), node)
            } else {
                lag.clear(node)
            }
            latency.set(report.latency / .seconds(1), node)
            lacking.set(Double(report.deeds.lacking), node)
            refused.set(Double(report.deeds.refused), node)
            cut.set(Double(report.deeds.cut), node)
        }
    }
}
