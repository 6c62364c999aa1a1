import Foundation

/// Renders one event as one line without its line end.
///
/// Bounded by construction: a value is cut at `maximumValueBytes`, and a field that no
/// longer fits is left out and counted, so that a JSON line stays JSON.
package enum LogLine {
    /// Bytes of a line with its line end. Linux writes up to 4,096 bytes to a pipe at once
    /// (PIPE_BUF), so lines of several processes on one pipe do not mix.
    package static let maximumBytes = 4096

    /// Bytes of one escaped value: room for a URL or a sentence, not for a payload.
    package static let maximumValueBytes = 1024

    /// Kept free for the end of the line: `, "omittedFields": N}}` and the line end.
    private static let reservedBytes = 64

    struct Event {
        var time: Date
        var level: LogLevel
        var component: String
        var message: String
        var fields: LogFields
    }

    static func render(_ event: Event, as format: LogFormat) -> String {
        switch format {
        case .text: text(event)
        case .json: json(event)
        }
    }

    private static func text(_ event: Event) -> String {
        let level = event.level.rawValue.uppercased()
        let head =
            timestamp(event.time) + " " + level
            + " " + LogText.escaped(event.component, limit: maximumValueBytes) + ": "
            + LogText.escaped(event.message, limit: maximumValueBytes)
        return appending(event.fields, to: head, separator: " ", first: " ") { name, value in
            let bare =
                switch value {
                case .string(let string): textValue(string)
                case .int(let number): String(number)
                case .double(let number): String(number)
                case .bool(let flag): String(flag)
                }
            return LogText.escaped(name, limit: maximumValueBytes) + "=" + bare
        }
    }

    private static func json(_ event: Event) -> String {
        let head =
            "{\"time\":\"" + timestamp(event.time)
            + "\",\"level\":\"" + event.level.rawValue
            + "\",\"component\":" + quoted(event.component)
            + ",\"message\":" + quoted(event.message)
            + ",\"fields\":{"
        return appending(event.fields, to: head, separator: ",", first: "") { name, value in
            let bare =
                switch value {
                case .string(let string): quoted(string)
                case .int(let number): String(number)
                // JSON knows neither infinity nor NaN.
                case .double(let number): number.isFinite ? String(number) : quoted(String(number))
                case .bool(let flag): String(flag)
                }
            return quoted(name) + ":" + bare
        } + "}}"
    }

    private static func appending(
        _ fields: LogFields, to head: String, separator: String, first: String,
        _ render: (String, LogValue) -> String
    ) -> String {
        var line = head
        var bytes = head.utf8.count
        var omitted = 0
        var next = first
        for (name, value) in fields.pairs {
            let field = next + render(name, value)
            guard bytes + field.utf8.count <= maximumBytes - reservedBytes else {
                omitted += 1
                continue
            }
            line += field
            bytes += field.utf8.count
            next = separator
        }
        if omitted > 0 { line += next + render("omittedFields", .int(Int64(omitted))) }
        return line
    }

    private static func quoted(_ text: String) -> String {
        "\"" + LogText.escaped(text, limit: maximumValueBytes) + "\""
    }

    /// Bare where that is readable and cannot be taken for something else.
    private static func textValue(_ text: String) -> String {
        let escaped = LogText.escaped(text, limit: maximumValueBytes)
        let plain =
            !text.isEmpty && escaped == text
            && !text.unicodeScalars.contains { $0.properties.isWhitespace || $0 == "=" }
        return plain ? text : "\"" + escaped + "\""
    }

    /// RFC 3339 in UTC with milliseconds.
    private static func timestamp(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
