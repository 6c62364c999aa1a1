import Archive
import Assembly

/// Stops following a channel.
enum ChannelPauseCommand: Command {
    static let synopsis = Synopsis(
        name: "channel pause", summary: "Stops following a channel until it is resumed.",
        operands: .one("ID"))

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        try await context.withInstance { instance, _, _ in try await instance.archive.pause(id) }
    }
}
