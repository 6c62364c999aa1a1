import Ternary

/// A payload and the keys to read it with.
package struct ReadRequest: Sendable {
    /// A payload's trits in one of the forms in which they are stored and sent.
    package enum Payload: Sendable {
        case trytes(Trytes)
        /// Readable t5b1, five trits a byte, of so many trits.
        case packed([UInt8], tritCount: Int)

        package var tritCount: Int {
            switch self {
            case .trytes(let trytes): trytes.count * 3
            case .packed(_, let tritCount): tritCount
            }
        }

        /// Calls with the bytes, one for each three or five trits.
        func withBytes<Result>(
            _ body: (UnsafeRawBufferPointer, CurlPSponges.Format) -> Result
        ) -> Result {
            switch self {
            case .trytes(let trytes): trytes.ascii.withUnsafeBytes { body($0, .trytes) }
            case .packed(let bytes, _): bytes.withUnsafeBytes { body($0, .t5b1) }
            }
        }
    }

    /// All fragments of a bundle in index order; with `Verification.alreadyVerified` the
    /// head is enough.
    package var payload: Payload
    /// The root at whose address the payload lies.
    package var root: Root
    /// Nil for a public or private channel.
    package var sideKey: SideKey?

    package init(payload: Trytes, root: Root, sideKey: SideKey? = nil) {
        self.payload = .trytes(payload)
        self.root = root
        self.sideKey = sideKey
    }

    /// - Parameter packed: t5b1 of `tritCount` trits.
    /// - Throws: what `T5B1.unpack` would throw for it.
    package init(
        packed: [UInt8], tritCount: Int, root: Root, sideKey: SideKey? = nil
    ) throws(TernaryError) {
        try T5B1.check(packed, tritCount: tritCount)
        payload = .packed(packed, tritCount: tritCount)
        self.root = root
        self.sideKey = sideKey
    }
}

/// How far to distrust a payload.
package enum Verification: Sendable {
    /// A message only if its signature leads to the root.
    case full
    /// Decrypts only: for payloads whose signature was checked when they were archived. What
    /// follows the head is neither needed nor looked at.
    case alreadyVerified
}
