import Ternary

/// Text in trytes: two a byte, `byte % 27`, then `byte / 27` (mam-v0, *Alphabet and units*).
package enum MessageText {
    /// The bytes of `trytes` as UTF-8 where they are that, otherwise as Latin-1; nil where the
    /// trytes are odd in number or a pair stands for more than 255.
    package static func text(_ trytes: Trytes) -> String? {
        guard trytes.count.isMultiple(of: 2) else { return nil }
        // Mostly it is ASCII, which goes to its place at once.
        var range: ByteRange = .ascii
        let text = String(unsafeUninitializedCapacity: trytes.count / 2) { bytes in
            let bytes = UnsafeMutableBufferPointer(rebasing: bytes[..<(trytes.count / 2)])
            range = trytes.ascii.withUnsafeBytes { write($0, to: bytes) }
            return range == .ascii ? bytes.count : 0
        }
        if range == .ascii { return text }
        guard let bytes = bytes(trytes) else { return nil }
        return String(validating: bytes, as: UTF8.self)
            ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    /// The bytes that pairs of trytes stand for; nil as for `text`.
    package static func bytes(_ trytes: Trytes) -> [UInt8]? {
        guard trytes.count.isMultiple(of: 2) else { return nil }
        let count = trytes.count / 2
        var range: ByteRange = .bytes
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            let bytes = UnsafeMutableBufferPointer(rebasing: bytes[..<count])
            range = trytes.ascii.withUnsafeBytes { write($0, to: bytes) }
            filled = count
        }
        return range == .beyond ? nil : bytes
    }

    /// What pairs of trytes stand for.
    private enum ByteRange {
        case ascii, bytes
        /// Some for more than a byte.
        case beyond
    }

    /// Sixteen pairs at once, and what is left one by one.
    private static func write(
        _ characters: UnsafeRawBufferPointer, to bytes: UnsafeMutableBufferPointer<UInt8>
    ) -> ByteRange {
        let count = bytes.count
        var all = SIMD16<UInt16>()
        var rest = 0
        var index = 0
        let output = UnsafeMutableRawBufferPointer(bytes)
        while index + 16 <= count {
            // The first of a pair is the lower half, as in little-endian memory.
            let pairs = characters.loadUnaligned(
                fromByteOffset: 2 * index, as: SIMD16<UInt16>.self)
            let values = digits(pairs & 0xff) &+ 27 &* digits(pairs &>> 8)
            all |= values
            output.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: values), toByteOffset: index,
                as: SIMD16<UInt8>.self)
            index += 16
        }
        while index < count {
            let value = digit(characters[2 * index]) + 27 * digit(characters[2 * index + 1])
            rest |= value
            bytes[index] = UInt8(truncatingIfNeeded: value)
            index += 1
        }
        // The bits of all of them together.
        let bits = all.indices.reduce(rest) { $0 | Int(all[$1]) }
        return bits > 255 ? .beyond : bits > 127 ? .bytes : .ascii
    }

    /// As `digit`, without choosing: the characters of letters end in their place, and only they
    /// have bit 6.
    @inline(__always)
    private static func digits(_ characters: SIMD16<UInt16>) -> SIMD16<UInt16> {
        (characters & 0x1f) &* (characters &>> 6)
    }

    /// The UTF-8 of `text`, two trytes a byte.
    package static func trytes(_ text: String) -> Trytes { trytes(bytes: Array(text.utf8)) }

    /// Two trytes a byte.
    package static func trytes(bytes: [UInt8]) -> Trytes {
        var ascii: [UInt8] = []
        ascii.reserveCapacity(bytes.count * 2)
        for byte in bytes.map(Int.init) {
            ascii.append(TryteAlphabet.character(of: byte % 27))
            ascii.append(TryteAlphabet.character(of: byte / 27))
        }
        return Trytes(validated: ascii)
    }

    /// The place of a character in the alphabet, 0...26.
    private static func digit(_ character: UInt8) -> Int {
        character == TryteAlphabet.nine ? 0 : Int(character) - 64
    }
}
