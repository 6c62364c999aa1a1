import Archive
import Assembly
import Foundation

/// Lifts a restriction.
enum ChannelLiftCommand: Command {
    static let synopsis = Synopsis(
        name: "channel lift", summary: "Lifts a channel's restriction.", operands: .one("ID"))

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let id = try arguments.channelOperand()
        try await context.withInstance { instance, _, _ in
            try await instance.archive.lift(id, now: Date())
        }
    }
}
