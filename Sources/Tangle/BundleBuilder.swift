import Ternary

/// Makes the transactions of a message, for the local tangle, the demo and tests.
package enum BundleBuilder {
    /// A bundle without value whose transactions all bear the address, tag and timestamp.
    ///
    /// The obsolete tag is the tag: that it is raised until the normalised hash has no 13 in it
    /// matters for signatures of values alone.
    ///
    /// - Parameters:
    ///   - messageTrytes: cut into fragments of 2,187, the last filled with `9`; an empty
    ///     message takes one transaction.
    ///   - tag: at most 27 trytes.
    ///   - timestamp: seconds since 1970.
    /// - Returns: the transactions in index order, with the bundle hash; trunk, branch, attachment
    ///   times and nonce are left to `Attachment`.
    /// - Throws: `TangleError.messageTooLong`, or what does not fit its field.
    package static func bundle(
        address: Hash, messageTrytes: Trytes, tag: Trytes, timestamp: Int64
    ) throws(TangleError) -> [Transaction] {
        let fragmentCount = TransactionLayout.Field.signatureMessageFragment.range.count
        let count = max(1, (messageTrytes.count + fragmentCount - 1) / fragmentCount)
        guard count <= Bundle.maximumTransactions else {
            throw .messageTooLong(transactions: count)
        }
        var fields: [TransactionFields] = []
        var transactions: [Transaction] = []
        for index in 0..<count {
            var field = TransactionFields()
            let start = index * fragmentCount
            field.signatureMessageFragment = messageTrytes[start..<(start + fragmentCount)]
            field.address = address
            field.obsoleteTag = tag
            field.tag = tag
            field.timestamp = timestamp
            field.currentIndex = Int64(index)
            field.lastIndex = Int64(count - 1)
            fields.append(field)
            transactions.append(try field.transaction())
        }
        let bundleHash = BundleValidation.bundleHash(of: transactions)
        for index in fields.indices {
            fields[index].bundle = bundleHash
            transactions[index] = try fields[index].transaction()
        }
        return transactions
    }
}
