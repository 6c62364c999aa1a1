/// Trytes to t5b1 and back without an array of trits between them: five trytes are fifteen trits,
/// which are three bytes.
///
/// To unpack, with 13 added to each tryte (all three trits 1) and 121 to each byte (all five trits 1),
/// both are digits of one positive number, to the bases 27 and 243.
extension T5B1 {
    /// Trytes that take whole bytes, and the fewest that do.
    private static let trytesTogether = 5
    private static let bytesTogether = 3
    private static let tryteBase: UInt32 = 27
    private static let byteBase: UInt32 = 243
    /// Of two trytes.
    private static let pairBase: UInt32 = 729
    /// A byte of five zeros, as a digit.
    private static let zeroByte: UInt8 = 121

    /// The bytes of the trytes' trits, zeros filling the last.
    package static func pack(_ trytes: Trytes) -> [UInt8] {
        trytes.ascii.withUnsafeBufferPointer { pack($0) }
    }

    /// The same of characters of the alphabet.
    package static func pack(_ characters: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let count = byteCount(tritCount: 3 * characters.count)
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            let shares = ByteShares.table
            shares.withUnsafeBufferPointer { shares in
                var (from, to) = (0, 0)
                while from + trytesTogether <= characters.count {
                    let first = shares[Int(characters[from])]
                    let second = shares[Int(characters[from + 1])]
                    let third = shares[Int(characters[from + 2])]
                    let fourth = shares[Int(characters[from + 3])]
                    let fifth = shares[Int(characters[from + 4])]
                    bytes[to] = first.whole &+ second.lowTwo
                    bytes[to + 1] = second.highOne &+ third.shifted &+ fourth.lowOne
                    bytes[to + 2] = fourth.highTwo &+ fifth.high
                    from += trytesTogether
                    to += bytesTogether
                }
                guard from < characters.count else { return }
                func share(_ place: Int) -> ByteShares {
                    shares[
                        Int(place < characters.count ? characters[place] : TryteAlphabet.nine)]
                }
                let (first, second) = (share(from), share(from + 1))
                let (third, fourth) = (share(from + 2), share(from + 3))
                bytes[to] = first.whole &+ second.lowTwo
                if to + 1 < count {
                    bytes[to + 1] = second.highOne &+ third.shifted &+ fourth.lowOne
                }
                if to + 2 < count { bytes[to + 2] = fourth.highTwo }
            }
            filled = count
        }
    }

    /// The trytes of which `bytes` hold the trits.
    ///
    /// - Throws: what `unpack` would throw for three times `tryteCount` trits.
    package static func unpackTrytes(
        _ bytes: [UInt8], tryteCount: Int
    ) throws(TernaryError) -> Trytes {
        let (tritCount, tooMany) = tryteCount.multipliedReportingOverflow(by: 3)
        try check(bytes, tritCount: tooMany ? -1 : tritCount)
        let ascii = bytes.withUnsafeBufferPointer { bytes in
            [UInt8](unsafeUninitializedCapacity: tryteCount) { characters, filled in
                unpack(bytes, into: characters, count: tryteCount)
                filled = tryteCount
            }
        }
        return Trytes(validated: ascii)
    }

    /// Of bytes that were checked.
    private static func unpack(
        _ bytes: UnsafeBufferPointer<UInt8>, into characters: UnsafeMutableBufferPointer<UInt8>,
        count: Int
    ) {
        TryteAlphabet.characterTable.withUnsafeBufferPointer { table in
            var (from, to) = (0, 0)
            TryteAlphabet.pairTable.withUnsafeBufferPointer { pairs in
                while to + trytesTogether <= count {
                    let value = number(bytes[from], bytes[from + 1], bytes[from + 2])
                    let rest = value / pairBase
                    let first = pairs[Int(value % pairBase)]
                    let second = pairs[Int(rest % pairBase)]
                    characters[to] = first.0
                    characters[to + 1] = first.1
                    characters[to + 2] = second.0
                    characters[to + 3] = second.1
                    characters[to + 4] = table[Int(rest / pairBase)]
                    from += bytesTogether
                    to += trytesTogether
                }
            }
            guard to < count else { return }
            func byte(_ place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 0 }
            var value = number(byte(from), byte(from + 1), byte(from + 2))
            for place in to..<count {
                characters[place] = table[Int(value % tryteBase)]
                value /= tryteBase
            }
        }
    }

    @inline(__always)
    private static func number(_ low: UInt8, _ middle: UInt8, _ high: UInt8) -> UInt32 {
        UInt32(low &+ zeroByte) &+ byteBase
            &* (UInt32(middle &+ zeroByte) &+ byteBase &* UInt32(high &+ zeroByte))
    }
}

extension TryteAlphabet {
    /// The characters of two digits, by what these are to the base 27.
    static let pairTable: [(UInt8, UInt8)] = (0..<729).map {
        (characterTable[$0 % 27], characterTable[$0 / 27])
    }

    /// 13 more than the value of a character, by its code; 13, as for zero, outside the alphabet.
    static let digitTable: [UInt8] = (0..<256).map { code in
        UInt8(13 + (value(of: UInt8(code)) ?? 0))
    }
}

/// What a tryte adds to the bytes it has trits in, by its place among five trytes, which are three
/// bytes. Sums of them are those of packing, so that there is nothing to divide.
private struct ByteShares {
    /// All three trits at the start of a byte: the first tryte's.
    let whole: UInt8
    /// The first two at the end of a byte, and the last at the start of the next: the second's.
    let lowTwo: UInt8
    let highOne: UInt8
    /// All three in the middle: the third's.
    let shifted: UInt8
    /// The first at the end of a byte, and the other two at the start of the next: the fourth's.
    let lowOne: UInt8
    let highTwo: UInt8
    /// All three at the end: the fifth's.
    let high: UInt8

    private init(_ character: UInt8) {
        let trits = TryteAlphabet.trits(of: character)
        let (low, middle, high) = (Int(trits.0), Int(trits.1), Int(trits.2))
        func byte(_ value: Int) -> UInt8 { UInt8(truncatingIfNeeded: value) }
        whole = byte(low + 3 * middle + 9 * high)
        lowTwo = byte(27 * low + 81 * middle)
        highOne = byte(high)
        shifted = byte(3 * low + 9 * middle + 27 * high)
        lowOne = byte(81 * low)
        highTwo = byte(middle + 3 * high)
        self.high = byte(9 * low + 27 * middle + 81 * high)
    }

    /// By character code; zeros outside the alphabet.
    static let table = (0...255).map { ByteShares(UInt8($0)) }
}
