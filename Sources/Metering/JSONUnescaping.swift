extension JSONScanner {
    /// Bytes more than those that are read which `text` needs room for.
    static let slack = 8

    /// `\r\n` as it stands in JSON, the first byte lowest: every line of a telegram ends so.
    private static let lineEnd: UInt32 = 0x6E5C_725C

    /// Reads a string and writes what it stands for to `output`, which needs room for as many
    /// bytes as there are left to read, and `slack`: an escape is never shorter than what it
    /// stands for.
    ///
    /// - Returns: How many bytes were written.
    /// - Throws: `.notJSON`, also for what is no escape, and for half of a surrogate pair.
    mutating func text(
        _ bytes: Span<UInt8>, to output: inout [UInt8]
    ) throws(MessageFault) -> Int {
        guard take("\"", bytes), output.count >= bytes.count - index + Self.slack else {
            throw .notJSON
        }
        var output = output.mutableSpan
        var count = 0
        let raw = bytes.bytes
        while index < bytes.count {
            if index + 8 <= bytes.count {
                let eight = UInt64(
                    littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
                // What is copied too much is written over.
                var mutable = output.mutableBytes
                mutable.storeBytes(of: eight.littleEndian, toByteOffset: count, as: UInt64.self)
                let special = Self.special(in: eight)
                let copied = special.trailingZeroBitCount / 8
                index += copied
                count += copied
                if special == 0 { continue }
            }
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                index += 1
                return count
            }
            guard byte >= 0x20 else { throw .notJSON }
            guard byte == UInt8(ascii: "\\") else {
                output[count] = byte
                index += 1
                count += 1
                continue
            }
            if index + 4 <= bytes.count,
                raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt32.self).littleEndian
                    == Self.lineEnd
            {
                output[count] = 0x0D
                output[count + 1] = 0x0A
                index += 4
                count += 2
                continue
            }
            guard index + 1 < bytes.count else { throw .notJSON }
            let escape = bytes[index + 1]
            index += 2
            if escape == UInt8(ascii: "u") {
                let scalar = try Self.scalar(bytes, &index, bytes.count)
                for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                    output[count] = byte
                    count += 1
                }
                continue
            }
            output[count] = try Self.character(escape)
            count += 1
        }
        throw .notJSON
    }

    private static func character(_ escape: UInt8) throws(MessageFault) -> UInt8 {
        switch escape {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): escape
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        default: throw .notJSON
        }
    }

    /// What comes after `\u`, and the second half of a pair.
    private static func scalar(
        _ bytes: Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(MessageFault) -> Unicode.Scalar {
        let first = try unit(bytes, &index, end)
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, index + 6 <= end, bytes[index] == UInt8(ascii: "\\"),
            bytes[index + 1] == UInt8(ascii: "u")
        else { throw .notJSON }
        index += 2
        let second = try unit(bytes, &index, end)
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(
                0x1_0000 + (UInt32(first - 0xD800) << 10) + UInt32(second - 0xDC00))
        else { throw .notJSON }
        return scalar
    }

    private static func unit(
        _ bytes: Span<UInt8>, _ index: inout Int, _ end: Int
    ) throws(MessageFault) -> UInt16 {
        guard index + 4 <= end else { throw .notJSON }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = hexDigit(bytes[index]) else { throw .notJSON }
            value = value << 4 | UInt16(digit)
            index += 1
        }
        return value
    }

    static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
