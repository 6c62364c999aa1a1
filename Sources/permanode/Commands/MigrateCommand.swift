import Assembly

/// Brings the database's schema forward.
enum MigrateCommand: Command {
    static let synopsis = Synopsis(
        name: "migrate",
        summary: "Applies what the database's schema lacks, a transaction each.",
        options: [.json],
        notes: "A database that is newer than this program is refused.")

    private struct Result: Encodable {
        let applied: [Int]
        let version: Int
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.database])
        let applied = try await Instance.withPool(configuration) {
            try await Schema.migrate(on: $0)
        }
        if arguments.has("json") {
            try context.console.json(Result(applied: applied, version: Schema.version))
            return
        }
        for version in applied { try context.console.line("applied version \(version)") }
        try context.console.line("the schema is at version \(Schema.version)")
    }
}
