import Tangle
import Ternary

/// A transaction as the ledger keeps it.
package struct LedgerEntry: Sendable, Hashable {
    /// What the transaction is known by; whoever makes an entry has checked it, or means it not to fit.
    package let hash: Hash
    package let transaction: Transaction
    /// The milestone that confirmed it; nil while it is pending.
    package let milestone: Int?

    package init(hash: Hash, transaction: Transaction, milestone: Int?) {
        self.hash = hash
        self.transaction = transaction
        self.milestone = milestone
    }
}

/// What `findTransactions` looks for: any value inside one list, all lists that are there
/// (tangle, *IRI's HTTP API*). A query without lists finds nothing.
package struct LedgerQuery: Sendable, Hashable {
    package var addresses: [Hash]?
    package var bundles: [Hash]?
    /// 27 trytes each.
    package var tags: [Trytes]?
    package var approvees: [Hash]?

    package init(
        addresses: [Hash]? = nil, bundles: [Hash]? = nil, tags: [Trytes]? = nil,
        approvees: [Hash]? = nil
    ) {
        self.addresses = addresses
        self.bundles = bundles
        self.tags = tags
        self.approvees = approvees
    }
}
