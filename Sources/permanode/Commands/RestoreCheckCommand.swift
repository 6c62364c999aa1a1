import Assembly
import Erasure

/// Compares database, key ring and forget log.
enum RestoreCheckCommand: Command {
    static let synopsis = Synopsis(
        name: "restore-check",
        summary: "After a restore: compares database, key ring and forget log, and mends them.",
        options: [.json],
        notes: """
            What any of them knows to be forgotten is forgotten in all of them. Every command does so
            when it sees that one was restored from an older copy; this one compares everything, and
            says what it found.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.database, .keyRing])
        let report = try await Instance.restoreCheck(configuration)
        if arguments.has("json") { return try context.console.json(report) }
        guard !report.isEmpty else {
            return try context.console.line("database, key ring and forget log agree")
        }
        try context.console.write(
            Table.fields(
                [
                    ("forget log was an older copy", report.logWasOlder ? "yes" : "no"),
                    ("keys destroyed again", String(report.keysDestroyed)),
                    ("tombstones the log lacked", String(report.tombstonesLogged)),
                    ("tombstones the database lacked", String(report.tombstonesAdded)),
                    ("lifted tombstones the log had again", String(report.liftsLogged)),
                    ("lifted tombstones the database had again", String(report.tombstonesLifted)),
                    ("partly forgotten trees the log lacked", String(report.partsLogged)),
                    ("partly forgotten trees the database lacked", String(report.partsAdded)),
                    ("channels forgotten again", String(report.channelsForgotten)),
                    ("subjects forgotten again", String(report.subjectsForgotten)),
                    ("requests refused, of what was forgotten", String(report.requestsRefused)),
                ]
                    + report.rowsDeleted.sorted { $0.key < $1.key }.map {
                        ("rows deleted from \($0.key)", String($0.value))
                    }))
        try context.console.line("mended: they agree now")
    }
}
