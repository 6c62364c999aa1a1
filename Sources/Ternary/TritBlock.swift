import CCurlP

/// 243 trits as two planes of bits, the form in which sponges give and take them: a hash, a
/// fragment of a signature, or a part of a message.
package struct TritBlock: Sendable {
    /// 243.
    package static let tritCount = CurlP.rateCount
    /// 81.
    package static let tryteCount = tritCount / 3

    var planes = curlp_block()

    /// For what is written to at once.
    init(uninitialized: Void) {}

    /// 243 zeros.
    package init() { self.init(trytes: Hash.null.trytes) }

    /// The first 81 trytes; what is missing counts as `9`.
    package init(trytes: Trytes) {
        let ascii = trytes.padded(to: Self.tryteCount).ascii
        ascii.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            curlp_block_of_trytes(start, &planes)
        }
    }

    /// The `count` trits from `start` on; clamped to what is there.
    package func trits(from start: Int = 0, count: Int = tritCount) -> [Trit] {
        let start = min(max(start, 0), Self.tritCount)
        let count = min(max(count, 0), Self.tritCount - start)
        return [Trit](unsafeUninitializedCapacity: count) { trits, filled in
            guard let first = trits.baseAddress else { return }
            withUnsafePointer(to: planes) { curlp_block_trits($0, start, first, count) }
            filled = count
        }
    }

    /// The sum of the trits of each third, 81 trits.
    package var sumsOfThirds: (Int, Int, Int) {
        let (low, high) = (planes.low, planes.high)
        // The thirds end in the words 1, 2 and 3, after 17, 34 and 51 bits.
        let first = Self.sum(low.0, high.0, .max) + Self.sum(low.1, high.1, 1 << 17 - 1)
        let second =
            Self.sum(low.1, high.1, ~(1 << 17 - 1)) + Self.sum(low.2, high.2, 1 << 34 - 1)
        let third =
            Self.sum(low.2, high.2, ~(1 << 34 - 1)) + Self.sum(low.3, high.3, 1 << 51 - 1)
        return (first, second, third)
    }

    /// A trit is its high bit less its low one.
    private static func sum(_ low: UInt64, _ high: UInt64, _ mask: UInt64) -> Int {
        (high & mask).nonzeroBitCount - (low & mask).nonzeroBitCount
    }
}

extension TritBlock: Hashable {
    /// Of the trits alone: what the bits beyond them are says nothing. Takes the same time
    /// wherever the first difference is.
    package static func == (one: TritBlock, other: TritBlock) -> Bool {
        let (a, b) = (one.planes, other.planes)
        var difference = (a.low.0 ^ b.low.0) | (a.high.0 ^ b.high.0)
        difference |= (a.low.1 ^ b.low.1) | (a.high.1 ^ b.high.1)
        difference |= (a.low.2 ^ b.low.2) | (a.high.2 ^ b.high.2)
        difference |= ((a.low.3 ^ b.low.3) | (a.high.3 ^ b.high.3)) & (1 << 51 - 1)
        return difference == 0
    }

    package func hash(into hasher: inout Hasher) {
        for plane in [planes.low, planes.high] {
            hasher.combine(plane.0)
            hasher.combine(plane.1)
            hasher.combine(plane.2)
            hasher.combine(plane.3 & (1 << 51 - 1))
        }
    }
}

extension Hash {
    package init(_ block: TritBlock) {
        let ascii = [UInt8](unsafeUninitializedCapacity: Self.tryteCount) { bytes, filled in
            guard let first = bytes.baseAddress else { return }
            withUnsafePointer(to: block.planes) { curlp_block_trytes($0, first) }
            filled = Self.tryteCount
        }
        self.init(validated: ascii)
    }
}
