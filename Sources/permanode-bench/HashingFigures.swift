import Tangle
import Ternary

/// Hashing transactions, as the crawler does with all it fetches, and proof of work.
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
        return try [
            Figure(
                "nonces tried for a proof of work, one core", noncesTried(for: first), "nonces/s",
                comparedWith: ("truth table, of whole transactions", 1 / plainSeconds)),
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

    /// A second, while none will do.
    private static func noncesTried(for transaction: Transaction) throws -> Double {
        let trits = transaction.trytes.trits
        var sponge = CurlP(rounds: .transaction)
        sponge.absorb(trits.dropLast(CurlP.rateCount))
        guard
            var search = CurlPSearch(
                sponge, block: trits.suffix(CurlP.rateCount), count: 81, zeros: CurlP.rateCount)
        else { throw BenchError("no search could begin") }
        let times = 20
        let seconds = Timing.seconds { _ = search.run(times: times) }
        return Double(times * search.width) / seconds
    }

    private static func plainHash(_ transaction: Transaction) throws -> Hash {
        var curl = TruthTableCurl(rounds: .transaction)
        curl.absorb(transaction.trytes.trits)
        return try Hash(trits: curl.rate)
    }
}
