import Diagnostics
import NodeFeed

/// Listens to one node's feed for as long as the crawler runs, and says when it is silent. What goes
/// wrong with it ends nothing: hints may be missed.
struct FeedListener: Sendable {
    /// Between two looks at what came: a ledger that lives has milestones every minute at least.
    private static let interval: Duration = .seconds(60)

    private let endpoint: FeedEndpoint
    private let hear: @Sendable (FeedMessage) -> Void
    private let instruments: FeedInstruments
    private let log: Log

    /// - Parameter number: which of the feeds this is, as of `FeedHints`.
    init(
        _ endpoint: FeedEndpoint, number: Int, hints: FeedHints, instruments: FeedInstruments,
        log: Log
    ) {
        self.endpoint = endpoint
        hear = { hints.note($0.hash, at: $0.address, feed: number) }
        self.instruments = instruments
        self.log = log.with(["feed": .string(endpoint.description)])
    }

    /// Until the task is cancelled.
    func run() async {
        var feed = open()
        var known = NodeFeed.Counts()
        var wasSilent = false
        while (try? await Task.sleep(for: Self.interval)) != nil {
            let counts = feed?.counts ?? known
            instruments.record(counts, since: known)
            let isSilent = counts == known
            if isSilent != wasSilent { tell(isSilent) }
            (known, wasSilent) = (counts, isSilent)
            guard isSilent else { continue }
            // One that was left for what it sent is listened to again.
            await feed?.stop()
            feed = open()
            known = NodeFeed.Counts()
        }
        await feed?.stop()
    }

    private func open() -> NodeFeed? {
        do throws(FeedError) {
            return try NodeFeed(endpoint, hear: hear)
        } catch {
            log.failure(error, "a node's feed cannot be listened to", level: .warning)
            return nil
        }
    }

    private func tell(_ isSilent: Bool) {
        if isSilent {
            log.warning("a node's feed is silent: spam may hide what it would have told of")
        } else {
            log.info("a node's feed tells of transactions again")
        }
    }
}

/// The nodes' feeds in the metrics.
struct FeedInstruments: Sendable {
    private let heard: Counter
    private let malformed: Counter

    /// - Throws: `MetricsError` where the names are taken by others.
    init(_ metrics: Metrics) throws {
        heard = try metrics.counter(
            "permanode_feed_transactions_total", help: "Transactions that nodes' feeds told of.")
        malformed = try metrics.counter(
            "permanode_feed_malformed_total", help: "Messages of nodes' feeds that cannot be read.")
    }

    func record(_ counts: NodeFeed.Counts, since known: NodeFeed.Counts) {
        heard.add(counts.transactions - known.transactions)
        malformed.add(counts.malformed - known.malformed)
    }
}
