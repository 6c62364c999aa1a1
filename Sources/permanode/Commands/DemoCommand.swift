import Assembly

/// Tells the whole story on loopback.
enum DemoCommand: Command {
    static let synopsis = Synopsis(
        name: "demo",
        summary:
            "Tells the whole story on loopback, from the meter to its owner's being forgotten.",
        notes: """
            Needs PERMANODE_DATABASE_URL alone: a database of a server whose user may create
            databases. It makes one of its own there, and removes it again.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.database])
        guard let server = configuration.database else { return }
        let signals = StopSignals()
        let console = context.console
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await Demo.run(on: server, log: configuration.log(quietly: true)) {
                    try console.line($0)
                }
                return true
            }
            group.addTask {
                await signals.wait()
                return false
            }
            // What the demo has started it stops, before the group ends.
            defer { group.cancelAll() }
            guard try await group.next() == true else {
                throw CommandFailure(.failed, "interrupted")
            }
        }
    }
}
