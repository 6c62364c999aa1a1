import Archive
import Assembly
import Vault

/// Puts a copy of the key ring in its place.
enum KeyringRestoreCommand: Command {
    static let synopsis = Synopsis(
        name: "keyring restore",
        summary: "Puts a copy of the key ring in the place of PERMANODE_KEYRING.",
        options: [
            .value(
                "from", "FILE", "the copy; with its forget log beside it, if there is one",
                required: true),
            .flag("without-log", "although no forget log says what was forgotten since the copy"),
            .json,
        ],
        notes: """
            A key ring that is missing or damaged is replaced by the copy, in which everything that the
            forget log names is destroyed first. One that is whole is replaced only by a copy in which
            more is destroyed. Afterwards, and with the service stopped, `permanode restore-check`
            compares with the database.
            """)

    private struct Result: Encodable {
        let replaced: KeyRingRestore.Outcome.Replaced
        let generation: UInt64
        let puncturedAgain: Int
        let recordsTaken: Int
        let hasLog: Bool
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        guard let source = arguments.value("from") else {
            throw arguments.wrong("--from is missing")
        }
        let configuration = try context.configuration(needs: [.keyRing])
        let file = try configuration.keyRingFile()
        let outcome = try KeyRingRestore.restore(
            file, from: KeyRingFile(path: source, wrapping: file.wrapping),
            withoutLog: arguments.has("without-log"))
        let console = context.console
        switch outcome.replaced {
        case .missing:
            console.note("RESTORED: there was no key ring at \(file.path); it is \(source) now")
        case .damaged: console.note("RESTORED: \(file.path) was damaged; it is \(source) now")
        case .older:
            console.note("REPLACED: in \(source) keys are destroyed that \(file.path) still had")
        case .same: console.note("\(file.path) is whole and has the same keys: nothing to restore")
        }
        if outcome.puncturedAgain > 0 {
            console.note(
                "\(outcome.puncturedAgain) keys that the copy still had are destroyed in it again")
        }
        if !outcome.hasLog {
            console.note(
                "NO FORGET LOG: what was forgotten since the copy was made can be read again until"
                    + " the database says otherwise: run permanode restore-check before anything else"
            )
        }
        await record(outcome, configuration, context)
        if arguments.has("json") {
            try console.json(
                Result(
                    replaced: outcome.replaced, generation: outcome.generation,
                    puncturedAgain: outcome.puncturedAgain, recordsTaken: outcome.recordsTaken,
                    hasLog: outcome.hasLog))
        } else {
            try console.write(
                Table.fields([
                    ("replaced", outcome.replaced.rawValue),
                    ("generation", String(outcome.generation)),
                    ("keys destroyed again", String(outcome.puncturedAgain)),
                    ("records taken from the copy's log", String(outcome.recordsTaken)),
                ]))
        }
    }

    private static func record(
        _ outcome: KeyRingRestore.Outcome, _ configuration: Configuration,
        _ context: CommandContext
    ) async {
        do {
            let vault = try configuration.openVault(configuration.log(quietly: true))
            await context.record(
                .keyRingRestored,
                [
                    "replaced": outcome.replaced.rawValue,
                    "destroyed-again": String(outcome.puncturedAgain),
                    "log": outcome.hasLog ? "yes" : "no",
                ], configuration, vault: vault)
        } catch {
            context.console.note("NOT RECORDED in the audit log: \(CommandFailure(error).text)")
        }
    }
}
