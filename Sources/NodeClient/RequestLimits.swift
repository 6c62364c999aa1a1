/// How long lists one request to a node may have: what is configured, or less where the node
/// said so itself.
struct RequestLimits: Sendable, Equatable {
    /// Characters of a transaction in a body: its trytes, quotes and a comma.
    private static let charactersPerTransaction = 2676
    /// No node's lists end before: one that says so would have every address count as flooded.
    private static let leastSuspicious = 100
    /// Characters of a body beside its list.
    private static let bodySlack = 1024

    private(set) var addresses: Int
    private(set) var transactionsFetched: Int
    private(set) var transactionsSubmitted: Int
    private(set) var hashes: Int
    /// An answer with so many hashes may have been cut.
    private(set) var suspiciousHashes: Int

    init(_ configuration: NodeClientConfiguration) {
        addresses = configuration.addressesPerRequest
        transactionsFetched = configuration.transactionsPerFetch
        transactionsSubmitted = configuration.transactionsPerSubmission
        hashes = configuration.hashesPerRequest
        suspiciousHashes = configuration.suspiciousHashCount
    }

    /// What a node tells can only lower a limit, and none below 1: believing it costs requests, and
    /// not believing it answers.
    mutating func lower(to told: NodeAPIConfiguration) {
        func least(_ limit: Int, _ told: Int?) -> Int {
            told.map { max(1, min(limit, $0)) } ?? limit
        }
        addresses = least(addresses, told.maxRequestsList)
        hashes = least(hashes, told.maxRequestsList)
        transactionsFetched = least(
            least(transactionsFetched, told.maxGetTrytes), told.maxRequestsList)
        suspiciousHashes = least(
            suspiciousHashes, told.maxFindTransactions.map { max($0, Self.leastSuspicious) })
        transactionsSubmitted = least(
            transactionsSubmitted,
            told.maxBodyLength.map { (max(0, $0) - Self.bodySlack) / Self.charactersPerTransaction }
        )
    }
}
