import Tangle
import Ternary

/// What was learnt while finding out which addresses transactions bear. All of it may be dropped at
/// any time: it is asked for again then.
actor SightedTransactions {
    /// Hashes with their addresses: some 20 MB.
    static let addressLimit = 100_000

    /// Transactions that nobody has asked for yet: some 25 MB.
    static let transactionLimit = 8_000

    /// Addresses with so much on them that they are asked for alone.
    static let crowdedLimit = 1_000

    private var addresses: [Hash: Hash] = [:]
    private var transactions: [Hash: Transaction] = [:]
    private var crowded: Set<Hash> = []

    /// Those whose address is not known.
    func unknown(_ hashes: [Hash]) -> [Hash] {
        hashes.filter { addresses[$0] == nil }
    }

    /// The addresses in the order of the hashes; nil where one of them is not known.
    ///
    /// - Parameter given: transactions to learn from first.
    func addresses(of hashes: [Hash], learning given: [Hash: Transaction]) -> [Hash]? {
        let known = hashes.compactMap { given[$0]?.address ?? addresses[$0] }
        if addresses.count + given.count > Self.addressLimit { addresses = [:] }
        if transactions.count + given.count > Self.transactionLimit { transactions = [:] }
        for (hash, transaction) in given { addresses[hash] = transaction.address }
        transactions.merge(given) { first, _ in first }
        return known.count == hashes.count ? known : nil
    }

    func isCrowded(_ address: Hash) -> Bool { crowded.contains(address) }

    func note(_ address: Hash, isCrowded: Bool) {
        guard isCrowded else {
            crowded.remove(address)
            return
        }
        if crowded.count >= Self.crowdedLimit { crowded = [] }
        crowded.insert(address)
    }

    /// Gives transactions away: whoever asks keeps what he needs.
    func take(_ hashes: [Hash]) -> [Hash: Transaction] {
        var taken: [Hash: Transaction] = [:]
        for hash in hashes {
            if let transaction = transactions.removeValue(forKey: hash) {
                taken[hash] = transaction
            }
        }
        return taken
    }
}
