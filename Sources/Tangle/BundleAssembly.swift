import Ternary

/// What became of looking for a bundle.
package enum BundleOutcome: Hashable, Sendable {
    case complete(Bundle)
    /// Not known yet: these transactions are wanted, and then perhaps more.
    case missing(Set<Hash>)
    /// What is known can never become a bundle.
    case invalid(BundleFault)
}

/// Finds a bundle from its tail (tangle, *Bundle*).
package enum BundleAssembly {
    /// Follows the trunks from `tail` and stops at its last index: what lies beyond, such as
    /// the instance before a reattachment, does not belong to it.
    ///
    /// Each step wants the next index, so a cycle ends at its first repetition. At most
    /// `Bundle.maximumTransactions` look-ups.
    ///
    /// - Parameter lookup: gives the transaction that has this hash and no other (who fetches
    ///   transactions checks that), nil where it is not known.
    package static func assemble(
        tail: Hash, lookup: (Hash) -> Transaction?
    ) -> BundleOutcome {
        guard let first = lookup(tail) else { return .missing([tail]) }
        do throws(BundleFault) {
            let count = try BundleValidation.count(statedBy: first)
            var transactions = [first]
            var hashes = [tail]
            while transactions.count < count {
                let next = transactions[transactions.count - 1].trunk
                guard let transaction = lookup(next) else { return .missing([next]) }
                try BundleValidation.checkPlace(
                    of: transaction, at: transactions.count, inBundleOf: first)
                transactions.append(transaction)
                hashes.append(next)
            }
            return .complete(try Bundle(transactions, hashes: hashes))
        } catch {
            return .invalid(error)
        }
    }
}
