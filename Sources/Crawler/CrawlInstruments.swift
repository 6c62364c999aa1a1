import Diagnostics

/// What the crawler counts; no label tells of a channel.
package struct CrawlInstruments: Sendable {
    private let messages: Counter
    private let attachments: Counter
    private let rejected: Counter
    private let turns: Counter
    private let turnSeconds: Histogram
    private let paused: Gauge

    /// - Throws: `MetricsError` where the metrics are registered already.
    package init(_ metrics: Metrics) throws {
        messages = try metrics.counter(
            "permanode_crawler_messages_total", help: "Messages taken in.")
        attachments = try metrics.counter(
            "permanode_crawler_attachments_total", help: "Further attachments of messages counted.")
        rejected = try metrics.counter(
            "permanode_crawler_rejected_total",
            help: "Bundles found at an address of a chain that are no message of it.")
        turns = try metrics.counter(
            "permanode_crawler_turns_total", help: "Turns given to channels.",
            labels: [
                MetricLabel(
                    "outcome", values: ["news", "nothing", "unreachable", "fenced", "failed"])
            ])
        turnSeconds = try metrics.histogram(
            "permanode_crawler_turn_seconds", help: "How long turns took.")
        paused = try metrics.gauge(
            "permanode_crawler_paused", help: "1 while nothing is taken in for lack of room.",
            labels: [MetricLabel("reason", RoomLack.self)])
    }

    func record(_ summary: ChainWalk.Summary, seconds: Double) {
        messages.add(summary.messages)
        attachments.add(summary.attachments)
        rejected.add(summary.rejected)
        turns.add(1, Self.outcome(summary))
        turnSeconds.observe(seconds)
    }

    func setPaused(_ lack: RoomLack?) {
        for each in RoomLack.allCases { paused.set(each == lack ? 1 : 0, each.rawValue) }
    }

    private static func outcome(_ summary: ChainWalk.Summary) -> String {
        if summary.failed > 0 { return "failed" }
        if summary.fenced { return "fenced" }
        if summary.unreachable { return "unreachable" }
        return summary.news ? "news" : "nothing"
    }
}
