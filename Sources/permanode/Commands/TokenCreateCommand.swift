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
            .value("role", "ROLE", "admin, reader or subject", required: true),
            .value("channel", "ID", "a channel a reader may read, all of it", repeatable: true),
            .value("purpose", "TEXT", "what a reader reads these channels for"),
            .value(
                "address", "ADDRESS",
                "the IOTA address by which owners' consent channels name a reader"),
            .value("subject", "S", "the pseudonym of the person a subject's token is for"),
            .json,
        ],
        notes: "A part of a channel, or another one later, is given with permanode grant add.")

    private struct Result: Encodable {
        let id: String
        let role: String
        let channels: [String]
        let token: String
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        guard let role = TokenRole(rawValue: arguments.value("role") ?? "") else {
            throw arguments.wrong("--role is none of admin, reader, subject")
        }
        var channels: [ChannelNumber] = []
        for text in arguments.all("channel") {
            channels.append(try Arguments.number(text, "channel"))
        }
        guard role == .reader || channels.isEmpty else {
            throw arguments.wrong("--channel is for readers only")
        }
        let address = try arguments.address("address")
        guard role == .reader || address == nil else {
            throw arguments.wrong("--address is for readers only")
        }
        let purpose = arguments.value("purpose")
        guard purpose == nil || !channels.isEmpty else {
            throw arguments.wrong("--purpose is about the channels that --channel names")
        }
        let subject = arguments.value("subject")
        guard (role == .subject) == (subject != nil) else {
            throw arguments.wrong("--subject is needed for --role subject, and for no other")
        }
        let (record, token) = try await context.withInstance { [channels] instance, _, _ in
            try await instance.archive.createToken(
                role, channels: channels, purpose: purpose, subject: subject,
                address: address, now: Date())
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
