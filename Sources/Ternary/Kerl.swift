/// The hash of bundles: Keccak-384 over blocks of 243 trits that were made into 48-byte
/// integers (tangle, *Bundle*).
package enum Kerl {
    package static let blockCount = 243

    /// The 243 trits of the hash, the last of them 0.
    ///
    /// - Parameter trits: whole blocks of 243 trits (a short last block is filled up with zeros),
    ///   of which the last trit of each block is taken as 0.
    package static func hash(_ trits: some RandomAccessCollection<Trit>) -> [Trit] {
        // Not generic from here on: generic code is slow in another module.
        let hash = trits.withContiguousStorageIfAvailable { self.hash(of: $0) }
        return hash ?? Array(trits).withUnsafeBufferPointer { self.hash(of: $0) }
    }

    private static func hash(of trits: UnsafeBufferPointer<Trit>) -> [Trit] {
        var sponge = Keccak384()
        for start in stride(from: 0, to: trits.count, by: blockCount) {
            let block = trits[start..<min(start + blockCount, trits.count)]
            sponge.absorb(KerlInteger(block: block).bigEndianBytes)
        }
        return KerlInteger(bigEndianBytes: sponge.digest()).trits
    }
}

/// A 384-bit two's complement integer between its trits and its bytes.
///
/// Balanced digits are made digits 0...2 by adding 1 to each, that is, by adding the number whose
/// trits are all 1; sums modulo 2^416 then take care of the sign.
struct KerlInteger {
    /// 32 bits each, least significant first: 384 bits and a limb for what lies above.
    private var limbs = [UInt32](repeating: 0, count: limbCount)

    private static let limbCount = 13
    private static let byteCount = 48
    /// 20 trits at a time: 3^20 is the largest power of 3 below 2^32.
    private static let chunkCount = 20
    private static let powersOfThree: [UInt32] = (0...chunkCount).map { exponent in
        (0..<exponent).reduce(1) { power, _ in power * 3 }
    }
    /// The numbers of 242 and of 243 trits that are all 1.
    private static let ones242 = KerlInteger(digits: [UInt8](repeating: 1, count: 242))
    private static let ones243 = KerlInteger(digits: [UInt8](repeating: 1, count: 243))

    /// Takes up to 242 trits; the 243rd counts as 0.
    init(block: Slice<UnsafeBufferPointer<Trit>>) {
        var digits = [UInt8](repeating: 1, count: Kerl.blockCount - 1)
        for (index, trit) in zip(digits.indices, block) {
            digits[index] = UInt8(min(max(Int(trit) + 1, 0), 2))
        }
        self.init(digits: digits)
        subtract(Self.ones242)
    }

    /// - Parameter bigEndianBytes: 48 bytes; what is missing counts as 0.
    init(bigEndianBytes: [UInt8]) {
        for (place, byte) in bigEndianBytes.reversed().prefix(Self.byteCount).enumerated() {
            limbs[place / 4] |= UInt32(byte) << UInt32(place % 4 * 8)
        }
        let negative = limbs[Self.limbCount - 2] >> 31 == 1
        limbs[Self.limbCount - 1] = negative ? .max : 0
    }

    /// The number with these base-3 digits, least significant first.
    private init(digits: [UInt8]) {
        var end = digits.count
        while end > 0 {
            let start = (end - 1) / Self.chunkCount * Self.chunkCount
            let chunk = digits[start..<end].reversed().reduce(0) { $0 * 3 + UInt32($1) }
            multiplyAdd(Self.powersOfThree[end - start], chunk)
            end = start
        }
    }

    var bigEndianBytes: [UInt8] {
        (0..<Self.byteCount).reversed().map { place in
            UInt8(truncatingIfNeeded: limbs[place / 4] >> UInt32(place % 4 * 8))
        }
    }

    /// 243 trits, the last of them set to 0.
    var trits: [Trit] {
        var number = self
        number.add(Self.ones243)
        var trits = [Trit](repeating: 0, count: Kerl.blockCount)
        for start in stride(from: 0, to: Kerl.blockCount, by: Self.chunkCount) {
            let end = min(start + Self.chunkCount, Kerl.blockCount)
            var chunk = number.divide(by: Self.powersOfThree[end - start])
            for index in start..<end {
                trits[index] = Trit(chunk % 3) - 1
                chunk /= 3
            }
        }
        trits[Kerl.blockCount - 1] = 0
        return trits
    }

    private mutating func multiplyAdd(_ factor: UInt32, _ summand: UInt32) {
        var carry = UInt64(summand)
        for index in limbs.indices {
            carry += UInt64(limbs[index]) * UInt64(factor)
            limbs[index] = UInt32(truncatingIfNeeded: carry)
            carry >>= 32
        }
    }

    /// Divides and returns the remainder.
    private mutating func divide(by divisor: UInt32) -> UInt32 {
        var remainder: UInt64 = 0
        for index in limbs.indices.reversed() {
            let dividend = remainder << 32 | UInt64(limbs[index])
            limbs[index] = UInt32(truncatingIfNeeded: dividend / UInt64(divisor))
            remainder = dividend % UInt64(divisor)
        }
        return UInt32(truncatingIfNeeded: remainder)
    }

    private mutating func add(_ other: KerlInteger) {
        var carry: UInt64 = 0
        for index in limbs.indices {
            carry += UInt64(limbs[index]) + UInt64(other.limbs[index])
            limbs[index] = UInt32(truncatingIfNeeded: carry)
            carry >>= 32
        }
    }

    private mutating func subtract(_ other: KerlInteger) {
        var borrow: UInt32 = 0
        for index in limbs.indices {
            let (partial, below) = limbs[index].subtractingReportingOverflow(other.limbs[index])
            let (difference, further) = partial.subtractingReportingOverflow(borrow)
            limbs[index] = difference
            borrow = below || further ? 1 : 0
        }
    }
}
