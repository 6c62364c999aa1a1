import Assembly
import Vault

/// Checks what is stored.
enum VerifyCommand: Command {
    static let synopsis = Synopsis(
        name: "verify",
        summary: "Re-hashes and re-checks every stored bundle; ends with 1 if one is no good.",
        options: [.value("channel", "ID", "only this channel"), .json],
        notes: "Every fault is a line on standard output: channel, sequence, attachment, cause.")

    private struct Fault: Encodable {
        let channel: String
        let sequence: Int64
        let attachment: Int?
        let cause: String

        init(_ fault: VerificationFault) {
            channel = fault.channel.text
            sequence = fault.sequence
            attachment = fault.attachment
            cause = fault.cause.rawValue
        }
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let channel = try arguments.channel("channel")
        let (console, asJSON) = (context.console, arguments.has("json"))
        let progress = ProgressLine(console)
        defer { progress.end() }
        let report = try await context.withInstance { instance, _, _ in
            try await ArchiveVerifier(archive: instance.archive).verify(channel: channel) {
                report in
                progress.show("verified \(report.messages) messages, \(report.faults) faults")
            } fault: { fault in
                progress.end()
                try console.write(asJSON ? line(json: fault) : line(fault))
            }
        }
        progress.end()
        if asJSON {
            try console.json(report)
        } else {
            try console.write(
                Table.fields([
                    ("channels", String(report.channels)),
                    ("channels skipped (restricted)", String(report.skippedChannels)),
                    ("messages", String(report.messages)),
                    ("attachments", String(report.attachments)),
                    ("faults", String(report.faults)),
                ]))
        }
        guard report.faults == 0 else {
            throw CommandFailure(
                .failed,
                "\(report.faults) faults in \(report.messages) messages: restore them from a backup"
            )
        }
    }

    private static func line(_ fault: VerificationFault) -> String {
        let attachment = fault.attachment.map { " attachment \($0)" } ?? ""
        return "fault: channel \(fault.channel.text) message \(fault.sequence)\(attachment):"
            + " \(fault.cause.rawValue): \(fault.cause.explanation)\n"
    }

    private static func line(json fault: VerificationFault) throws -> String {
        String(decoding: try Console.encoded(Fault(fault)), as: UTF8.self) + "\n"
    }
}
