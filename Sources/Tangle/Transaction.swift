import Ternary

/// One transaction of the legacy Tangle: 2,673 trytes of fixed layout, whatever they say
/// (tangle, *Transaction*). Every 2,673 trytes are one; only a bundle can be invalid.
package struct Transaction: Hashable, Sendable {
    package static let tryteCount = 2673
    package static let tritCount = 3 * tryteCount
    /// Bytes of a transaction in t5b1.
    package static let packedCount = 1604

    /// The 2,673 trytes.
    package let trytes: Trytes

    /// - Throws: `TangleError.wrongLength` unless there are 2,673 trytes.
    package init(trytes: Trytes) throws(TangleError) {
        guard trytes.count == Self.tryteCount else {
            throw .wrongLength(expected: Self.tryteCount, actual: trytes.count)
        }
        self.trytes = trytes
    }

    /// - Throws: `TangleError.wrongLength` unless there are 1,604 bytes, `unreadable` unless they
    ///   are t5b1 with zeros beyond trit 8,019.
    package init(packed: [UInt8]) throws(TangleError) {
        guard packed.count == Self.packedCount else {
            throw .wrongLength(expected: Self.packedCount, actual: packed.count)
        }
        do {
            trytes = try T5B1.unpackTrytes(packed, tryteCount: Self.tryteCount)
        } catch {
            throw .unreadable(error)
        }
    }

    /// The 1,604 bytes of t5b1.
    package var packed: [UInt8] { T5B1.pack(trytes) }

    /// Curl-P-81 over all trits. Computed at each call; for several use `TransactionHashing`.
    package func hash() -> Hash {
        Hash(of: Trytes(trits: CurlP.hash(trytes.trits, rounds: .transaction)), at: 0)
    }
}

// The fields as they stand: nothing here is checked, and nothing can fail.
extension Transaction {
    package var signatureMessageFragment: Trytes { self[.signatureMessageFragment] }
    package var address: Hash { hash(.address) }
    /// In iotas, within ± the supply; nil where any of the field's last 48 trits is not 0.
    package var value: Int64? {
        let field = trytes.ascii[TransactionLayout.Field.value.range]
        let nine = TryteAlphabet.nine
        let used = field.prefix(TransactionLayout.usedValueTryteCount)
        guard field[used.endIndex...].allSatisfy({ $0 == nine }) else { return nil }
        return Self.integer(used)
    }
    package var obsoleteTag: Trytes { self[.obsoleteTag] }
    /// Seconds since 1970, as the author claims; may be negative.
    package var timestamp: Int64 { integer(.timestamp) }
    /// May be negative or beyond `lastIndex`.
    package var currentIndex: Int64 { integer(.currentIndex) }
    /// May be negative, and up to 3.8 × 10^12.
    package var lastIndex: Int64 { integer(.lastIndex) }
    package var bundle: Hash { hash(.bundle) }
    package var trunk: Hash { hash(.trunk) }
    package var branch: Hash { hash(.branch) }
    package var tag: Trytes { self[.tag] }
    /// Milliseconds since 1970, as who attached it claims; may be negative.
    package var attachmentTimestamp: Int64 { integer(.attachmentTimestamp) }
    package var attachmentTimestampLowerBound: Int64 { integer(.attachmentTimestampLowerBound) }
    package var attachmentTimestampUpperBound: Int64 { integer(.attachmentTimestampUpperBound) }
    package var nonce: Trytes { self[.nonce] }

    package subscript(field: TransactionLayout.Field) -> Trytes { trytes[field.range] }

    private func hash(_ field: TransactionLayout.Field) -> Hash {
        Hash(of: trytes, at: field.range.lowerBound)
    }

    private func integer(_ field: TransactionLayout.Field) -> Int64 {
        Self.integer(trytes.ascii[field.range])
    }

    /// Up to 13 trytes always fit 64 bits, and no field has more than 11.
    private static func integer(_ ascii: ArraySlice<UInt8>) -> Int64 {
        var value: Int64 = 0
        for character in ascii.reversed() {
            value = value &* 27 &+ Int64(TryteAlphabet.value(of: character) ?? 0)
        }
        return value
    }

    /// Whether a field of 81 trytes is this hash.
    func has(_ hash: Hash, in field: TransactionLayout.Field) -> Bool {
        trytes.ascii[field.range] == hash.trytes.ascii[...]
    }

    /// Whether a field stands in the other transaction as it does in this one.
    func hasSame(_ field: TransactionLayout.Field, as other: Transaction) -> Bool {
        trytes.ascii[field.range] == other.trytes.ascii[field.range]
    }
}
