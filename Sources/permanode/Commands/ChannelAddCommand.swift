import Archive
import Assembly
import Foundation
import MAM
import QueryAPI
import Vault

/// Registers a channel.
enum ChannelAddCommand: Command {
    static let synopsis = Synopsis(
        name: "channel add",
        summary: "Registers a channel to be followed; prints its id, alone on the last line.",
        options: [
            .value(
                "root-file", "FILE", "the channel's first root; - is standard input", required: true
            ),
            .value("mode", "MODE", "public, private or restricted", required: true),
            .value("side-key-file", "FILE", "for restricted channels; - is standard input"),
            .value(
                "subject", "S", "the operator's pseudonym for a person, never a name",
                repeatable: true),
            .value("label", "L", "for people"),
            .value("purpose", "TEXT", "what the messages are kept for"),
            .value(
                "basis", "BASIS",
                "why that is lawful: \(LawfulBasis.allCases.map(\.rawValue).joined(separator: ", "))"
            ),
            .value("retention", "MONTHS", "how long messages are kept, such as 13m; else all are"),
            .json,
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try arguments.checkStandardInput("root-file", "side-key-file")
        guard let mode = try arguments.choice("mode", ChannelMode.self) else {
            throw arguments.wrong("--mode is missing")
        }
        let registration = ChannelRegistration(
            root: try arguments.root(), mode: mode, sideKey: try arguments.sideKey(),
            subjects: arguments.all("subject"), label: arguments.value("label"),
            purpose: arguments.value("purpose"),
            basis: try arguments.choice("basis", LawfulBasis.self),
            retention: try arguments.retention())
        let record = try await context.withInstance { instance, _, _ in
            let id = try await instance.archive.register(registration, now: Date())
            return try await instance.archive.channel(id)
        }
        if arguments.has("json") {
            try context.console.json(ChannelDocument(record, isAdmin: true))
        } else {
            try context.console.line(record.id.text)
        }
    }
}
