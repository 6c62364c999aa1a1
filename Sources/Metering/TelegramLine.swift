/// A place in a line of a telegram: `A-B:C.D.E(value*unit)(value)`, an OBIS code (IEC 62056-61)
/// and its values.
struct TelegramLine {
    struct Code {
        /// B: 0 for the meter itself, 1 to 4 for M-Bus.
        let channel: Int
        /// C, D and E, as `value` makes it.
        let value: UInt32
    }

    /// Digits of a number, more than any counter has.
    private static let digitLimit = 12

    var index: Int

    init(start: Int) { index = start }

    static func value(_ c: UInt32, _ d: UInt32, _ e: UInt32) -> UInt32 { c << 16 | d << 8 | e }

    /// The line's code, up to and with the parenthesis behind it; nil if it begins with none.
    mutating func code(_ bytes: Span<UInt8>) -> Code? {
        guard index + 5 < bytes.count, bytes[index + 1] == UInt8(ascii: "-"),
            bytes[index + 3] == UInt8(ascii: ":")
        else { return nil }
        let medium = bytes[index] &- UInt8(ascii: "0")
        let channel = bytes[index + 2] &- UInt8(ascii: "0")
        guard medium <= 9, channel <= 9 else { return nil }
        index += 4
        guard let c = group(bytes, "."), let d = group(bytes, "."), let e = group(bytes, "(")
        else { return nil }
        return Code(channel: Int(channel), value: Self.value(c, d, e))
    }

    /// A number below 256 and what ends it.
    private mutating func group(_ bytes: Span<UInt8>, _ end: Unicode.Scalar) -> UInt32? {
        var value: UInt32 = 0
        let start = index
        while index < bytes.count, index - start < 4 {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            value = value * 10 + UInt32(digit)
            index += 1
        }
        guard index > start, value < 256, index < bytes.count,
            bytes[index] == UInt8(ascii: end)
        else { return nil }
        index += 1
        return value
    }

    /// A number in thousandths, what it has of further decimals left away; of one whose unit has
    /// no `k` where others have it, such as Wh, thousandths of the larger unit.
    mutating func quantity(_ bytes: Span<UInt8>) -> Int64? {
        let start = index
        var value: Int64 = 0
        // Decimals so far; nil before the point.
        var decimals: Int?
        while index < bytes.count, index - start <= Self.digitLimit {
            let byte = bytes[index]
            let digit = byte &- UInt8(ascii: "0")
            if digit <= 9 {
                if decimals ?? 0 < 3 {
                    value = value * 10 + Int64(digit)
                    decimals = decimals.map { $0 + 1 }
                }
            } else if byte == UInt8(ascii: "."), decimals == nil, index > start {
                decimals = 0
            } else {
                break
            }
            index += 1
        }
        guard index > start, index < bytes.count else { return nil }
        switch decimals ?? 0 {
        case 0: value *= 1000
        case 1: value *= 100
        case 2: value *= 10
        default: break
        }
        if bytes[index] == UInt8(ascii: ")") { return value }
        guard bytes[index] == UInt8(ascii: "*"), index + 1 < bytes.count else { return nil }
        return bytes[index + 1] == UInt8(ascii: "W") ? value / 1000 : value
    }

    /// A time, up to its closing parenthesis.
    mutating func time(_ bytes: Span<UInt8>) -> MeterTime? {
        let start = index
        let end = start + 12
        guard end + 1 < bytes.count else { return nil }
        index = bytes[end] == UInt8(ascii: ")") ? end : end + 1
        guard bytes[index] == UInt8(ascii: ")") else { return nil }
        return MeterTime(bytes.extracting(start..<index))
    }

    /// Stands for what names a meter; 0 if there is nothing.
    mutating func name(_ bytes: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0
        while index < bytes.count, bytes[index] != UInt8(ascii: ")"), bytes[index] != 0x0A {
            hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01b3
            index += 1
        }
        return hash
    }

    /// Goes on to the value after this one's parenthesis.
    mutating func opensNext(_ bytes: Span<UInt8>) -> Bool {
        guard index + 1 < bytes.count, bytes[index] == UInt8(ascii: ")"),
            bytes[index + 1] == UInt8(ascii: "(")
        else { return false }
        index += 2
        return true
    }

    /// Before version 4 a connected meter's value stands in a line of its own, and its unit at
    /// the end of the line before. False where that is not m³.
    mutating func opensSecondLine(_ bytes: Span<UInt8>) -> Bool {
        let end = ByteScanning.firstIndex(of: 0x0A, in: bytes, from: index)
        var last = end - 1
        if last > index, bytes[last] == 0x0D { last -= 1 }
        guard last - 3 > index, bytes[last - 3] == UInt8(ascii: "("),
            bytes[last - 2] == UInt8(ascii: "m"), bytes[last - 1] == UInt8(ascii: "3"),
            bytes[last] == UInt8(ascii: ")"), end + 1 < bytes.count,
            bytes[end + 1] == UInt8(ascii: "(")
        else { return false }
        index = end + 2
        return true
    }

    /// Whether the unit of the number that was read is m³.
    func isVolume(_ bytes: Span<UInt8>) -> Bool {
        index + 2 < bytes.count && bytes[index] == UInt8(ascii: "*")
            && bytes[index + 1] == UInt8(ascii: "m") && bytes[index + 2] == UInt8(ascii: "3")
    }

    /// Whether nothing stands between the parentheses.
    func isEmpty(_ bytes: Span<UInt8>) -> Bool {
        index < bytes.count && bytes[index] == UInt8(ascii: ")")
            && bytes[index - 1] == UInt8(ascii: "(")
    }
}
