/// Records of a table in CSV (RFC 4180), as UTF-8, safe to open with a spreadsheet.
///
/// A cell of text that a spreadsheet would run as a formula gets an apostrophe before what would
/// begin one, which keeps it a text. That is also done inside of a cell, behind what ends one
/// where a spreadsheet is set to another separator and so sees no quotes. Whoever wants every byte
/// as it was reads the JSON.
package struct CSVRecords: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var isFirst = true

    package init() {}

    /// Ends the record.
    package mutating func end() {
        bytes.append(contentsOf: "\r\n".utf8)
        isFirst = true
    }

    package mutating func cell(_ number: some BinaryInteger) {
        start()
        bytes.append(contentsOf: String(number).utf8)
    }

    package mutating func cell(_ value: Bool) {
        start()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    /// Trytes, a time or the like: letters, digits, and signs that need no quotes.
    mutating func cell(ascii text: [UInt8]) {
        start()
        bytes.append(contentsOf: text)
    }

    /// A time, or nothing.
    mutating func cell(_ time: Timestamp?) {
        start()
        time?.write(to: &bytes)
    }

    /// Any text.
    package mutating func cell(_ text: String) {
        start()
        var text = text
        text.withUTF8 { add($0) }
    }

    /// A whole record of texts.
    package mutating func add(_ values: [String]) {
        for value in values { cell(value) }
        end()
    }

    /// One record.
    package static func line(_ values: [String]) -> [UInt8] {
        var records = CSVRecords()
        records.add(values)
        return records.bytes
    }

    private mutating func start() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    private mutating func add(_ text: UnsafeBufferPointer<UInt8>) {
        let isQuoted = text.contains {
            $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: ",") || $0 < UInt8(ascii: " ")
        }
        if isQuoted { bytes.append(UInt8(ascii: "\"")) }
        if text.first.map(Self.isControl) ?? false || Self.beginsFormula(text[...]) {
            bytes.append(UInt8(ascii: "'"))
        }
        for (index, byte) in text.enumerated() {
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
            let endsCell = byte == UInt8(ascii: ";") || Self.isControl(byte)
            if endsCell, Self.beginsFormula(text[(index + 1)...]) {
                bytes.append(UInt8(ascii: "'"))
            }
        }
        if isQuoted { bytes.append(UInt8(ascii: "\"")) }
    }

    /// A tab or the end of a line.
    private static func isControl(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
    }

    /// What blanks are skipped: a space, one that does not break, and a mark of byte order.
    private static let blanks: [[UInt8]] = [[0x20], [0xC2, 0xA0], [0xEF, 0xBB, 0xBF]]

    /// What a formula begins with, in one spreadsheet or another, also in the wide forms of East
    /// Asian scripts.
    private static let starts: [[UInt8]] = ["=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠"]
        .map { Array($0.utf8) }

    private static func beginsFormula(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        var rest = text
        while let first = rest.first {
            // Most texts begin with a letter or a brace, so this is all that is looked at.
            let isCandidate =
                first < UInt8(ascii: "0") || first == UInt8(ascii: "=")
                || first == UInt8(ascii: "@") || first == UInt8(ascii: "|") || first >= 0x80
            guard isCandidate else { return false }
            guard let blank = blanks.first(where: { rest.starts(with: $0) }) else {
                return starts.contains { rest.starts(with: $0) }
            }
            rest = rest.dropFirst(blank.count)
        }
        return false
    }
}
