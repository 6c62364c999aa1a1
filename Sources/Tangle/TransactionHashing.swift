import Ternary

/// Transaction hashes, many at a time: a few dozen and more are hashed side by side, which takes
/// about a tenth of the time. Callers that have several transactions hand them over together.
package enum TransactionHashing {
    /// The hashes in the order of the transactions.
    package static func hashes(of transactions: [Transaction]) -> [Hash] {
        CurlPBatch.hashes(of: transactions.map(\.trytes), rounds: .transaction)
    }

    /// The hashes of transactions in t5b1, in their order, without unpacking them; nil for what
    /// `Transaction(packed:)` would refuse.
    package static func hashes(ofPacked transactions: [[UInt8]]) -> [Hash?] {
        CurlPBatch.hashes(
            ofPacked: transactions, tritCount: Transaction.tritCount, rounds: .transaction)
    }

    /// The same of transactions that stand one after the other as 2,673 characters of the alphabet
    /// each: 81 characters for each, in their order.
    package static func hashes(ofRows rows: [UInt8]) -> [UInt8] {
        CurlPBatch.hashes(ofRows: rows, length: Transaction.tryteCount, rounds: .transaction)
    }
}
