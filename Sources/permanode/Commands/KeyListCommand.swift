import Archive
import Assembly
import QueryAPI
import Vault

/// Lists a channel's key epochs.
enum KeyListCommand: Command {
    static let synopsis = Synopsis(
        name: "key list",
        summary: "Lists a channel's side keys with the position from which each worked.",
        options: [.value("channel", "ID", "the channel", required: true), .json])

    private struct Document: Encodable {
        let number: Int
        let from: Int64?
        let addedAt: Timestamp
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        guard let channel = try arguments.channel("channel") else {
            throw arguments.wrong("--channel is missing")
        }
        let epochs = try await context.withInstance { instance, _, _ in
            try await instance.archive.keyEpochs(of: channel)
        }
        if arguments.has("json") {
            try context.console.json(
                epochs.map {
                    Document(
                        number: Int($0.number), from: $0.firstPosition,
                        addedAt: Timestamp($0.addedAt))
                })
            return
        }
        let rows = epochs.map { epoch in
            [
                String(epoch.number), epoch.firstPosition.map(String.init) ?? "-",
                Timestamp(epoch.addedAt).text,
            ]
        }
        try context.console.write(Table.text(header: ["NUMBER", "FROM", "ADDED"], rows))
    }
}
