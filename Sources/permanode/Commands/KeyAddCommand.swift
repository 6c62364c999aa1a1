import Archive
import Assembly
import Foundation

/// Adds a side key.
enum KeyAddCommand: Command {
    static let synopsis = Synopsis(
        name: "key add",
        summary: "Adds a side key to a restricted channel, which is then looked at at once.",
        options: [
            .value("channel", "ID", "the channel", required: true),
            .value("side-key-file", "FILE", "the key; - is standard input", required: true),
        ])

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        guard let channel = try arguments.channel("channel"), let key = try arguments.sideKey()
        else {
            throw arguments.wrong("--channel and --side-key-file are needed")
        }
        _ = try await context.withInstance { instance, _, _ in
            try await instance.archive.add(key, to: channel, now: Date())
        }
    }
}
