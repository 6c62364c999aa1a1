/// How a node is spoken to. The defaults suit public IRI and Hornet nodes.
package struct NodeClientConfiguration: Sendable {
    /// Name resolution, TCP and TLS.
    package var connectTimeout: Duration = .seconds(10)
    /// One request from start to end.
    package var deadline: Duration = .seconds(60)
    /// The same for `attachToTangle`, during which the node works without sending anything.
    package var attachDeadline: Duration = .seconds(300)
    /// Below this for `stallTime`, a request is given up.
    package var minimumBytesPerSecond = 100
    /// Whole seconds, rounded up.
    package var stallTime: Duration = .seconds(30)

    /// Requests under way at one node; further ones wait for their turn.
    package var maximumInFlight = 8
    /// Requests waiting for their turn; further ones fail with `tooManyRequests`.
    package var maximumWaiting = 4096

    /// IRI takes lists of 1,000.
    package var addressesPerRequest = 500
    /// IRI takes 1,000 by default; 250 transactions make an answer of 0.7 MB.
    package var transactionsPerFetch = 250
    /// IRI takes lists of 1,000.
    package var hashesPerRequest = 1000
    /// IRI takes bodies of 1,000,000 characters: 373 transactions.
    package var transactionsPerSubmission = 250

    /// Hashes one `findTransactions` gives at most, whatever the node has: IRI's own limit, and
    /// 8 MB of text.
    package var maximumHashes = 100_000
    /// An answer with so many hashes may have been cut: Hornet does it without a word.
    package var suspiciousHashCount = 1000

    package init() {}
}
