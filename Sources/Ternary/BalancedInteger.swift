/// Integers in balanced ternary, least significant trit first (tangle, *Transaction*).
package enum BalancedInteger {
    /// - Throws: `TernaryError.integerOverflow` where the number does not fit 64 bits.
    package static func value(_ trits: some Collection<Trit>) throws(TernaryError) -> Int64 {
        var value: Int64 = 0
        for trit in Array(trits).reversed() {
            // In 128 bits, because near the bounds three times the value leaves 64 bits and
            // the trit brings it back.
            guard let sum = Int64(exactly: Int128(value) * 3 + Int128(trit)) else {
                throw .integerOverflow
            }
            value = sum
        }
        return value
    }

    /// The same of trytes; up to 13 of them always fit.
    ///
    /// - Throws: `TernaryError.integerOverflow` where the number does not fit 64 bits.
    package static func value(_ trytes: Trytes) throws(TernaryError) -> Int64 {
        try value(trytes.trits)
    }

    /// `value` in `count` trits, nil where it does not fit them or `count` is negative.
    package static func trits(_ value: Int64, count: Int) -> [Trit]? {
        guard count >= 0 else { return nil }
        var trits = [Trit](repeating: 0, count: count)
        var rest = value
        for index in trits.indices where rest != 0 {
            let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 3)
            switch remainder {
            case 2: (trits[index], rest) = (-1, quotient + 1)
            case -2: (trits[index], rest) = (1, quotient - 1)
            default: (trits[index], rest) = (Trit(remainder), quotient)
            }
        }
        return rest == 0 ? trits : nil
    }

    /// `value` in `count` trytes, nil where it does not fit them or `count` is negative.
    package static func trytes(_ value: Int64, count: Int) -> Trytes? {
        let (tritCount, overflow) = count.multipliedReportingOverflow(by: 3)
        guard !overflow else { return nil }
        return trits(value, count: tritCount).map { Trytes(trits: $0) }
    }
}
