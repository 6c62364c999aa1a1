import Ternary

/// A message of IRI's API in its plain form: one JSON object whose fields are lists of trytes,
/// strings, numbers and the like, without escapes, nested values or fields given twice. So are all
/// large messages, which are read here without making a string of each transaction; whatever else a
/// message is, is left to a JSON decoder.
///
/// Nothing is copied, and every byte is looked at a bounded number of times.
package struct FlatMessage {
    /// Where a value lies in the body.
    package enum Value: Equatable {
        /// Strings of characters of the alphabet, or nil for `null`.
        case trytes([Range<Int>?])
        /// Printable ASCII without escapes.
        case text(Range<Int>)
        /// A number, `true`, `false` or `null`, whose spelling was not looked at.
        case other
    }

    /// More than any message of the API has.
    private static let fieldLimit = 16

    package let body: [UInt8]
    private var fields: [(name: Range<Int>, value: Value)] = []

    /// Nil for a body in any other form, and for one that is no JSON.
    package init?(_ body: [UInt8]) {
        self.body = body
        let fields = body.withUnsafeBufferPointer { bytes in
            var scanner = FlatScanner(bytes)
            return scanner.object(fieldLimit: Self.fieldLimit)
        }
        guard let fields else { return nil }
        self.fields = fields
        let names = fields.map { body[$0.name] }
        for (index, name) in names.enumerated() where names[..<index].contains(name) { return nil }
    }

    package subscript(name: StaticString) -> Value? {
        name.withUTF8Buffer { name in
            fields.first { body[$0.name].elementsEqual(name) }?.value
        }
    }

    /// The characters of one element of a list.
    package func trytes(_ range: Range<Int>) -> Trytes {
        Trytes(validated: Array(body[range]))
    }

    /// A list that has no `null` in it and hashes only.
    package func hashes(_ name: StaticString) -> [Hash]? {
        guard case .trytes(let ranges)? = self[name] else { return nil }
        var hashes: [Hash] = []
        hashes.reserveCapacity(ranges.count)
        for range in ranges {
            guard let range, let hash = try? Hash(trytes: trytes(range)) else { return nil }
            hashes.append(hash)
        }
        return hashes
    }

    /// Writes a list of trytes as a field's value.
    package static func append(_ list: some Sequence<Trytes>, to body: inout [UInt8]) {
        body.append(UInt8(ascii: "["))
        var isFirst = true
        for trytes in list {
            if !isFirst { body.append(UInt8(ascii: ",")) }
            isFirst = false
            body.append(UInt8(ascii: "\""))
            body += trytes.ascii
            body.append(UInt8(ascii: "\""))
        }
        body.append(UInt8(ascii: "]"))
    }
}

/// One pass over a body; nil from any function ends it.
private struct FlatScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var place = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func object(
        fieldLimit: Int
    ) -> [(name: Range<Int>, value: FlatMessage.Value)]? {
        var fields: [(name: Range<Int>, value: FlatMessage.Value)] = []
        guard take("{") else { return nil }
        if !take("}") {
            repeat {
                guard fields.count < fieldLimit, take("\""), let name = text(), take(":"),
                    let value = value()
                else { return nil }
                fields.append((name, value))
            } while take(",")
            guard take("}") else { return nil }
        }
        skipSpace()
        return place == bytes.count ? fields : nil
    }

    private mutating func skipSpace() {
        while place < bytes.count, Self.isSpace(bytes[place]) { place += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    /// Whether the next character is this one, which is then passed.
    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == UInt8(ascii: character) else { return false }
        place += 1
        return true
    }

    private mutating func value() -> FlatMessage.Value? {
        if take("\"") { return text().map { .text($0) } }
        guard take("[") else { return scalar() ? .other : nil }
        var ranges: [Range<Int>?] = []
        if take("]") { return .trytes(ranges) }
        repeat {
            if take("\"") {
                guard let range = trytes() else { return nil }
                ranges.append(range)
            } else {
                guard takeNull() else { return nil }
                ranges.append(nil)
            }
        } while take(",")
        return take("]") ? .trytes(ranges) : nil
    }

    private mutating func takeNull() -> Bool {
        let null: [UInt8] = [0x6E, 0x75, 0x6C, 0x6C]
        guard place + null.count <= bytes.count,
            bytes[place..<place + null.count].elementsEqual(null)
        else { return false }
        place += null.count
        return true
    }

    /// A number or a word: letters, digits, signs and points, which a JSON decoder would look at
    /// more closely.
    private mutating func scalar() -> Bool {
        let start = place
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "E"):
                place += 1
            default: return place > start
            }
        }
        return false
    }

    /// To the closing quotation mark.
    private mutating func text() -> Range<Int>? {
        let start = place
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            if byte == UInt8(ascii: "\"") { return start..<place - 1 }
            guard (0x20..<0x7F).contains(byte), byte != UInt8(ascii: "\\") else { return nil }
        }
        return nil
    }

    /// The same of characters of the alphabet alone.
    private mutating func trytes() -> Range<Int>? {
        let start = place
        let raw = UnsafeRawBufferPointer(bytes)
        while place + 8 <= bytes.count,
            Self.areTrytes(raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        {
            place += 8
        }
        while place < bytes.count, TryteAlphabet.value(of: bytes[place]) != nil { place += 1 }
        guard place < bytes.count, bytes[place] == UInt8(ascii: "\"") else { return nil }
        place += 1
        return start..<place - 1
    }

    /// Whether all eight bytes are of the alphabet. With no byte beyond ASCII a sum or difference
    /// of two bytes never reaches the next one, and its highest bit says how they compare.
    @inline(__always)
    private static func areTrytes(_ eight: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highest = 0x80 * ones
        guard eight & highest == 0 else { return false }
        let fromA = eight &+ (0x80 - 0x41) * ones
        let beyondZ = eight &+ (0x80 - 0x5B) * ones
        let nine = highest &- (eight ^ 0x39 * ones)
        return (fromA & ~beyondZ | nine) & highest == highest
    }
}
