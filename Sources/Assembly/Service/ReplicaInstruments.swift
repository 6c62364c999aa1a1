import Archive
import Diagnostics

/// The replicas in the metrics, by their places in `PERMANODE_READ_URLS` from 1 on.
struct ReplicaInstruments: Sendable {
    private static let interval: Duration = .seconds(5)

    private let usable: Gauge
    private let staleness: Gauge
    private let reads: Gauge
    private let refusals: Gauge

    /// - Throws: `MetricsError` where the names are taken by others.
    init(_ metrics: Metrics) throws {
        let labels = [MetricLabel("replica", values: (1...Replicas.limit).map(String.init))]
        func gauge(_ name: String, _ help: String) throws -> Gauge {
            try metrics.gauge(
                "permanode_replica_" + name, help: help, labels: labels, omitsUnset: true)
        }
        usable = try gauge(
            "usable",
            "1 while messages are read from a replica, 0 while the primary answers for it.")
        staleness = try gauge(
            "staleness_seconds",
            "How old at most what a replica shows is; absent while it is not used.")
        reads = try gauge("reads", "Reads that a replica answered, since the start.")
        refusals = try gauge(
            "refusals", "Reads it was chosen for and the primary answered, since the start.")
    }

    /// Until the task is cancelled.
    func keepShowing(_ replicas: Replicas) async {
        while !Task.isCancelled {
            for (index, report) in replicas.reports.enumerated() {
                let replica = String(index + 1)
                usable.set(report.age == nil ? 0 : 1, replica)
                if let age = report.age {
                    staleness.set(age / .seconds(1), replica)
                } else {
                    staleness.clear(replica)
                }
                reads.set(Double(report.reads), replica)
                refusals.set(Double(report.refusals), replica)
            }
            try? await Task.sleep(for: Self.interval)
        }
    }
}
