import Archive
import Assembly

/// Stops processing a channel, and keeps it.
enum ChannelRestrictCommand: Command {
    static let synopsis = Synopsis(
        name: "channel restrict",
        summary: "Stops crawling, reading and retention of a channel, and keeps what there is.",
        operands: .one("ID"),
        notes: """
            For the right to restriction of processing. Who reads the channel is cut off within a
            second. permanode channel lift ends it; a forget works all the same.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        try await context.withInstance { instance, _, _ in
            try await instance.archive.restrict(id)
        }
    }
}
