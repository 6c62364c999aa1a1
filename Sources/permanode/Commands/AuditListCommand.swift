import Archive
import Assembly
import Foundation
import QueryAPI
import Vault

/// Prints the audit log.
enum AuditListCommand: Command {
    static let synopsis = Synopsis(
        name: "audit list", summary: "Prints the audit log by time, as far as it can be opened.",
        options: [
            .value("channel", "ID", "only what is about this channel"),
            .value("from", "T", "only what happened at this time (RFC 3339) or later"),
            .value("to", "T", "only what happened before this time"),
            .json,
        ],
        notes: """
            A line an entry: time, kind, token (or operator), channel or subject, details, with tabs
            between; with --json an object a line. Reads stand in it within a second, added up by
            token and channel. Of what was forgotten, when and what kind of act is left.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let filter = AuditFilter(
            leaf: try arguments.channel("channel"), from: try arguments.time("from"),
            to: try arguments.time("to"))
        let (console, asJSON) = (context.console, arguments.has("json"))
        try await context.withInstance { instance, _, _ in
            try await instance.archive.auditRecords(filter) { records in
                var bytes = Data()
                for document in records.map(AuditRecordDocument.init) {
                    bytes +=
                        asJSON
                        ? try Console.encoded(document) + Data("\n".utf8)
                        : Data(document.line.utf8)
                }
                try console.write(bytes)
            }
        }
    }
}
