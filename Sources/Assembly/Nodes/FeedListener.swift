import Diagnostics
import NodeFeed

/// Listens to the nodes' feeds for as long as the crawler runs, and says when they are silent.
struct FeedListener: Sendable {
    /// Between two looks at what came: a ledger that lives has milestones every minute at least.
    private static let interval: Duration = .seconds(60)

    private let feeds: [FeedEndpoint]
    private let hints: FeedHints
    private let heard: Counter
    private let malformed: Counter
    private let log: Log

    /// - Throws: `MetricsError` where the names are taken by others.
    init(_ feeds: [FeedEndpoint], hints: FeedHints, metrics: Metrics, log: Log) throws {
        (self.feeds, self.hints, self.log) = (feeds, hints, log)
        heard = try metrics.counter(
            "permanode_feed_transactions_total", help: "Transactions that nodes' feeds told of.")
        malformed = try metrics.counter(
            "permanode_feed_malformed_total", help: "Messages of nodes' feeds that cannot be read.")
    }

    /// Until the task is cancelled.
    ///
    /// - Throws: `FeedError.failed`.
    func run() async throws {
        let hints = hints
        var feed = try NodeFeed(feeds) { hints.note($0.hash, at: $0.address) }
        var known = NodeFeed.Counts()
        var wasSilent = false
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let counts = feed.counts
            heard.add(counts.transactions - known.transactions)
            malformed.add(counts.malformed - known.malformed)
            let isSilent = counts == known
            if isSilent, !wasSilent {
                log.warning(
                    "the nodes' feeds are silent: addresses are looked at as before, but spam may hide messages"
                )
            } else if !isSilent, wasSilent {
                log.info("the nodes' feeds tell of transactions again")
            }
            (known, wasSilent) = (counts, isSilent)
            if isSilent {
                // One that was left for what it sent is listened to again.
                await feed.stop()
                feed = try NodeFeed(feeds) { hints.note($0.hash, at: $0.address) }
                known = NodeFeed.Counts()
            }
        }
        await feed.stop()
    }
}
