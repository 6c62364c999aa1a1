import Assembly
import Foundation

/// Makes a new archive.
enum InitCommand: Command {
    static let synopsis = Synopsis(
        name: "init",
        summary: "Makes the key ring, applies the schema, prints the first admin token once.",
        options: [.json],
        notes: """
            The key ring (PERMANODE_KEYRING, mode 0600) holds what opens the archive: keep a copy of
            it apart from the database's, and puncture it with the original when something is
            forgotten. A key ring that exists is never overwritten.
            """)

    private struct Result: Encodable { let token: String }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.database, .keyRing])
        let token = try await Instance.create(configuration, now: Date())
        if arguments.has("json") {
            try context.console.json(Result(token: token))
        } else {
            try context.console.line("The first admin token, shown this once:\n\(token)")
        }
    }
}
