/// Trytes to t5b1 and back without an array of trits between them: five trytes are fifteen trits,
/// which are three bytes. Both ways are sums of what a table says of each tryte or byte.
extension T5B1 {
    /// Trytes that take whole bytes, and the fewest that do.
    private static let trytesTogether = 5
    private static let bytesTogether = 3

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
                let room = UnsafeMutableBufferPointer(rebasing: characters[..<tryteCount])
                unpack(bytes, into: room)
                filled = tryteCount
            }
        }
        return Trytes(validated: ascii)
    }

    /// The same into memory, as many trytes as it has room for.
    ///
    /// - Returns: false, and nothing is written, where `unpackTrytes` would throw.
    package static func unpackTrytes(
        _ bytes: UnsafeBufferPointer<UInt8>, into characters: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        guard isReadable(bytes, tritCount: 3 * characters.count) else { return false }
        unpack(bytes, into: characters)
        return true
    }

    /// Of bytes that were checked. Five trytes are the sum of what three bytes have of them, as
    /// digits 0...26 in the bytes of a word.
    private static func unpack(
        _ bytes: UnsafeBufferPointer<UInt8>, into characters: UnsafeMutableBufferPointer<UInt8>
    ) {
        let shares = TryteShares.table
        shares.withUnsafeBufferPointer { shares in
            func five(_ low: UInt8, _ middle: UInt8, _ high: UInt8) -> UInt64 {
                shares[Int(low)].first &+ shares[Int(middle)].second &+ shares[Int(high)].third
            }
            let output = UnsafeMutableRawBufferPointer(characters)
            // Whole words are written; what one has beyond five trytes is overwritten next.
            let beyond = MemoryLayout<UInt64>.size - trytesTogether
            let words = max(0, output.count - beyond) / trytesTogether
            for word in 0..<words {
                let from = word &* bytesTogether
                let digits = five(bytes[from], bytes[from &+ 1], bytes[from &+ 2])
                output.storeBytes(
                    of: TryteAlphabet.characters(ofDigits: digits).littleEndian,
                    toByteOffset: word &* trytesTogether, as: UInt64.self)
            }
            var (from, to) = (words * bytesTogether, words * trytesTogether)
            while to < output.count {
                func byte(_ place: Int) -> UInt8 { place < bytes.count ? bytes[place] : 0 }
                let digits = five(byte(from), byte(from + 1), byte(from + 2))
                var word = TryteAlphabet.characters(ofDigits: digits)
                for place in to..<min(to + trytesTogether, output.count) {
                    output[place] = UInt8(truncatingIfNeeded: word)
                    word >>= 8
                }
                from += bytesTogether
                to += trytesTogether
            }
        }
    }
}

/// What a byte of t5b1 adds to the digits 0...26 of the trytes it has trits in, by its place among
/// three bytes, which are five trytes: the inverse of `ByteShares`. A trit counts as 0...2 here,
/// so that nothing is ever carried from one digit to the next.
private struct TryteShares {
    /// The first tryte, and two trits of the second.
    let first: UInt64
    /// The last trit of the second tryte, the third, and a trit of the fourth.
    let second: UInt64
    /// Two trits of the fourth tryte, and the fifth.
    let third: UInt64

    private init(_ byte: UInt8) {
        var rest = Int(Int8(bitPattern: byte)) + 121
        let trits = (0..<5).map { _ in
            defer { rest /= 3 }
            return UInt64(truncatingIfNeeded: rest % 3)
        }
        func digits(_ numbers: UInt64...) -> UInt64 {
            numbers.reversed().reduce(0) { $0 << 8 | $1 }
        }
        first = digits(trits[0] + 3 * trits[1] + 9 * trits[2], trits[3] + 3 * trits[4])
        second = digits(
            0, 9 * trits[0], trits[1] + 3 * trits[2] + 9 * trits[3], trits[4])
        third = digits(0, 0, 0, 3 * trits[0] + 9 * trits[1], trits[2] + 3 * trits[3] + 9 * trits[4])
    }

    /// By byte; those that are no five trits stand for zeros.
    static let table = (0...255).map { byte in
        TryteShares((122..<256 - 121).contains(byte) ? 0 : UInt8(byte))
    }
}

extension TryteAlphabet {
    /// Eight digits 0...26, which are 13 more than the values, as characters: from 0 on N...Z, 9,
    /// A...M. Sums of two bytes never reach the next one, and their highest bit compares them.
    @inline(__always)
    static func characters(ofDigits digits: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let fromZero = (digits &+ (0x80 - 13) * ones) >> 7 & ones
        let positive = (digits &+ (0x80 - 14) * ones) >> 7 & ones
        // N is 78; 9 is 34 below its place after Z, and A 27 below its own.
        return digits &+ 78 * ones &- 34 &* fromZero &+ 7 &* positive
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
