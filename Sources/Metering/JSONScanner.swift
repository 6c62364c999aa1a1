/// Walks over JSON (RFC 8259) without building anything of it. What it skips costs neither memory
/// nor stack, however deep it is nested.
struct JSONScanner {
    /// Levels of arrays and objects: one bit each of a word. Devices' messages have three.
    static let depthLimit = 64

    var index = 0

    mutating func skipSpace(_ bytes: Span<UInt8>) {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    mutating func take(_ wanted: Unicode.Scalar, _ bytes: Span<UInt8>) -> Bool {
        guard index < bytes.count, bytes[index] == UInt8(ascii: wanted) else { return false }
        index += 1
        return true
    }

    /// - Returns: Where the string's content lies, and whether it has escapes.
    mutating func string(
        _ bytes: Span<UInt8>
    ) throws(MessageFault) -> (content: Range<Int>, isEscaped: Bool) {
        guard take("\"", bytes) else { throw .notJSON }
        let start = index
        var isEscaped = false
        while true {
            index = Self.special(bytes, from: index)
            guard index < bytes.count else { throw .notJSON }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return (start..<index - 1, isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                // What the escape is is looked at by whoever wants the content.
                index += 2
            default: throw .notJSON
            }
        }
    }

    /// The first quote, backslash or control character from `start` on; the end if there is none.
    private static func special(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        let raw = bytes.bytes
        while index + 8 <= bytes.count {
            let eight = UInt64(
                littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = special(in: eight)
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count, bytes[index] >= 0x20, bytes[index] != UInt8(ascii: "\""),
            bytes[index] != UInt8(ascii: "\\")
        {
            index += 1
        }
        return index
    }

    /// Topmost bits of those of eight bytes; the lowest that is set is right.
    static func special(in eight: UInt64) -> UInt64 {
        ByteScanning.below(0x20, eight) | ByteScanning.equal(UInt8(ascii: "\""), in: eight)
            | ByteScanning.equal(UInt8(ascii: "\\"), in: eight)
    }

    /// An integer, of a number with a fraction what stands before it; nil where the value is
    /// something else, or has more than 18 digits.
    mutating func integer(_ bytes: Span<UInt8>) throws(MessageFault) -> Int64? {
        var digits = index
        if digits < bytes.count, bytes[digits] == UInt8(ascii: "-") { digits += 1 }
        let isNegative = digits > index
        let start = digits
        var value: Int64 = 0
        while digits < bytes.count, digits - start < 18 {
            let digit = bytes[digits] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            value = value * 10 + Int64(digit)
            digits += 1
        }
        let end = digits
        try skipValue(bytes)
        guard end > start else { return nil }
        if end < index {
            guard bytes[end] == UInt8(ascii: ".") else { return nil }
            for place in end + 1..<index where bytes[place] &- UInt8(ascii: "0") > 9 { return nil }
        }
        return isNegative ? -value : value
    }

    /// Skips a value with all that is in it.
    mutating func skipValue(_ bytes: Span<UInt8>) throws(MessageFault) {
        var depth = 0
        // A bit a level: 1 for an object.
        var isObject: UInt64 = 0
        repeat {
            skipSpace(bytes)
            guard index < bytes.count else { throw .notJSON }
            switch bytes[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard depth < Self.depthLimit else { throw .tooDeep }
                let opensObject = bytes[index] == UInt8(ascii: "{")
                index += 1
                skipSpace(bytes)
                if take(opensObject ? "}" : "]", bytes) { break }
                isObject = isObject << 1 | (opensObject ? 1 : 0)
                depth += 1
                if opensObject { try skipKey(bytes) }
                continue
            case UInt8(ascii: "\""): _ = try string(bytes)
            default: try skipWord(bytes)
            }
            // A value has ended, and with it perhaps what it stood in.
            while depth > 0 {
                skipSpace(bytes)
                let inObject = isObject & 1 == 1
                if take(",", bytes) {
                    if inObject { try skipKey(bytes) }
                    break
                }
                guard take(inObject ? "}" : "]", bytes) else { throw .notJSON }
                isObject >>= 1
                depth -= 1
            }
        } while depth > 0
    }

    private mutating func skipKey(_ bytes: Span<UInt8>) throws(MessageFault) {
        skipSpace(bytes)
        _ = try string(bytes)
        skipSpace(bytes)
        guard take(":", bytes) else { throw .notJSON }
    }

    /// A number or a literal: which one does not matter where it is skipped.
    private mutating func skipWord(_ bytes: Span<UInt8>) throws(MessageFault) {
        let start = index
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                index += 1
                continue
            default: break
            }
            break
        }
        guard index > start else { throw .notJSON }
    }
}
