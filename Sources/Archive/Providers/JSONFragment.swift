/// JSON that came from somebody else (RFC 8259), as far as texts in objects go; everything else
/// is looked at only to find its end.
///
/// Bounded in bytes, depth and members. Names are not looked up in anything but the list they
/// stand in, and one that stands there twice names nothing.
package indirect enum JSONFragment: Sendable {
    /// UTF-8, with escapes resolved.
    case text([UInt8])
    case object([(name: [UInt8], value: JSONFragment)])
    /// A number, an array, true, false or null.
    case other

    /// Bytes that are read at most: a rotation for 64 providers takes less.
    package static let byteLimit = 256 << 10
    /// Objects and arrays within each other.
    package static let depthLimit = 16
    /// Members of all objects together.
    package static let memberLimit = 1000

    /// Nil where it is no JSON, or beyond the bounds.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.byteLimit else { return nil }
        let read = bytes.withUnsafeBufferPointer { bytes in
            var reader = JSONFragmentReader(bytes)
            return reader.document()
        }
        guard let read else { return nil }
        self = read
    }

    /// The value of the one member with this name; nil where there is none, or more than one.
    package subscript(name: some StringProtocol) -> JSONFragment? {
        guard case .object(let members) = self else { return nil }
        let named = members.filter { $0.name.elementsEqual(name.utf8) }
        return named.count == 1 ? named[0].value : nil
    }

    package var text: [UInt8]? { if case .text(let text) = self { text } else { nil } }
}

private struct JSONFragmentReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0
    private var members = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func document() -> JSONFragment? {
        guard let value = value(depth: 0) else { return nil }
        skipSpace()
        return place == bytes.count ? value : nil
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func take(_ character: Character) -> Bool {
        guard let next, next == character.asciiValue else { return false }
        place += 1
        return true
    }

    private mutating func skipSpace() {
        while let next, [0x20, 0x09, 0x0a, 0x0d].contains(next) { place += 1 }
    }

    private mutating func value(depth: Int) -> JSONFragment? {
        skipSpace()
        guard let next else { return nil }
        switch next {
        case UInt8(ascii: "\""): return string().map { .text($0) }
        case UInt8(ascii: "{"): return object(depth: depth + 1)
        case UInt8(ascii: "["): return array(depth: depth + 1)
        case UInt8(ascii: "t"): return word("true")
        case UInt8(ascii: "f"): return word("false")
        case UInt8(ascii: "n"): return word("null")
        default: return number()
        }
    }

    private mutating func object(depth: Int) -> JSONFragment? {
        guard depth <= JSONFragment.depthLimit, take("{") else { return nil }
        var found: [(name: [UInt8], value: JSONFragment)] = []
        skipSpace()
        if take("}") { return .object(found) }
        repeat {
            members += 1
            skipSpace()
            guard members <= JSONFragment.memberLimit, let name = string() else { return nil }
            skipSpace()
            guard take(":"), let value = value(depth: depth) else { return nil }
            found.append((name, value))
            skipSpace()
        } while take(",")
        return take("}") ? .object(found) : nil
    }

    private mutating func array(depth: Int) -> JSONFragment? {
        guard depth <= JSONFragment.depthLimit, take("[") else { return nil }
        skipSpace()
        if take("]") { return .other }
        repeat {
            guard value(depth: depth) != nil else { return nil }
            skipSpace()
        } while take(",")
        return take("]") ? .other : nil
    }

    private mutating func word(_ word: StaticString) -> JSONFragment? {
        let isThere = word.withUTF8Buffer { bytes[place...].starts(with: $0) }
        guard isThere else { return nil }
        place += word.utf8CodeUnitCount
        return .other
    }

    private mutating func number() -> JSONFragment? {
        _ = take("-")
        if !take("0") { guard digits() else { return nil } }
        if take(".") { guard digits() else { return nil } }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            guard digits() else { return nil }
        }
        return .other
    }

    /// At least one.
    private mutating func digits() -> Bool {
        let start = place
        while let next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) { place += 1 }
        return place > start
    }

    private mutating func string() -> [UInt8]? {
        guard take("\"") else { return nil }
        var text: [UInt8] = []
        while let next {
            place += 1
            switch next {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                text += Array(String(Character(scalar)).utf8)
            case 0..<0x20: return nil
            default: text.append(next)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard let next else { return nil }
        place += 1
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(next)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return codePoint()
        default: return nil
        }
    }

    /// Half of a pair alone is the replacement character.
    private mutating func codePoint() -> Unicode.Scalar? {
        guard let first = codeUnit() else { return nil }
        guard (0xd800..<0xdc00).contains(first) else { return Unicode.Scalar(first) ?? "\u{fffd}" }
        let afterFirst = place
        if take("\\"), take("u"), let second = codeUnit(), (0xdc00..<0xe000).contains(second) {
            return Unicode.Scalar(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        place = afterFirst
        return "\u{fffd}"
    }

    private mutating func codeUnit() -> UInt32? {
        guard place + 4 <= bytes.count else { return nil }
        var unit: UInt32 = 0
        for byte in bytes[place..<(place + 4)] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                return nil
            }
            unit = unit << 4 | UInt32(digit)
        }
        place += 4
        return unit
    }
}
