import Ternary

/// Attaching a bundle: trunks, branches, attachment times and proof of work.
package enum Attachment {
    /// The mainnet's weight; each step beyond takes three times as long, and 14 takes seconds
    /// a transaction already.
    package static let maximumWeightMagnitude = 14

    /// The proof of work of a transaction: how many trits at the end of its hash are 0.
    package static func weight(of hash: Hash) -> Int {
        hash.trits.reversed().prefix { $0 == 0 }.count
    }

    /// Attaches from the last transaction to the first, as IRI's attachToTangle does: the last
    /// gets `trunk` and `branch`, every other the hash of the next as its trunk and `trunk` as its
    /// branch. A tag of nines is replaced by the obsolete tag.
    ///
    /// Blocks its thread while it computes: about 3^`minWeightMagnitude` hashes a transaction.
    ///
    /// - Parameters:
    ///   - bundle: in index order; what was attached before is overwritten.
    ///   - attachmentTimestamp: milliseconds since 1970.
    ///   - isCancelled: asked now and then; true ends the search.
    /// - Returns: the transactions in index order.
    /// - Throws: `TangleError.weightOutOfRange`, `numberOutOfRange`, `cancelled`.
    package static func attach(
        _ bundle: [Transaction], trunk: Hash, branch: Hash, minWeightMagnitude: Int,
        attachmentTimestamp: Int64, isCancelled: () -> Bool = { false }
    ) throws(TangleError) -> [Transaction] {
        guard (0...maximumWeightMagnitude).contains(minWeightMagnitude) else {
            throw .weightOutOfRange(minWeightMagnitude)
        }
        guard let time = BalancedInteger.trytes(attachmentTimestamp, count: timeCount) else {
            throw .numberOutOfRange(.attachmentTimestamp)
        }
        var attached: [Transaction] = []
        var next: Hash?
        for transaction in bundle.reversed() {
            var ascii = transaction.trytes.ascii
            func set(_ field: TransactionLayout.Field, _ trytes: Trytes) {
                ascii.replaceSubrange(field.range, with: trytes.ascii)
            }
            set(.trunk, (next ?? trunk).trytes)
            set(.branch, (next == nil ? branch : trunk).trytes)
            set(.attachmentTimestamp, time)
            set(.attachmentTimestampLowerBound, earliest)
            set(.attachmentTimestampUpperBound, latest)
            if transaction.tag.ascii.allSatisfy({ $0 == TryteAlphabet.nine }) {
                set(.tag, transaction.obsoleteTag)
            }
            var search = NonceSearch(
                trits: Trytes(validated: ascii).trits, minWeightMagnitude: minWeightMagnitude)
            let found = try search.run(isCancelled)
            set(.nonce, found.nonce)
            attached.append(try Transaction(trytes: Trytes(validated: ascii)))
            next = found.hash
        }
        return attached.reversed()
    }

    private static let timeCount = TransactionLayout.Field.attachmentTimestamp.range.count
    /// The bounds that clients write: 0 and the largest number.
    private static let earliest = Trytes(validated: []).padded(to: timeCount)
    private static let latest = Trytes(
        validated: [UInt8](repeating: UInt8(ascii: "M"), count: timeCount))
}

/// Looks for a nonce that gives a hash with enough zeros at its end.
///
/// The nonce lies in the last block alone, so the sponge over all others is kept.
private struct NonceSearch {
    private let sponge: CurlP
    private var block: [Trit]
    private let minWeightMagnitude: Int

    /// How often the caller is asked whether to go on: many times a second.
    private static let triesBetweenQuestions = 4096
    private static let nonceCount = TransactionLayout.Field.nonce.range.count * 3

    /// - Parameter trits: of a whole transaction; its nonce is overwritten.
    init(trits: [Trit], minWeightMagnitude: Int) {
        var sponge = CurlP(rounds: .transaction)
        sponge.absorb(trits.dropLast(CurlP.rateCount))
        self.sponge = sponge
        block = Array(trits.suffix(CurlP.rateCount))
        for index in block.indices.suffix(Self.nonceCount) { block[index] = 0 }
        self.minWeightMagnitude = minWeightMagnitude
    }

    mutating func run(_ isCancelled: () -> Bool) throws(TangleError) -> (nonce: Trytes, hash: Hash)
    {
        while true {
            if isCancelled() { throw .cancelled }
            for _ in 0..<Self.triesBetweenQuestions {
                var trial = sponge
                trial.absorb(block)
                let rate = trial.rate
                if rate.suffix(minWeightMagnitude).allSatisfy({ $0 == 0 }) {
                    return (
                        Trytes(trits: block.suffix(Self.nonceCount)),
                        Hash(of: Trytes(trits: rate), at: 0)
                    )
                }
                increment()
            }
        }
    }

    /// The next nonce: balanced ternary counting.
    private mutating func increment() {
        for index in block.indices.suffix(Self.nonceCount) {
            guard block[index] == 1 else {
                block[index] += 1
                return
            }
            block[index] = -1
        }
    }
}
