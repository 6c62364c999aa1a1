import Ternary

/// Bytes as they travel in messages: base64 with `=`, and of each character's code c the trytes
/// c % 27 and c / 27 (ntru, *As they travel*).
package enum TravellingBytes {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")
    /// The value of a character by its code; 255 for one that has none.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: .max, count: 256)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    package static func trytes(_ bytes: [UInt8]) -> Trytes {
        var ascii: [UInt8] = []
        ascii.reserveCapacity(tryteCount(of: bytes.count))
        func append(_ character: UInt8) {
            ascii.append(tryte(character % 27))
            ascii.append(tryte(character / 27))
        }
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits =
                group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                << UInt32(8 * (3 - group.count))
            for place in 0..<4 {
                append(
                    place > group.count
                        ? padding : alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)])
            }
        }
        return Trytes(validated: ascii)
    }

    /// Trytes of so many bytes.
    package static func tryteCount(of byteCount: Int) -> Int { (byteCount + 2) / 3 * 8 }

    /// - Throws: `NTRUError.wrongLength` (of trytes), `.notBase64`, also where bits beyond the
    ///   last byte are not 0.
    static func bytes(
        of trytes: Trytes, count: Int, _ part: NTRUError.Part
    ) throws(NTRUError) -> [UInt8] {
        let expected = tryteCount(of: count)
        guard trytes.count == expected else {
            throw .wrongLength(part, expected: expected, actual: trytes.count)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 2)
        let paddingCount = (3 - count % 3) % 3
        for start in stride(from: 0, to: expected, by: 8) {
            var bits: UInt32 = 0
            for place in 0..<4 {
                let at = start + 2 * place
                let character = code(trytes.ascii[at]) + 27 * code(trytes.ascii[at + 1])
                let isPadding = at + 2 * paddingCount >= expected
                guard character < 256, !isPadding || character == Int(padding) else {
                    throw .notBase64(part)
                }
                let value = isPadding ? 0 : values[character]
                guard value < 64 else { throw .notBase64(part) }
                bits = bits << 6 | UInt32(value)
            }
            for shift: UInt32 in [16, 8, 0] {
                bytes.append(UInt8(truncatingIfNeeded: bits >> shift))
            }
        }
        guard bytes[count...].allSatisfy({ $0 == 0 }) else { throw .notBase64(part) }
        return Array(bytes[..<count])
    }

    private static func tryte(_ value: UInt8) -> UInt8 {
        value == 0 ? TryteAlphabet.nine : 64 + value
    }

    private static func code(_ tryte: UInt8) -> Int {
        tryte == TryteAlphabet.nine ? 0 : Int(tryte) - 64
    }
}
