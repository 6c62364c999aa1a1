import Archive
import Assembly
import Vault

/// Copies the key ring.
enum KeyringBackupCommand: Command {
    static let synopsis = Synopsis(
        name: "keyring backup",
        summary: "Copies the key ring and its forget log, or brings the copies up to date.",
        options: [
            .value("to", "FILE", "this copy; all of PERMANODE_KEYRING_BACKUPS if not given"), .json,
        ],
        notes: """
            A copy that is there is replaced only if it is one of this ring. Copies that are not named
            in PERMANODE_KEYRING_BACKUPS keep the keys of what is forgotten later. Ends with 1 unless
            every copy is current.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.keyRing])
        let paths = arguments.value("to").map { [$0] } ?? configuration.keyRingBackups
        guard !paths.isEmpty else {
            throw arguments.wrong("--to is missing, and PERMANODE_KEYRING_BACKUPS is not set")
        }
        let vault = try configuration.openVault(configuration.log(quietly: true))
        let copies = try paths.map { try vault.backUp(to: $0) }
        let current = copies.filter(\.isCurrent).count
        await context.record(
            .keyRingBackedUp,
            [
                "copies": copies.map(\.name).joined(separator: ", "), "current": String(current),
            ], configuration, vault: vault)
        if arguments.has("json") {
            try context.console.json(copies.map(RingCopyDocument.init))
        } else {
            try context.console.write(RingCopyDocument.table(copies))
        }
        guard let late = copies.first(where: { !$0.isCurrent }) else { return }
        throw CommandFailure(.failed, "\(late.name) is not current: \(late.detail ?? "")")
    }
}

/// A copy of the key ring, as commands show it.
struct RingCopyDocument: Encodable {
    let name: String
    let standing: RingCopy.Standing
    let generation: UInt64?
    let hasLog: Bool
    let detail: String?

    init(_ copy: RingCopy) {
        name = copy.name
        standing = copy.standing
        generation = copy.generation
        hasLog = copy.hasLog
        detail = copy.detail
    }

    static func table(_ copies: [RingCopy]) -> String {
        let rows = copies.map { copy in
            [
                copy.name, copy.standing.rawValue, copy.generation.map { String($0) } ?? "-",
                copy.hasLog ? "complete" : "not complete", copy.detail ?? "",
            ].map(TerminalText.harmless)
        }
        return Table.text(header: ["COPY", "STANDING", "GENERATION", "FORGET LOG", "WHY"], rows)
    }
}
