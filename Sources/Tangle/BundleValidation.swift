import Ternary

/// What makes transactions a bundle (tangle, *Bundle*).
enum BundleValidation {
    /// Iotas that there are.
    static let supply: Int64 = 2_779_530_283_277_761

    /// Checks a whole bundle, index 0 first.
    static func check(_ transactions: [Transaction], hashes: [Hash]) throws(BundleFault) {
        guard let tail = transactions.first else { throw .empty }
        let count = try self.count(statedBy: tail)
        guard count == transactions.count else {
            throw .wrongCount(expected: Int64(count), actual: transactions.count)
        }
        for (position, transaction) in transactions.enumerated() {
            try checkPlace(of: transaction, at: position, inBundleOf: tail)
            if position + 1 < count, !transaction.has(hashes[position + 1], in: .trunk) {
                throw .wrongTrunk(position: position)
            }
        }
        try checkValues(transactions)
        guard tail.has(bundleHash(of: transactions), in: .bundle) else { throw .wrongBundleHash }
    }

    /// The number of transactions that a tail's last index says, 1...`maximumTransactions`.
    static func count(statedBy tail: Transaction) throws(BundleFault) -> Int {
        guard tail.currentIndex == 0 else { throw .notATail(index: tail.currentIndex) }
        let lastIndex = tail.lastIndex
        guard lastIndex >= 0 else { throw .negativeLastIndex(lastIndex) }
        guard lastIndex < Bundle.maximumTransactions else {
            throw .tooManyTransactions(lastIndex: lastIndex)
        }
        return Int(lastIndex) + 1
    }

    /// What can be said of one transaction before the others are there.
    static func checkPlace(
        of transaction: Transaction, at position: Int, inBundleOf tail: Transaction
    ) throws(BundleFault) {
        guard transaction.currentIndex == position else {
            throw .wrongIndex(position: position, index: transaction.currentIndex)
        }
        guard transaction.lastIndex == tail.lastIndex else {
            throw .differingLastIndex(position: position)
        }
        guard transaction.hasSame(.bundle, as: tail) else {
            throw .differingBundleHash(position: position)
        }
    }

    private static func checkValues(_ transactions: [Transaction]) throws(BundleFault) {
        var sum: Int64 = 0
        for (position, transaction) in transactions.enumerated() {
            guard let value = transaction.value else {
                throw .unreadableValue(position: position)
            }
            if value != 0, transaction.address.trits.last != 0 {
                throw .valueOnCurlAddress(position: position)
            }
            let (next, overflow) = sum.addingReportingOverflow(value)
            guard !overflow, (-supply...supply).contains(next) else {
                throw .valueBeyondSupply(position: position)
            }
            sum = next
        }
        guard sum == 0 else { throw .unbalancedValues }
    }

    /// Kerl over the essences in index order.
    static func bundleHash(of transactions: [Transaction]) -> Hash {
        // An essence is two whole blocks.
        var kerl = Kerl()
        for transaction in transactions {
            transaction.trytes.ascii.withUnsafeBufferPointer {
                kerl.absorb(UnsafeBufferPointer(rebasing: $0[TransactionLayout.essence]))
            }
        }
        return kerl.hash()
    }
}
