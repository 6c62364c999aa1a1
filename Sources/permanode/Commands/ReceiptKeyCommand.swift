import Archive
import Assembly
import Erasure

/// Prints the public key that receipts are checked with.
enum ReceiptKeyCommand: Command {
    static let synopsis = Synopsis(
        name: "receipt key",
        summary: "Prints the public key of receipts, to be published where requesters find it.")

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let key = try await context.withInstance { instance, _, _ in
            SignedReceipt.publicKey(of: instance.archive.vault)
        }
        try context.console.line(key)
    }
}
