import Ternary

extension MessageDocument {
    /// The documents as lines of NDJSON, members in the order of their names, as an encoder
    /// would that sorts them: a day of a meter has 86,400 lines, and a general encoder takes
    /// longer for one than decrypting it does.
    static func lines(_ documents: [MessageDocument]) -> [UInt8] {
        var lines: [UInt8] = []
        lines.reserveCapacity(documents.reduce(0) { $0 + $1.expectedLineCount })
        for document in documents { document.write(to: &lines) }
        return lines
    }

    /// Bytes that a line takes or a little more, unless its text needs many escapes.
    private var expectedLineCount: Int {
        let content = (text?.utf8.count ?? 0) + (trytes?.count ?? 0)
        return 800 + content + content / 8
    }

    private func write(to lines: inout [UInt8]) {
        var line = LineWriter(lines)
        lines = []
        line.member("address", ascii: address.trytes.ascii)
        line.member("attachments", attachments)
        line.member("bundle", ascii: bundle.trytes.ascii)
        if let claimedAt { line.member("claimedAt", claimedAt) }
        line.member("confirmed", confirmed)
        line.member("conflict", conflict)
        line.member("firstSeenAt", firstSeenAt)
        line.member("leaf", leaf)
        if let milestone { line.member("milestone", milestone) }
        line.member("position", position)
        line.member("securityLevel", securityLevel)
        line.member("sequence", sequence)
        line.member("tag", ascii: tag.ascii)
        line.member("tail", ascii: tail.trytes.ascii)
        if let text { line.member("text", text) }
        if let trytes { line.member("trytes", ascii: trytes.ascii) }
        lines = line.ended()
    }
}

/// Writes a JSON object (RFC 8259) member by member. Names need no escaping.
private struct LineWriter {
    private var bytes: [UInt8]
    private var isFirst = true

    init(_ bytes: consuming [UInt8]) { self.bytes = bytes }

    mutating func member(_ name: StaticString, _ value: some BinaryInteger) {
        start(name)
        bytes.append(contentsOf: String(value).utf8)
    }

    mutating func member(_ name: StaticString, _ value: Bool) {
        start(name)
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    /// - Parameter value: trytes, a time or the like: nothing that needs escaping.
    mutating func member(_ name: StaticString, ascii value: [UInt8]) {
        start(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: value)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func member(_ name: StaticString, _ value: Timestamp) {
        start(name)
        bytes.append(UInt8(ascii: "\""))
        value.write(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func member(_ name: StaticString, _ value: String) {
        start(name)
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { text in
            var rest = UnsafeRawBufferPointer(text)
            while !rest.isEmpty {
                let count = Self.unescapedCount(rest)
                bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: rest[..<count]))
                guard count < rest.count else { break }
                escape(rest[count])
                rest = UnsafeRawBufferPointer(rebasing: rest[(count + 1)...])
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Bytes before the first that needs an escape.
    private static func unescapedCount(_ text: UnsafeRawBufferPointer) -> Int {
        var index = 0
        while index + 8 <= text.count {
            let eight = UInt64(
                littleEndian: text.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = firstEscape(in: eight)
            guard found == 8 else { return index + found }
            index += 8
        }
        while index < text.count, !needsEscape(text[index]) { index += 1 }
        return index
    }

    /// Which of eight bytes, the first lowest, needs an escape; 8 if none does.
    ///
    /// A byte below a bound borrows from its topmost bit when the bound is subtracted. Borrows
    /// go upwards, so that the lowest one found is right.
    private static func firstEscape(in eight: UInt64) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        func below(_ bound: UInt64, _ bytes: UInt64) -> UInt64 {
            (bytes &- ones &* bound) & ~bytes & (ones << 7)
        }
        let quotes = eight ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslashes = eight ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let found = below(0x20, eight) | below(1, quotes) | below(1, backslashes)
        return found.trailingZeroBitCount / 8
    }

    consuming func ended() -> [UInt8] {
        bytes.append(contentsOf: "}\n".utf8)
        return bytes
    }

    private mutating func start(_ name: StaticString) {
        bytes.append(UInt8(ascii: isFirst ? "{" : ","))
        isFirst = false
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: "\":".utf8)
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(contentsOf: [byte >> 4, byte & 15].map(Self.hexDigit))
        }
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
