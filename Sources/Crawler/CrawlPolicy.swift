import Foundation

/// How often and how much the crawler looks; every bound with its reason.
package struct CrawlPolicy: Sendable {
    /// The shortest wait between two looks at a channel: a DSMR 5 meter sends every second.
    package var shortestWait: TimeInterval = 2
    /// The longest wait: what a channel that has been quiet for weeks costs a node.
    package var longestWait: TimeInterval = 600
    /// The wait grows by this share of the time a channel has been quiet.
    package var quietShare = 0.1
    /// A channel without anything new for so long is stalled: a day, because meters are
    /// offline for hours and a message that never reached the ledger looks the same.
    package var patience: TimeInterval = 86_400
    /// How long a passed tree is looked at for late leaves and twins.
    package var watchDuration: TimeInterval = 3600
    /// When a passed tree is looked at again, as shares of `watchDuration`.
    package var watchShares = [0.02, 0.2, 1]
    /// The wait after a look that failed because of the nodes.
    package var unreachableWait: TimeInterval = 15
    /// The wait after a look that failed for a reason no repeating mends.
    package var failedWait: TimeInterval = 60
    /// Transactions fetched from one address in one look: enough for every reattachment of
    /// an honest device; what a flood has beyond that comes with the next looks.
    package var transactionsPerLook = 1000
    /// Transactions that any look may fetch, more than lie at an honest address: 300 MB in memory
    /// were all looks at once at so many.
    package var transactionsOfAnyLook = 100
    /// Looks at the same time that fetch more: another 90 MB, however many channels are flooded.
    package var floodsAtOnce = 16
    /// Transactions that one request to the source asks for.
    package var transactionsPerFetch = 500
    /// Bundles whose tails a cut list may hide that one look asks for: one request to each of two
    /// nodes, as a rule.
    package var bundlesCompleted = 100
    /// Steps from transaction to transaction towards such tails: longer messages than meters send.
    package var approveeSteps = 16
    /// Transactions of an address, incomplete bundles' tails and such that the source named
    /// and did not give, that one look asks for again; with more of them they take turns.
    package var unresolvedPerLook = 200
    /// Payloads that one look reads, counted once for every side key there is: some seconds
    /// of computing.
    package var readsPerLook = 10_000
    /// Tails per tree that are asked after until they are confirmed; further attachments of
    /// a tree's messages are not.
    package var unconfirmedTails = 1000
    /// Payloads read with one key at once: bounds the memory of a look.
    package var payloadsPerRead = 64
    /// Trees a channel may advance in one turn, before others have theirs.
    package var treesPerTurn = 200
    /// How long a turn may last before the channel is given back.
    package var turn: TimeInterval = 20
    /// How long a lease holds when its crawler dies, so that others take over within seconds; a
    /// living one renews it three times in that. One that was away for longer has what it found
    /// fetched again by who took over: its epoch is old, and nothing of it is stored.
    package var lease: TimeInterval = 10
    /// Asks at the head, too, which messages are confirmed: for sources of the past.
    package var confirmsAtOnce = false
    /// Channels looked at at the same time: so many that their addresses, payloads and findings
    /// travel in full batches, of 256 as a rule: four of them, so that one can be asked for, one read,
    /// and two stored. A turn takes some kilobytes beside what its look has fetched and, where
    /// bundles wait for a key, those (`WaitingRoom`).
    package var channelsAtOnce = 1024
    /// Turns that end before further channels are leased, at most: as many as travel together. Leasing
    /// many costs hardly more than leasing one.
    package var leasedTogether = 256
    /// Transactions of one tree the crawler remembers having judged: more than any node
    /// names for one address.
    package var rememberedTransactions = 200_000
    /// Transactions it remembers in all, some twenty bytes each.
    package var rememberedInAll = 2_000_000

    package init() {}

    /// How many of the turns under way are waited for before further channels are leased: not so
    /// many that slow ones would leave the others' places empty.
    func leasedTogether(of running: Int) -> Int {
        min(leasedTogether, max(1, running / 4))
    }

    /// The wait after a look that found nothing, for a channel quiet for `quiet` seconds.
    ///
    /// - Parameter jitter: 0..<1, spreads looks that would fall together.
    package func wait(quiet: TimeInterval, jitter: Double) -> TimeInterval {
        let wait = min(max(quiet * quietShare, shortestWait), longestWait)
        return wait * (0.9 + 0.2 * jitter)
    }

    /// When a passed tree is looked at next; nil after the last look.
    package func nextWatch(of tree: Date, now: Date) -> Date? {
        let passedAt = tree.addingTimeInterval(-watchDuration)
        return watchShares.map { passedAt.addingTimeInterval($0 * watchDuration) }
            .first { $0 > now }
    }
}
