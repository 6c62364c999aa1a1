import Archive
import Assembly
import Foundation

/// Lifts the tombstone of a root.
enum TombstoneLiftCommand: Command {
    static let synopsis = Synopsis(
        name: "tombstone lift",
        summary: "Lets a forgotten root be registered again: for consent given anew.",
        options: [
            .value("root-file", "FILE", "the root; - is standard input", required: true),
            .value("reason", "TEXT", "stands in the audit log, sealed; no name", required: true),
        ],
        notes: """
            What was forgotten stays so: a channel that is registered at this root takes in what the
            ledger still has. Each tree of a chain has a tombstone of its own, and a channel stalls
            where it walks into one: lift those of all trees that are to be followed. What was
            forgotten of a tree by --period stays out. Ends with 3 where the root has no tombstone.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let root = try arguments.root()
        let reason = arguments.value("reason") ?? ""
        try await context.withInstance { instance, _, _ in
            try await instance.archive.liftTombstone(of: root, reason: reason, now: Date())
        }
        try context.console.line("lifted: the root can be registered again")
    }
}
