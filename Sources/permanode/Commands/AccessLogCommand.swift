import Archive
import Assembly
import Foundation
import QueryAPI
import Vault

/// Prints who read a person's data.
enum AccessLogCommand: Command {
    static let synopsis = Synopsis(
        name: "access-log",
        summary: "Prints for a person who read his data, what of it, when and what for.",
        options: [.value("subject", "S", "the person's pseudonym", required: true), .json],
        notes: """
            A line an entry: time, kind, token (or operator), reader's address, channel, details, with
            tabs between; with --json an object a line. Reads stand in it within a second. A last line
            tells how his consent channel stands, where one is registered: while it does not go on,
            what it said last holds.
            """)

    private struct Last: Encodable {
        let consent: ConsentDocument
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let pseudonym = arguments.value("subject") ?? ""
        let (console, asJSON) = (context.console, arguments.has("json"))
        try await context.withInstance { instance, _, _ in
            let subject = try await instance.archive.subject(pseudonym)
            var after: AccessLogKey?
            while true {
                let page = try await instance.archive.accessLog(of: subject, after: after)
                for entry in page.entries {
                    let document = AccessLogDocument(entry, subject: subject)
                    if asJSON {
                        try console.write(Console.encoded(document) + Data("\n".utf8))
                    } else {
                        try console.line(document.line)
                    }
                }
                after = page.next
                guard after == nil else { continue }
                guard let consent = page.consent.map(ConsentDocument.init) else { return }
                if asJSON {
                    return try console.write(
                        Console.encoded(Last(consent: consent)) + Data("\n".utf8))
                }
                return try console.line(consent.line)
            }
        }
    }
}

extension AccessLogDocument {
    /// With tabs between.
    fileprivate var line: String {
        let told = (details ?? [:]).sorted { $0.key < $1.key }
            .map { "\($0.key)=\($0.value)" }.joined(separator: " ")
        let fields = [
            at.text, kind, token ?? (anyone == true ? "anyone" : "operator"), reader ?? "-",
            channel ?? "-", missing ?? told,
        ]
        return fields.map(TerminalText.harmless).joined(separator: "\t")
    }
}

extension ConsentDocument {
    fileprivate var line: String {
        let standing = "consent channel \(channel): \(state.rawValue)"
        return standing + (reason.map { " (\($0))" } ?? "")
            + ", \(authorised.count) authorised"
    }
}
