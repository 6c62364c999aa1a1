import Archive
import Assembly
import Foundation

/// Follows a paused channel again.
enum ChannelResumeCommand: Command {
    static let synopsis = Synopsis(
        name: "channel resume", summary: "Follows a paused channel again, at once.",
        operands: .one("ID"))

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        try await context.withInstance { instance, _, _ in
            try await instance.archive.resume(id, now: Date())
        }
    }
}
