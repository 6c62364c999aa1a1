/// Markup. What is written into it comes out as text, whatever it says: markup itself can only be
/// a literal of the program, or markup put together before.
///
///     let item: HTML = "<li class=\"\(kind)\">\(label)</li>"
///
/// Attributes are to be quoted, and values must not stand where a browser reads a URL's scheme, a
/// script or a style.
package struct HTML: Sendable, ExpressibleByStringInterpolation {
    // A `StaticString` cannot be made from what comes at run time, so that no text gets around
    // the escaping.
    package typealias StringLiteralType = StaticString

    package private(set) var markup: String

    package init(stringLiteral literal: StaticString) { markup = literal.description }

    package init(stringInterpolation interpolation: StringInterpolation) {
        markup = interpolation.markup
    }

    /// A text, escaped.
    package init(text: String) {
        markup = ""
        HTMLText.append(text, to: &markup)
    }

    package static func += (left: inout HTML, right: HTML) { left.markup += right.markup }

    package var bytes: [UInt8] { Array(markup.utf8) }

    package struct StringInterpolation: StringInterpolationProtocol {
        package typealias StringLiteralType = StaticString

        fileprivate var markup = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            markup.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        package mutating func appendLiteral(_ literal: StaticString) {
            markup += literal.description
        }

        package mutating func appendInterpolation(_ text: String) {
            HTMLText.append(text, to: &markup)
        }

        package mutating func appendInterpolation(_ number: some BinaryInteger) {
            markup += String(number)
        }

        package mutating func appendInterpolation(_ html: HTML) { markup += html.markup }

        /// Nothing for nil.
        package mutating func appendInterpolation(_ html: HTML?) { markup += html?.markup ?? "" }

        /// One after the other.
        package mutating func appendInterpolation(_ html: [HTML]) {
            for part in html { markup += part.markup }
        }
    }
}

/// Texts as markup.
enum HTMLText {
    /// Appends a text so that it is read as just that, between tags and in quoted attributes.
    ///
    /// Control characters, and those that turn the direction of what follows, are shown by
    /// stand-ins: a browser would drop them, or let a text look like another.
    static func append(_ text: String, to markup: inout String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": markup += "&amp;"
            case "<": markup += "&lt;"
            case ">": markup += "&gt;"
            case "\"": markup += "&quot;"
            case "'": markup += "&#39;"
            case "\n", "\t": markup.unicodeScalars.append(scalar)
            // Of a line's end the line feed is enough.
            case "\r": break
            default: markup.unicodeScalars.append(standIn(for: scalar) ?? scalar)
            }
        }
    }

    private static func standIn(for scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        // The pictures of control characters lie in their order.
        case 0..<0x20: Unicode.Scalar(0x2400 + scalar.value)
        case 0x7F: "\u{2421}"
        case 0x80..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: "\u{FFFD}"
        default: nil
        }
    }
}
