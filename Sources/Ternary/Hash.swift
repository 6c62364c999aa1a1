/// A hash, address or bundle hash: 243 trits, 81 trytes.
///
/// For roots, which are keys, `MAM.Root` is the type to use.
package struct Hash: Hashable, Sendable {
    package static let tritCount = 243
    package static let tryteCount = 81
    /// Bytes of a hash in t5b1.
    package static let packedCount = 49

    /// 81 times `9`.
    package static let null = Hash(
        validated: [UInt8](repeating: TryteAlphabet.nine, count: tryteCount))

    /// The 81 characters.
    package let trytes: Trytes

    /// - Throws: `TernaryError.wrongLength` unless there are 81 trytes.
    package init(trytes: Trytes) throws(TernaryError) {
        guard trytes.count == Self.tryteCount else {
            throw .wrongLength(expected: Self.tryteCount, actual: trytes.count)
        }
        self.trytes = trytes
    }

    /// - Throws: `TernaryError` for a wrong length or a character outside the alphabet.
    package init(_ text: some StringProtocol) throws(TernaryError) {
        try self.init(trytes: Trytes(text))
    }

    /// - Throws: `TernaryError.wrongLength` unless there are 243 trits.
    package init(trits: some Collection<Trit>) throws(TernaryError) {
        guard trits.count == Self.tritCount else {
            throw .wrongLength(expected: Self.tritCount, actual: trits.count)
        }
        trytes = Trytes(trits: trits)
    }

    /// - Throws: `TernaryError` unless `packed` is 49 bytes of t5b1 with zeros beyond trit 243.
    package init(packed: some Collection<UInt8>) throws(TernaryError) {
        try self.init(trytes: T5B1.unpackTrytes(Array(packed), tryteCount: Self.tryteCount))
    }

    /// Skips validation, of the number of trytes as well: there are 81, of the alphabet.
    init(validated ascii: [UInt8]) {
        trytes = Trytes(validated: ascii)
    }

    /// The 81 trytes of `trytes` from `offset` on; what is missing there counts as `9`.
    package init(of trytes: Trytes, at offset: Int) {
        self.trytes = trytes[offset..<(offset + Self.tryteCount)].padded(to: Self.tryteCount)
    }

    package var trits: [Trit] { trytes.trits }

    /// The 49 bytes of t5b1.
    package var packed: [UInt8] { T5B1.pack(trytes) }
}

extension Hash: CustomStringConvertible {
    package var description: String { trytes.description }
}

extension Hash: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(trytes: Trytes(from: decoder))
    }

    package func encode(to encoder: any Encoder) throws {
        try trytes.encode(to: encoder)
    }
}
