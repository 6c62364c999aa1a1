import Archive
import Assembly
import Foundation
import Vault

/// Fills in what lies before a channel's registered root.
enum ChannelExtendCommand: Command {
    static let synopsis = Synopsis(
        name: "channel extend",
        summary: "Fills in earlier positions of a channel, from a root before the registered one.",
        operands: .one("ID"),
        options: [
            .value(
                "earlier-root-file", "FILE", "a root of the same chain; - is standard input",
                required: true),
            .value(
                "side-key-file", "FILE",
                "the side key that worked there, where it is another; - is standard input"),
        ],
        notes: """
            Earlier positions count from -1000000000, those before them from -2000000000, and so
            on: how many trees are between is known only when the chain arrives at the root that
            was the earliest until then. `channel show` tells how far it is.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        try arguments.checkStandardInput("earlier-root-file", "side-key-file")
        let channel = try arguments.channelOperand()
        let root = try arguments.root("earlier-root-file")
        let sideKey = try arguments.sideKey()
        _ = try await context.withInstance { instance, _, _ in
            try await instance.archive.extend(channel, from: root, sideKey: sideKey, now: Date())
        }
    }
}
