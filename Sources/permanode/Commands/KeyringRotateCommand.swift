import Archive
import Assembly
import Vault

/// Wraps the key ring anew.
enum KeyringRotateCommand: Command {
    static let synopsis = Synopsis(
        name: "keyring rotate",
        summary:
            "Wraps the key ring and its copies under a new key; what is sealed stays as it is.",
        options: [
            .value("passphrase-file", "FILE", "from now on under the passphrase in it"),
            .value("key-file", "FILE", "from now on under the key in it, 32 bytes or more"),
            .value("command", "LINE", "from now on under the key that it prints; no shell"),
            .flag("unwrap", "from now on under nothing"),
            .json,
        ],
        notes: """
            Without an option: under a new key from the same secret as now. A service that runs needs
            the new secret where its environment says, and stops answering until it is there. Ends
            with 1 where a copy was not reached: that one keeps its old key.
            """)

    private struct Result: Encodable {
        let wrap: RingWrapKind
        let generation: UInt64
        let copies: [RingCopyDocument]
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.keyRing])
        let wrapping = try wrapping(arguments, configuration)
        let vault = try configuration.openVault(configuration.log(quietly: true))
        let change = try vault.rotate(wrapping)
        await context.record(
            .keyRingRotated, ["wrap": vault.wrapKind.rawValue], configuration, vault: vault)
        if arguments.has("json") {
            try context.console.json(
                Result(
                    wrap: vault.wrapKind, generation: change.generation,
                    copies: change.copies.map(RingCopyDocument.init)))
        } else {
            let kind = vault.wrapKind
            try context.console.line(
                kind == .none
                    ? "the key ring is wrapped under nothing"
                    : "the key ring is wrapped under a new key, from a \(kind.rawValue)")
            if !change.copies.isEmpty {
                try context.console.write(RingCopyDocument.table(change.copies))
            }
        }
        guard let late = change.lateCopies.first else { return }
        throw CommandFailure(.failed, "\(late.name) was not reached: \(late.detail ?? "")")
    }

    private static func wrapping(
        _ arguments: Arguments, _ configuration: Configuration
    ) throws(CommandFailure) -> RingWrapping? {
        var sources: [RingSecretSource?] = []
        if let path = arguments.value("passphrase-file") { sources.append(.passphraseFile(path)) }
        if let path = arguments.value("key-file") { sources.append(.keyFile(path)) }
        if let line = arguments.value("command") { sources.append(.command(line)) }
        if arguments.has("unwrap") { sources.append(nil) }
        guard sources.count <= 1 else {
            throw arguments.wrong("only one of the options can be given")
        }
        if let source = sources.first { return source.map { RingWrapping($0) } }
        guard let source = configuration.keyRingSecret else {
            throw arguments.wrong(
                "no secret is set in the environment, and none is named")
        }
        return RingWrapping(source)
    }
}
