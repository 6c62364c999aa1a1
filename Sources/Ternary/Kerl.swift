/// The hash of bundles: Keccak-384 over blocks of 243 trits that were made into 48-byte
/// integers (tangle, *Bundle*).
package struct Kerl: Sendable {
    /// Trits of a block.
    package static let blockCount = 243
    /// The same in trytes.
    package static let blockTryteCount = 81

    private var sponge = Keccak384()

    package init() {}

    /// Takes in whole blocks of 81 characters of the alphabet (what is missing of the last one
    /// counts as `9`), of which the last trit of each block is taken as 0.
    package mutating func absorb(_ characters: UnsafeBufferPointer<UInt8>) {
        var start = 0
        while start < characters.count {
            let end = min(start + Self.blockTryteCount, characters.count)
            let block = UnsafeBufferPointer(rebasing: characters[start..<end])
            sponge.absorb(KerlInteger(block: block))
            start = end
        }
    }

    /// The hash over everything absorbed; its last trit is 0.
    package func hash() -> Hash { Hash(validated: sponge.digest().characters) }

    /// The 243 trits of the hash, the last of them 0.
    ///
    /// - Parameter trits: whole blocks of 243 trits (a short last block is filled up with zeros),
    ///   of which the last trit of each block is taken as 0.
    package static func hash(_ trits: some RandomAccessCollection<Trit>) -> [Trit] {
        var kerl = Kerl()
        Trytes(trits: Array(trits)).ascii.withUnsafeBufferPointer { kerl.absorb($0) }
        return kerl.hash().trits
    }
}

/// A 384-bit two's complement integer between its trytes and its bits.
///
/// Balanced digits are made digits 0...26 by adding 13 to each, that is, by adding the number whose
/// trits are all 1; sums modulo 2^384 then take care of the sign.
struct KerlInteger {
    /// 64 bits each, least significant first.
    var limbs: InlineArray<6, UInt64> = .init(repeating: 0)

    private static let limbCount = 6
    /// Trytes at a time: 27^13 is the largest power below 2^64.
    private static let chunkCount = 13
    /// The number of 243 trits that are all 1: (3^243 - 1) / 2, which has 385 bits; the last bit
    /// does not count.
    private static let ones: InlineArray<6, UInt64> = {
        var number = KerlInteger(limbs: .init(repeating: 0))
        for _ in 0..<Kerl.blockCount { number.multiplyAdd(3, 1) }
        return number.limbs
    }()

    init(limbs: InlineArray<6, UInt64>) { self.limbs = limbs }

    /// Takes up to 81 trytes; the 243rd trit counts as 0.
    init(block: UnsafeBufferPointer<UInt8>) {
        TryteAlphabet.digitTable.withUnsafeBufferPointer { digits in
            var end = Kerl.blockTryteCount
            while end > 0 {
                let start = (end - 1) / Self.chunkCount * Self.chunkCount
                var (chunk, factor): (UInt64, UInt64) = (0, 1)
                for place in (start..<end).reversed() {
                    let character = place < block.count ? block[place] : TryteAlphabet.nine
                    var digit = UInt64(digits[Int(character)])
                    // The last trit of nine trits' worth: 1 for the digits 9...17, which stay.
                    if place == Kerl.blockTryteCount - 1 { digit = 9 + digit % 9 }
                    chunk = chunk &* 27 &+ digit
                    factor = factor &* 27
                }
                multiplyAdd(factor, chunk)
                end = start
            }
        }
        let ones = Self.ones
        var borrow: UInt64 = 0
        for index in 0..<Self.limbCount {
            let (partial, below) = limbs[index].subtractingReportingOverflow(ones[index])
            let (difference, further) = partial.subtractingReportingOverflow(borrow)
            limbs[index] = difference
            borrow = below || further ? 1 : 0
        }
    }

    @inline(__always)
    private mutating func multiplyAdd(_ factor: UInt64, _ summand: UInt64) {
        var carry = summand
        for index in 0..<Self.limbCount {
            let product = limbs[index].multipliedFullWidth(by: factor)
            let (low, overflow) = product.low.addingReportingOverflow(carry)
            limbs[index] = low
            carry = product.high &+ (overflow ? 1 : 0)
        }
    }

    /// 81 characters, the last trit set to 0.
    var characters: [UInt8] {
        // In halves of limbs, whose quotients by a constant need no division; one more for what
        // lies above when the number of ones is added.
        let halfCount = 2 * Self.limbCount + 1
        var halves = InlineArray<13, UInt32>(repeating: 0)
        let ones = Self.ones
        let isNegative = limbs[Self.limbCount - 1] >> 63 == 1
        var carry: UInt64 = 0
        for index in 0..<Self.limbCount {
            let (partial, above) = limbs[index].addingReportingOverflow(ones[index])
            let (sum, further) = partial.addingReportingOverflow(carry)
            halves[2 * index] = UInt32(truncatingIfNeeded: sum)
            halves[2 * index + 1] = UInt32(truncatingIfNeeded: sum >> 32)
            carry = above || further ? 1 : 0
        }
        // The sign's extension, and the 385th bit of the ones.
        halves[halfCount - 1] =
            (isNegative ? .max : 0) &+ 1 &+ UInt32(truncatingIfNeeded: carry)
        return [UInt8](unsafeUninitializedCapacity: Kerl.blockTryteCount) { characters, filled in
            TryteAlphabet.characterTable.withUnsafeBufferPointer { table in
                for start in stride(from: 0, to: Kerl.blockTryteCount, by: 6) {
                    let sixTrytes: UInt64 = 387_420_489
                    var rest: UInt64 = 0
                    for index in (0..<halfCount).reversed() {
                        let dividend = rest << 32 | UInt64(halves[index])
                        halves[index] = UInt32(truncatingIfNeeded: dividend / sixTrytes)
                        rest = dividend % sixTrytes
                    }
                    for place in start..<min(start + 6, Kerl.blockTryteCount) {
                        var digit = Int(rest % 27)
                        rest /= 27
                        if place == Kerl.blockTryteCount - 1 { digit = 9 + digit % 9 }
                        characters[place] = table[digit]
                    }
                }
            }
            filled = Kerl.blockTryteCount
        }
    }
}
