import Assembly
import Secrets
import Vault

/// Shows the key ring.
enum KeyringShowCommand: Command {
    static let synopsis = Synopsis(
        name: "keyring show",
        summary: "Shows the key ring's fingerprints, size and copies; never a key.",
        options: [.json],
        notes:
            "Opening the ring mends what it can, as every command does; this one changes nothing else."
    )

    private struct Result: Encodable {
        let ring: String
        let path: String
        let generation: UInt64
        let nodes: Int
        let logRecords: UInt64
        let wrap: RingWrapKind
        let signingKey: String
        let memoryLocked: Bool
        let copies: [RingCopyDocument]
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.keyRing])
        let vault = try configuration.openVault(configuration.log(quietly: true))
        let copies = vault.copies()
        let result = Result(
            ring: vault.ringIdentifier, path: configuration.keyRing ?? "",
            generation: vault.generation, nodes: vault.nodeCount,
            logRecords: try vault.logHead().sequence, wrap: vault.wrapKind,
            signingKey: Hex.encode(vault.signingKey.publicKey),
            memoryLocked: SecretMemory.isLocked, copies: copies.map(RingCopyDocument.init))
        if arguments.has("json") { return try context.console.json(result) }
        try context.console.write(
            Table.fields([
                ("ring", result.ring), ("file", TerminalText.harmless(result.path)),
                ("generation", String(result.generation)),
                ("nodes", String(result.nodes)), ("forget log", "\(result.logRecords) records"),
                ("wrapped under", result.wrap == .none ? "nothing" : "a \(result.wrap.rawValue)"),
                ("receipts' key (Ed25519)", result.signingKey),
                ("secrets in locked memory", result.memoryLocked ? "yes" : "no"),
            ]))
        if copies.isEmpty {
            try context.console.line("copies: NONE (PERMANODE_KEYRING_BACKUPS)")
        } else {
            try context.console.write("\n" + RingCopyDocument.table(copies))
        }
    }
}
