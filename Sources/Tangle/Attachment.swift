import Ternary

/// Attaching a bundle: trunks, branches, attachment times and proof of work.
package enum Attachment {
    /// The mainnet's weight; each step beyond takes three times as long, and 14 takes half a
    /// second of a processor a transaction already.
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
    ///   - search: how each nonce is found; on the calling thread unless given.
    /// - Returns: the transactions in index order.
    /// - Throws: `TangleError.weightOutOfRange`, `numberOutOfRange`, what `search` throws.
    package static func attach(
        _ bundle: [Transaction], trunk: Hash, branch: Hash, minWeightMagnitude: Int,
        attachmentTimestamp: Int64,
        search: (NonceSearch) throws(TangleError) -> NonceSearch.Found = {
            (search) throws(TangleError) in try search.run()
        }
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
            let found = try search(
                NonceSearch(
                    trits: Trytes(validated: ascii).trits, minWeightMagnitude: minWeightMagnitude))
            set(.nonce, found.nonce)
            attached.append(try Transaction(trytes: Trytes(validated: ascii)))
            next = found.hash
        }
        return attached.reversed()
    }

    private static let timeCount = TransactionLayout.Field.attachmentTimestamp.range.count
    /// The bounds that clients write: 0 and the largest number.
    static let earliest = Trytes(validated: []).padded(to: timeCount)
    static let latest = Trytes(
        validated: [UInt8](repeating: UInt8(ascii: "M"), count: timeCount))
}
