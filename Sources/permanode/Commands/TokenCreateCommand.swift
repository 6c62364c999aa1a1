import Archive
import Assembly
import Foundation
import Vault

/// Makes a token.
enum TokenCreateCommand: Command {
    static let synopsis = Synopsis(
        name: "token create",
        summary: "Makes a token; prints it once, alone on the last line.",
        options: [
            .value("role", "ROLE", "admin or reader", required: true),
            .value("channel", "ID", "a channel a reader may read", repeatable: true),
            .json,
        ])

    private struct Result: Encodable {
        let id: String
        let role: String
        let channels: [String]
        let token: String
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        guard let role = TokenRole(rawValue: arguments.value("role") ?? "") else {
            throw arguments.wrong("--role is neither admin nor reader")
        }
        var channels: [ChannelNumber] = []
        for text in arguments.all("channel") {
            channels.append(try Arguments.number(text, "channel"))
        }
        guard (role == .reader) == !channels.isEmpty else {
            throw arguments.wrong(
                role == .reader
                    ? "a reader needs a --channel to read" : "an admin may read every channel")
        }
        let (record, token) = try await context.withInstance { [channels] instance, _, _ in
            try await instance.archive.createToken(role, channels: channels, now: Date())
        }
        if arguments.has("json") {
            try context.console.json(
                Result(
                    id: record.id.text, role: role.rawValue, channels: record.channels.map(\.text),
                    token: token))
        } else {
            try context.console.line("Token \(record.id.text), shown this once:\n\(token)")
        }
    }
}
