import Archive
import Assembly
import MAM
import QueryAPI
import Vault

/// Lists the channels.
enum ChannelListCommand: Command {
    static let synopsis = Synopsis(
        name: "channel list", summary: "Lists the channels; never a root.", options: [.json])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let channels = try await context.withInstance { instance, _, _ in
            var all: [ChannelRecord] = []
            while true {
                let page = try await instance.archive.channels(after: all.last?.id)
                all += page
                if page.count < Archive.channelPageLimit { return all }
            }
        }
        if arguments.has("json") {
            try context.console.json(channels.map { ChannelDocument($0, isAdmin: true) })
            return
        }
        let rows = channels.map { channel in
            [
                channel.id.text, channel.mode.rawValue, channel.state.rawValue,
                String(channel.messageCount),
                channel.lastLookAt.map { Timestamp($0).text } ?? "never",
                channel.basis?.rawValue ?? "-",
                TerminalText.harmless(channel.label ?? ""),
            ]
        }
        try context.console.write(
            Table.text(
                header: ["ID", "MODE", "STATE", "MESSAGES", "LAST LOOK", "BASIS", "LABEL"], rows))
    }
}
