import Ternary

/// One instance of a bundle that is complete and valid (tangle, *Bundle*).
///
/// Its identity is its tail's hash; several instances, even with different payloads, may have
/// one bundle hash. That it is valid says nothing about who wrote it.
package struct Bundle: Hashable, Sendable {
    /// The longest bundle that is followed: 2.2 million trytes of payload, which is a megabyte
    /// of text, and more than twice what fits a node's limit of a million characters a request.
    package static let maximumTransactions = 1000

    /// Index 0 first; never empty.
    package let transactions: [Transaction]
    /// Of the transactions, in the same order.
    package let hashes: [Hash]
    package let tail: Hash
    package let bundleHash: Hash
    /// The tail's address; in MAM, that of all transactions.
    package let address: Hash

    /// Hashes the transactions and checks everything.
    ///
    /// - Parameter transactions: index 0 first.
    /// - Throws: the first `BundleFault` that is found.
    package init(_ transactions: [Transaction]) throws(BundleFault) {
        guard transactions.count <= Self.maximumTransactions else {
            throw .tooManyTransactions(lastIndex: Int64(transactions.count) - 1)
        }
        try self.init(transactions, hashes: TransactionHashing.hashes(of: transactions))
    }

    /// The same where the hashes are known to be those of the transactions.
    package init(_ transactions: [Transaction], hashes: [Hash]) throws(BundleFault) {
        guard let first = transactions.first, let tail = hashes.first,
            transactions.count == hashes.count
        else { throw .empty }
        try BundleValidation.check(transactions, hashes: hashes)
        self.transactions = transactions
        self.hashes = hashes
        self.tail = tail
        bundleHash = first.bundle
        address = first.address
    }

    /// All signature message fragments in index order: 2,187 trytes a transaction.
    package var messageTrytes: Trytes {
        let fragment = TransactionLayout.Field.signatureMessageFragment.range
        var ascii: [UInt8] = []
        ascii.reserveCapacity(transactions.count * fragment.count)
        for transaction in transactions { ascii += transaction.trytes.ascii[fragment] }
        return Trytes(validated: ascii)
    }
}
