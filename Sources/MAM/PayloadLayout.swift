import Ternary

/// What a payload tells without any key (mam-v0, *The payload*).
package struct PayloadLayout: Hashable, Sendable {
    /// Trits of the nonce.
    package static let nonceTritCount = 81

    /// The leaf's index in its tree, as the payload claims it.
    package let index: UInt64
    /// Trits of the message; it lies within the payload that was parsed.
    package let messageTritCount: Int
    /// Trits of the two integers, which are not masked.
    package let headerTritCount: Int

    /// Trits up to and including the nonce: what decrypting needs.
    package var headTritCount: Int {
        headerTritCount + Hash.tritCount + messageTritCount + Self.nonceTritCount
    }

    /// The whole trytes that hold the head; the last one may have trits of the signature.
    package var headTryteCount: Int { (headTritCount + 2) / 3 }

    /// Reads the two integers of `payload` and checks that the head they tell of is there.
    ///
    /// - Throws: `truncated` or `malformed` for the parts `index` to `nonce`.
    package static func parse(_ payload: Trytes) throws(ReadError) -> PayloadLayout {
        let first = payload[0..<(headerLimit + 2) / 3].trits
        let result: Result<PayloadLayout, ReadError> = first.withUnsafeBufferPointer { trits in
            Result { () throws(ReadError) in
                try parse(trits, payloadTritCount: payload.count * 3)
            }
        }
        return try result.get()
    }

    /// The same in whatever form.
    static func parse(_ payload: ReadRequest.Payload) -> Result<PayloadLayout, ReadError> {
        withUnsafeTemporaryAllocation(of: Trit.self, capacity: headerLimit) { trits in
            let count = payload.withBytes { CurlPSponges.read($0, $1, into: trits) }
            let there = UnsafeBufferPointer(rebasing: trits[..<min(count, payload.tritCount)])
            return Result { () throws(ReadError) in
                try parse(there, payloadTritCount: payload.tritCount)
            }
        }
    }

    /// The most trits that the two integers take.
    static let headerLimit = 2 * PascalInteger.maximumTritCount

    /// The same from the first `headerLimit` trits of the payload, or all that there are.
    static func parse(
        _ trits: UnsafeBufferPointer<Trit>, payloadTritCount: Int
    ) throws(ReadError) -> PayloadLayout {
        let index = try integer(.index, trits)
        let length = try integer(
            .length, UnsafeBufferPointer(rebasing: trits[index.tritCount...]))
        let header = index.tritCount + length.tritCount
        let afterRoot = payloadTritCount - header - Hash.tritCount
        guard afterRoot >= 0 else { throw .truncated(.nextRoot) }
        guard length.value <= UInt64(afterRoot) else { throw .truncated(.message) }
        let messageTritCount = Int(length.value)
        guard afterRoot - messageTritCount >= nonceTritCount else { throw .truncated(.nonce) }
        return PayloadLayout(
            index: index.value, messageTritCount: messageTritCount, headerTritCount: header)
    }

    static func integer(
        _ part: PayloadPart, _ trits: UnsafeBufferPointer<Trit>
    ) throws(ReadError) -> (value: UInt64, tritCount: Int) {
        do {
            return try PascalInteger.read(trits)
        } catch .truncated {
            throw .truncated(part)
        } catch {
            throw .malformed(part, error)
        }
    }
}
