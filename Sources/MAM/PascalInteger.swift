import Ternary

/// The self-delimiting integers of a payload (mam-v0, *Pascal integers*).
package enum PascalInteger {
    /// The most whole trytes a value takes: what fits 64 bits.
    package static let maximumTryteCount = 13
    /// The most trits a value takes: 13 trytes and a sign word of 9 trits.
    package static let maximumTritCount = 48
    /// The largest value of 13 trytes, (27^13 - 1) / 2.
    package static let maximumValue: UInt64 = 2_026_277_576_509_488_133

    /// Zero has an encoding of its own.
    private static let zero: [Trit] = [1, 0, 0, -1]

    /// Why trits are no pascal integer.
    package enum Fault: Error, Hashable, Sendable {
        /// The trits end before the integer does.
        case truncated
        /// Thirteen trytes, and none of them positive.
        case endless
        /// A sign word below 0 that is not zero's.
        case negativeSignWord
        /// A sign word that negates trytes which are not there.
        case excessSignBits
        /// A sign word that negates the last tryte.
        case negative
    }

    /// The integer at the start of `trits`, and how many trits it takes.
    package static func read(
        _ trits: ArraySlice<Trit>
    ) throws(Fault) -> (value: UInt64, tritCount: Int) {
        // Typed errors do not pass through the closure.
        let result: Result<(value: UInt64, tritCount: Int), Fault> =
            trits.withUnsafeBufferPointer { buffer in
                Result { () throws(Fault) in try read(buffer) }
            }
        return try result.get()
    }

    /// The same, without a copy.
    static func read(
        _ trits: UnsafeBufferPointer<Trit>
    ) throws(Fault) -> (value: UInt64, tritCount: Int) {
        let tryteCount = try leadingTryteCount(trits)
        let signCount = signTritCount(tryteCount: tryteCount)
        let tritCount = tryteCount * 3 + signCount
        guard trits.count >= tritCount else { throw .truncated }
        if trits[0] == 1, trits[1] == 0, trits[2] == 0, trits[3] == -1 { return (0, 4) }
        let signs = number(trits, from: tryteCount * 3, count: signCount)
        guard signs >= 0 else { throw .negativeSignWord }
        guard signs >> tryteCount == 0 else { throw .excessSignBits }
        guard signs >> (tryteCount - 1) == 0 else { throw .negative }
        var value = 0
        for index in (0..<tryteCount).reversed() {
            let tryte = number(trits, from: index * 3, count: 3)
            value = value * 27 + (signs >> index & 1 == 1 ? -tryte : tryte)
        }
        // Not negative: the last tryte is positive and outweighs all before it.
        return (UInt64(value), tritCount)
    }

    /// The trits of `value`; nil for one above `maximumValue`.
    package static func trits(_ value: UInt64) -> [Trit]? {
        guard value <= maximumValue else { return nil }
        guard value > 0 else { return zero }
        var trits: [Trit] = []
        var signs = 0
        var tryteCount = 0
        var rest = Int(value)
        while rest > 0 {
            let tryte = (rest + 13) % 27 - 13
            rest = (rest - tryte) / 27
            // Only the last tryte may stand as positive, because reading stops at the first.
            let negated = rest > 0 && tryte > 0
            if negated { signs |= 1 << tryteCount }
            guard
                let three = BalancedInteger.trits(Int64(negated ? -tryte : tryte), count: 3)
            else { return nil }
            trits += three
            tryteCount += 1
        }
        let signCount = signTritCount(tryteCount: tryteCount)
        return BalancedInteger.trits(Int64(signs), count: signCount).map { trits + $0 }
    }

    /// Trytes up to and including the first positive one.
    private static func leadingTryteCount(
        _ trits: UnsafeBufferPointer<Trit>
    ) throws(Fault) -> Int {
        for count in 1...maximumTryteCount {
            guard trits.count >= count * 3 else { throw .truncated }
            if number(trits, from: count * 3 - 3, count: 3) > 0 { return count }
        }
        throw .endless
    }

    /// As many trits as 2^`tryteCount` - 1 needs in balanced ternary.
    private static func signTritCount(tryteCount: Int) -> Int {
        let largest = 1 << tryteCount - 1
        var count = 0
        var reach = 0
        while reach < largest {
            reach = reach * 3 + 1
            count += 1
        }
        return count
    }

    /// At most 9 trits as a number.
    private static func number(
        _ trits: UnsafeBufferPointer<Trit>, from start: Int, count: Int
    ) -> Int {
        var value = 0
        for index in (start..<start + count).reversed() { value = value * 3 + Int(trits[index]) }
        return value
    }
}
