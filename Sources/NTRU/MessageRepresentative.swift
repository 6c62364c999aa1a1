/// What a message becomes before it is masked: its random bytes, length, bytes and zeros as 743
/// digits 0, 1, 2 (for 0, 1, -1).
struct MessageRepresentative {
    /// Digits that bits stand in: three bits a pair of them.
    private static let pairCount = (ParameterSet.degree - 1) / 2

    let digits: WipedMemory<UInt8>

    init(digits: WipedMemory<UInt8>) { self.digits = digits }

    /// - Parameter plaintext: at most `ParameterSet.plaintextLimit` bytes.
    init(_ plaintext: some Collection<UInt8>, blinding: WipedMemory<UInt8>) {
        // One bit more than these bytes have, which is 0.
        let bytes = WipedMemory<UInt8>(ParameterSet.representativeCount + 1)
        let place = bytes.write(blinding.elements, at: 0)
        bytes[place] = UInt8(truncatingIfNeeded: plaintext.count)
        _ = bytes.write(plaintext, at: place + 1)
        digits = WipedMemory(ParameterSet.degree)
        var reader = BitReader()
        var next = 0
        for pair in 0..<Self.pairCount {
            let value = reader.read(bits: 3) {
                defer { next += 1 }
                return bytes[next]
            }
            digits[2 * pair] = UInt8(value / 3)
            digits[2 * pair + 1] = UInt8(value % 3)
        }
    }

    /// The bytes, and whether something is wrong with the digits: 0 where nothing is.
    func read() -> (bytes: WipedMemory<UInt8>, fault: UInt8) {
        let bytes = WipedMemory<UInt8>(ParameterSet.representativeCount + 1)
        var writer = BitWriter(bytes.start)
        var fault: UInt8 = digits[ParameterSet.degree - 1]
        for pair in 0..<Self.pairCount {
            let value = 3 * digits[2 * pair] + digits[2 * pair + 1]
            fault |= value >> 3
            writer.write(UInt16(value & 7), bits: 3)
        }
        writer.finish()
        let length = bytes[ParameterSet.blindingCount]
        fault |= ParameterSet.plaintextLimit < Int(length) ? 1 : 0
        for index in 0..<ParameterSet.plaintextLimit {
            let isPadding: UInt8 = index >= Int(length) ? 255 : 0
            fault |= bytes[ParameterSet.blindingCount + 1 + index] & isPadding
        }
        return (bytes, fault | bytes[ParameterSet.representativeCount])
    }

    /// MGF: 743 digits from the hash of R modulo 4.
    ///
    /// How many bytes are refused (13 in 256) shows in the time it takes; their values do not.
    static func mask(of blinding: Polynomial, _ hashing: Hashing) -> WipedMemory<UInt8> {
        let seed = WipedMemory<UInt8>((2 * ParameterSet.degree + 7) / 8)
        var writer = BitWriter(seed.start)
        for index in 0..<ParameterSet.degree { writer.write(blinding[index] & 3, bits: 2) }
        writer.finish()
        let stream = HashStream(seed: seed, hashing)
        let mask = WipedMemory<UInt8>(ParameterSet.degree)
        var place = 0
        while place < mask.count {
            var value = stream.next()
            guard value < 243 else { continue }
            for _ in 0..<min(5, mask.count - place) {
                mask[place] = value % 3
                value /= 3
                place += 1
            }
        }
        return mask
    }

    /// Whether each of the digits occurs often enough.
    static func isBalanced(_ digits: WipedMemory<UInt8>) -> Bool {
        var ones = 0
        var twos = 0
        for index in 0..<digits.count {
            ones += Int(digits[index] & 1)
            twos += Int(digits[index] >> 1)
        }
        return min(ones, twos, digits.count - ones - twos) >= ParameterSet.fewest
    }
}

/// A digit 0, 1, 2 as the coefficient 0, 1, -1.
func coefficient(of digit: UInt8) -> UInt16 { UInt16(digit) &- 3 * UInt16(digit >> 1) }
