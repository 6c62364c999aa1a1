import Assembly
import Foundation

/// Makes a new archive.
enum InitCommand: Command {
    static let synopsis = Synopsis(
        name: "init",
        summary: "Makes the key ring, applies the schema, prints the first admin token once.",
        options: [.json],
        notes: """
            The key ring (PERMANODE_KEYRING, mode 0600) holds what opens the archive. Keep copies of it
            apart from the database's backups, and name them in PERMANODE_KEYRING_BACKUPS (files, with
            commas between): they are made now, and every forget reaches them, too. With
            PERMANODE_KEYRING_PASSPHRASE_FILE, _KEY_FILE or _COMMAND it is wrapped under that secret. A
            key ring that exists is never overwritten.
            """)

    private struct Result: Encodable { let token: String }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.database, .keyRing])
        let token = try await Instance.create(configuration, now: Date())
        let ring = configuration.keyRing ?? ""
        let copies = configuration.keyRingBackups
        context.console.note(
            """
            THE KEY RING \(ring) IS THE ONLY KEY TO THIS ARCHIVE: whoever loses it loses every
            message, whatever database backups there are.
            """)
        context.console.note(
            copies.isEmpty
                ? """
                There is no copy of it yet. Make one on another disk now:
                  permanode keyring backup --to /another/disk/keyring
                and set PERMANODE_KEYRING_BACKUPS to it, so that what is forgotten is forgotten there, too.
                """
                : "Its copies: \(copies.joined(separator: ", ")). Look at them with: permanode keyring show"
        )
        if arguments.has("json") {
            try context.console.json(Result(token: token))
        } else {
            try context.console.line("The first admin token, shown this once:\n\(token)")
        }
    }
}
