extension JSONScanner {
    /// Writes what a string's content stands for to `output`, which needs room for as many bytes
    /// as the content has: an escape is never shorter than what it stands for.
    ///
    /// - Returns: How many bytes were written.
    /// - Throws: `.notJSON` for what is no escape, and for half of a surrogate pair.
    static func unescape(
        _ content: Range<Int>, of bytes: Span<UInt8>, to output: inout [UInt8]
    ) throws(MessageFault) -> Int {
        guard content.upperBound <= bytes.count, content.count <= output.count else {
            throw .tooLong
        }
        var output = output.mutableSpan
        var (index, count) = (content.lowerBound, 0)
        let raw = bytes.bytes
        while index < content.upperBound {
            // Eight bytes without a backslash are copied at once; whether those after it are
            // right does not matter, they are written again.
            if index + 8 <= content.upperBound, count + 8 <= output.count {
                let eight = UInt64(
                    littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
                let found = ByteScanning.equal(UInt8(ascii: "\\"), in: eight)
                var mutable = output.mutableBytes
                mutable.storeBytes(of: eight.littleEndian, toByteOffset: count, as: UInt64.self)
                let copied = found.trailingZeroBitCount / 8
                index += copied
                count += copied
                if found == 0 { continue }
            } else if bytes[index] != UInt8(ascii: "\\") {
                output[count] = bytes[index]
                index += 1
                count += 1
                continue
            }
            guard index + 1 < content.upperBound else { throw .notJSON }
            let escape = bytes[index + 1]
            index += 2
            if escape == UInt8(ascii: "u") {
                let scalar = try Self.scalar(bytes, &index, content.upperBound)
                for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                    output[count] = byte
                    count += 1
                }
                continue
            }
            output[count] = try Self.character(escape)
            count += 1
        }
        return count
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
