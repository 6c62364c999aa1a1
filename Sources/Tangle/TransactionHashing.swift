import Ternary

/// Transaction hashes, many at a time. Callers that have several transactions hand them over
/// together, so that an engine that hashes them side by side can stand behind this.
package enum TransactionHashing {
    /// The hashes in the order of the transactions.
    package static func hashes(of transactions: [Transaction]) -> [Hash] {
        transactions.map { $0.hash() }
    }
}
