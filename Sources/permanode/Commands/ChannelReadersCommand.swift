import Archive
import Assembly
import QueryAPI
import Vault

/// Lists who read a channel.
enum ChannelReadersCommand: Command {
    static let synopsis = Synopsis(
        name: "channel readers",
        summary: "Lists who read a channel: token, first and last time, how many messages.",
        operands: .one("ID"), options: [.json],
        notes: "What was read in the last second may not be among it yet.")

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        let recipients = try await context.withInstance { instance, _, _ in
            try await instance.archive.recipients(of: id)
        }.map(RecipientDocument.init)
        if arguments.has("json") { return try context.console.json(recipients) }
        let rows = recipients.map { recipient in
            [
                recipient.token ?? (recipient.anyone == true ? "anyone" : "operator"),
                recipient.firstReadAt.text,
                recipient.lastReadAt.text, String(recipient.messages),
            ]
        }
        try context.console.write(
            Table.text(header: ["TOKEN", "FIRST READ", "LAST READ", "MESSAGES"], rows))
    }
}
