import IRICommands
import Tangle
import Ternary

/// The ledger as a value: entries in the order they came in, and where to find them.
struct LedgerState {
    private(set) var entries: [LedgerEntry] = []
    /// The highest milestone so far; pruning does not set it back.
    private(set) var latestMilestone = 0
    /// The milestone up to which everything was forgotten.
    private(set) var snapshotMilestone = 0

    // Places in `entries`, ascending.
    private var byHash: [Hash: Int] = [:]
    private var byAddress: [Hash: [Int]] = [:]
    private var byBundle: [Hash: [Int]] = [:]
    private var byTag: [Trytes: [Int]] = [:]
    private var byApprovee: [Hash: [Int]] = [:]

    subscript(hash: Hash) -> LedgerEntry? { byHash[hash].map { entries[$0] } }

    /// False for an entry whose hash is known already.
    mutating func insert(_ entry: LedgerEntry) -> Bool {
        guard byHash[entry.hash] == nil else { return false }
        let place = entries.count
        let transaction = entry.transaction
        entries.append(entry)
        byHash[entry.hash] = place
        byAddress[transaction.address, default: []].append(place)
        byBundle[transaction.bundle, default: []].append(place)
        byTag[transaction.tag, default: []].append(place)
        byApprovee[transaction.trunk, default: []].append(place)
        if transaction.branch != transaction.trunk {
            byApprovee[transaction.branch, default: []].append(place)
        }
        latestMilestone = max(latestMilestone, entry.milestone ?? 0)
        return true
    }

    /// Hashes in the order their transactions came in; nil where there are more than `limit`.
    func find(_ query: TransactionQuery, limit: Int) -> [Hash]? {
        var found: Set<Int>?
        func narrow<Key: Hashable>(_ keys: [Key]?, _ index: [Key: [Int]]) {
            guard let keys else { return }
            let places = Set(keys.lazy.flatMap { index[$0] ?? [] })
            found = found.map { $0.intersection(places) } ?? places
        }
        narrow(query.addresses, byAddress)
        narrow(query.bundles, byBundle)
        narrow(query.tags, byTag)
        narrow(query.approvees, byApprovee)
        let places = found ?? []
        guard places.count <= limit else { return nil }
        return places.sorted().map { entries[$0].hash }
    }

    /// Forgets every transaction, and says how many there were.
    mutating func prune() -> Int {
        let count = entries.count
        let latest = latestMilestone
        self = LedgerState()
        latestMilestone = latest
        snapshotMilestone = latest
        return count
    }
}
