import Archive
import Diagnostics
import Foundation

/// Shows in the metrics how many requests to forget wait for an answer, and how many are late.
struct RequestQueueGauge: Sendable {
    private static let interval: Duration = .seconds(15)

    private let archive: Archive
    private let open: Gauge
    private let late: Gauge

    /// - Throws: `MetricsError` where the names are taken by others.
    init(archive: Archive, metrics: Metrics) throws {
        self.archive = archive
        open = try metrics.gauge(
            "permanode_forget_requests_open",
            help: "Requests to forget that are neither done nor refused.")
        late = try metrics.gauge(
            "permanode_forget_requests_late", help: "Those of them whose time is over.")
    }

    /// Until the task is cancelled. While the database is away, the last numbers stand.
    func run() async {
        while !Task.isCancelled {
            if let counts = try? await archive.openRequestCounts(now: Date()) {
                open.set(Double(counts.open))
                late.set(Double(counts.late))
            }
            try? await Task.sleep(for: Self.interval)
        }
    }
}
