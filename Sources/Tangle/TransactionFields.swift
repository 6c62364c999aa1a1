import Ternary

/// The fields of a transaction to be written; everything is 0 or `9` until it is set.
package struct TransactionFields: Hashable, Sendable {
    /// At most 2,187 trytes; filled with `9`.
    package var signatureMessageFragment = Trytes(validated: [])
    package var address = Hash.null
    /// In iotas; at most 33 trits.
    package var value: Int64 = 0
    /// At most 27 trytes; filled with `9`.
    package var obsoleteTag = Trytes(validated: [])
    /// Seconds since 1970; this and the other numbers take at most 27 trits.
    package var timestamp: Int64 = 0
    package var currentIndex: Int64 = 0
    package var lastIndex: Int64 = 0
    package var bundle = Hash.null
    package var trunk = Hash.null
    package var branch = Hash.null
    /// At most 27 trytes; filled with `9`.
    package var tag = Trytes(validated: [])
    /// Milliseconds since 1970.
    package var attachmentTimestamp: Int64 = 0
    package var attachmentTimestampLowerBound: Int64 = 0
    package var attachmentTimestampUpperBound: Int64 = 0
    /// At most 27 trytes; filled with `9`.
    package var nonce = Trytes(validated: [])

    package init() {}

    /// - Throws: `TangleError.numberOutOfRange` where the value field has more than 33 trits.
    package init(_ transaction: Transaction) throws(TangleError) {
        guard let value = transaction.value else { throw .numberOutOfRange(.value) }
        signatureMessageFragment = transaction.signatureMessageFragment
        address = transaction.address
        self.value = value
        obsoleteTag = transaction.obsoleteTag
        timestamp = transaction.timestamp
        currentIndex = transaction.currentIndex
        lastIndex = transaction.lastIndex
        bundle = transaction.bundle
        trunk = transaction.trunk
        branch = transaction.branch
        tag = transaction.tag
        attachmentTimestamp = transaction.attachmentTimestamp
        attachmentTimestampLowerBound = transaction.attachmentTimestampLowerBound
        attachmentTimestampUpperBound = transaction.attachmentTimestampUpperBound
        nonce = transaction.nonce
    }

    /// - Throws: `TangleError.fieldTooLong` or `numberOutOfRange` where a field has no room.
    package func transaction() throws(TangleError) -> Transaction {
        var ascii: [UInt8] = []
        ascii.reserveCapacity(Transaction.tryteCount)
        for field in TransactionLayout.Field.allCases {
            ascii += try trytes(of: field).ascii
        }
        return try Transaction(trytes: Trytes(validated: ascii))
    }

    private func trytes(of field: TransactionLayout.Field) throws(TangleError) -> Trytes {
        switch field {
        case .signatureMessageFragment: try fitted(signatureMessageFragment, field)
        case .address: address.trytes
        case .value:
            try number(value, field, count: TransactionLayout.usedValueTryteCount)
                .padded(to: field.range.count)
        case .obsoleteTag: try fitted(obsoleteTag, field)
        case .timestamp: try number(timestamp, field)
        case .currentIndex: try number(currentIndex, field)
        case .lastIndex: try number(lastIndex, field)
        case .bundle: bundle.trytes
        case .trunk: trunk.trytes
        case .branch: branch.trytes
        case .tag: try fitted(tag, field)
        case .attachmentTimestamp: try number(attachmentTimestamp, field)
        case .attachmentTimestampLowerBound: try number(attachmentTimestampLowerBound, field)
        case .attachmentTimestampUpperBound: try number(attachmentTimestampUpperBound, field)
        case .nonce: try fitted(nonce, field)
        }
    }

    private func fitted(
        _ trytes: Trytes, _ field: TransactionLayout.Field
    ) throws(TangleError) -> Trytes {
        guard trytes.count <= field.range.count else {
            throw .fieldTooLong(field, limit: field.range.count)
        }
        return trytes.padded(to: field.range.count)
    }

    private func number(
        _ value: Int64, _ field: TransactionLayout.Field, count: Int? = nil
    ) throws(TangleError) -> Trytes {
        guard let trytes = BalancedInteger.trytes(value, count: count ?? field.range.count) else {
            throw .numberOutOfRange(field)
        }
        return trytes
    }
}
