import Archive
import Assembly

/// Changes how long a channel's messages are kept.
enum ChannelSetCommand: Command {
    static let synopsis = Synopsis(
        name: "channel set", summary: "Says how long a channel's messages are kept.",
        operands: .one("ID"),
        options: [
            .value("retention", "MONTHS", "whole months, such as 13m, or none", required: true)
        ],
        notes: """
            Kept are the month under way and as many months before it. Older ones are forgotten by
            the eraser (permanode serve), keys first, within seconds; it counts in which month
            (UTC) the archive took a message in. With none all is kept.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        let retention = arguments.value("retention") == "none" ? nil : try arguments.retention()
        try await context.withInstance { instance, _, _ in
            try await instance.archive.setRetention(retention, of: id)
        }
    }
}
