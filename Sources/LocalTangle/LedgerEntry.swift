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
