import Tangle
import Ternary

/// Hashing transactions, as the crawler does with all it fetches.
enum HashingFigures {
    private static let count = 512

    static func measure() throws -> [Figure] {
        let payload = Trytes(
            validated: (0..<count * 2187).map { UInt8(ascii: "A") + UInt8($0 % 26) })
        let transactions = try BundleBuilder.bundle(
            address: .null, messageTrytes: payload, tag: Trytes(validated: []).padded(to: 27),
            timestamp: 1_600_000_000)
        guard let first = transactions.first else { throw BenchError("there is no transaction") }
        guard try TransactionHashing.hashes(of: transactions) == transactions.map(plainHash) else {
            throw BenchError("a transaction's hash is wrong")
        }
        let seconds = Timing.seconds { _ = TransactionHashing.hashes(of: transactions) }
        let packed = transactions.map(\.packed)
        guard
            TransactionHashing.hashes(ofPacked: packed)
                == TransactionHashing.hashes(of: transactions)
        else { throw BenchError("a packed transaction's hash is wrong") }
        let packedSeconds = Timing.seconds { _ = TransactionHashing.hashes(ofPacked: packed) }
        let plainSeconds = try Timing.seconds { _ = try plainHash(first) }
        return [
            Figure(
                "transactions hashed from packed bytes, \(transactions.count) at once",
                Double(transactions.count) / packedSeconds, "transactions/s",
                comparedWith: ("truth table", 1 / plainSeconds)),
            Figure(
                "transactions hashed, \(transactions.count) at once",
                Double(transactions.count) / seconds, "transactions/s",
                comparedWith: ("truth table", 1 / plainSeconds)),
        ]
    }

    private static func plainHash(_ transaction: Transaction) throws -> Hash {
        var curl = TruthTableCurl(rounds: .transaction)
        curl.absorb(transaction.trytes.trits)
        return try Hash(trits: curl.rate)
    }
}
