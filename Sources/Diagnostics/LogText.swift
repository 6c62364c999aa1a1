/// Makes foreign text harmless inside a line.
enum LogText {
    /// Stands where text was cut.
    static let cutMark = "…"

    /// `text` as the inside of a JSON string of at most `limit` bytes.
    ///
    /// Everything that could end a line, move a terminal's cursor or reorder what a
    /// reader sees (control and format characters, line and paragraph separators) is
    /// written as `\uXXXX`.
    static func escaped(_ text: String, limit: Int) -> String {
        var result = ""
        var bytes = 0
        let room = limit - cutMark.utf8.count
        for scalar in text.unicodeScalars {
            let piece = escape(scalar)
            guard bytes + piece.utf8.count <= room else { return result + cutMark }
            result += piece
            bytes += piece.utf8.count
        }
        return result
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator:
            return scalar.utf16.map(unit).joined()
        default:
            return String(scalar)
        }
    }

    private static func unit(_ value: UInt16) -> String {
        let digits = String(value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
