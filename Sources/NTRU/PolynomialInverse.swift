extension Polynomial {
    /// The inverse modulo q, found modulo 2 and lifted by Newton's rounds: 2, 4, 16, 256, 65536.
    ///
    /// - Throws: `NTRUError.notInvertible`.
    func inverse() throws(NTRUError) -> Polynomial {
        guard let binary = BinaryPolynomial(self).inverse() else { throw .notInvertible }
        var inverse = binary.polynomial
        for _ in 0..<4 {
            let rest = self * inverse
            for index in 0..<ParameterSet.degree { rest[index] = 0 &- rest[index] }
            rest[0] &+= 2
            inverse = inverse * rest
        }
        return inverse
    }
}

/// A polynomial modulo 2 and x^N - 1, 64 coefficients a word.
private struct BinaryPolynomial {
    private static let wordCount = (ParameterSet.degree + 63) / 64
    /// Bits of the last word.
    private static let lastBits = UInt64(ParameterSet.degree % 64)

    private let words = WipedMemory<UInt64>(wordCount)

    private init() {}

    init(_ polynomial: Polynomial) {
        for index in 0..<ParameterSet.degree {
            words[index / 64] |= UInt64(polynomial[index] & 1) << UInt64(index % 64)
        }
    }

    var polynomial: Polynomial {
        let polynomial = Polynomial()
        for index in 0..<ParameterSet.degree { polynomial[index] = UInt16(bit(index)) }
        return polynomial
    }

    private func bit(_ index: Int) -> UInt64 { words[index / 64] >> UInt64(index % 64) & 1 }

    /// x^743 - 1 has no factor twice, and all of them have degrees that divide 371. So every unit
    /// has an order that divides 2^371 - 1, and its inverse is its power 2^371 - 2: found by
    /// multiplying only, in a time that does not depend on it.
    func inverse() -> BinaryPolynomial? {
        // The power 2^count - 1, for a count that grows to 370 bit by bit.
        var power = self
        var count = 1
        let target = 370
        for bit in (0..<(Int.bitWidth - target.leadingZeroBitCount - 1)).reversed() {
            power = power.squared(count).times(power)
            count *= 2
            if target >> bit & 1 == 1 {
                power = power.squared(1).times(self)
                count += 1
            }
        }
        let inverse = power.squared(1)
        return inverse.times(self).isOne ? inverse : nil
    }

    private var isOne: Bool {
        var difference = words[0] ^ 1
        for index in 1..<Self.wordCount { difference |= words[index] }
        return difference == 0
    }

    /// Squared so many times: every exponent is multiplied by a power of 2.
    private func squared(_ times: Int) -> BinaryPolynomial {
        var factor = 1
        for _ in 0..<times { factor = factor * 2 % ParameterSet.degree }
        let power = BinaryPolynomial()
        for index in 0..<ParameterSet.degree {
            let place = index * factor % ParameterSet.degree
            power.words[place / 64] |= bit(index) << UInt64(place % 64)
        }
        return power
    }

    private func times(_ right: BinaryPolynomial) -> BinaryPolynomial {
        let product = BinaryPolynomial()
        let rotated = BinaryPolynomial()
        for index in 0..<Self.wordCount { rotated.words[index] = words[index] }
        for index in 0..<ParameterSet.degree {
            let chosen = 0 &- right.bit(index)
            for word in 0..<Self.wordCount {
                product.words[word] ^= rotated.words[word] & chosen
            }
            rotated.rotate()
        }
        return product
    }

    /// Multiplies by x.
    private func rotate() {
        let last = Self.wordCount - 1
        let wrapped = words[last] >> (Self.lastBits - 1) & 1
        for index in (1...last).reversed() {
            words[index] = words[index] << 1 | words[index - 1] >> 63
        }
        words[0] = words[0] << 1 | wrapped
        words[last] &= 1 << Self.lastBits - 1
    }
}
