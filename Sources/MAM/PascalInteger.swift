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
        let trytes = try leadingTrytes(trits)
        let signCount = signTritCount(tryteCount: trytes.count)
        let tritCount = trytes.count * 3 + signCount
        guard trits.count >= tritCount else { throw .truncated }
        if trits.prefix(zero.count).elementsEqual(zero) { return (0, zero.count) }
        let signs = number(trits.dropFirst(trytes.count * 3).prefix(signCount))
        guard signs >= 0 else { throw .negativeSignWord }
        guard signs >> trytes.count == 0 else { throw .excessSignBits }
        guard signs >> (trytes.count - 1) == 0 else { throw .negative }
        var value = 0
        for (index, tryte) in trytes.enumerated().reversed() {
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

    /// The values of the trytes up to and including the first positive one.
    private static func leadingTrytes(_ trits: ArraySlice<Trit>) throws(Fault) -> [Int] {
        var trytes: [Int] = []
        while trytes.count < maximumTryteCount {
            let three = trits.dropFirst(trytes.count * 3).prefix(3)
            guard three.count == 3 else { throw .truncated }
            trytes.append(number(three))
            if let last = trytes.last, last > 0 { return trytes }
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
    private static func number(_ trits: ArraySlice<Trit>) -> Int {
        trits.reversed().reduce(0) { $0 * 3 + Int($1) }
    }
}
