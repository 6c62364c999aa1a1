/// Records of a table in CSV (RFC 4180).
package enum CSVRecord {
    /// A line with its end.
    ///
    /// - Parameter forSpreadsheets: A cell that a spreadsheet would run as a formula gets an
    ///   apostrophe before it, which keeps it a text. Whoever wants every byte as it was reads
    ///   the JSON.
    package static func line(_ values: [String], forSpreadsheets: Bool = false) -> [UInt8] {
        let cells = values.map { quoted(forSpreadsheets ? neutral($0) : $0) }
        return Array((cells.joined(separator: ",") + "\r\n").utf8)
    }

    private static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy {
            $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: ",") && $0 >= UInt8(ascii: " ")
        }
        return isPlain ? value : "\"" + value.replacing("\"", with: "\"\"") + "\""
    }

    /// What a formula begins with, in one spreadsheet or another, also after blanks and in
    /// the wide forms of East Asian scripts.
    private static let formulaStarts: Set<Unicode.Scalar> = [
        "=", "+", "-", "@", "|", "%", "\t", "\r", "\n", "＝", "＋", "－", "＠",
    ]

    private static func neutral(_ value: String) -> String {
        let first = value.unicodeScalars.first { $0 != " " && $0 != "\u{A0}" && $0 != "\u{FEFF}" }
        return first.map(formulaStarts.contains) == true ? "'" + value : value
    }
}
