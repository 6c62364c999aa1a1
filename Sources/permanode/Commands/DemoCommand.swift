import Assembly
import Synchronization

/// Tells the whole story on loopback.
enum DemoCommand: Command {
    static let synopsis = Synopsis(
        name: "demo",
        summary:
            "Tells the whole story on loopback, from the meter to its owner's being forgotten.",
        options: [
            .flag("keep", "stays up after that, with a meter's days to look at in a browser")
        ],
        notes: """
            Needs PERMANODE_DATABASE_URL alone: a database of a server whose user may create
            databases. It makes one of its own there, and removes it again,
            with --keep at Ctrl-C.
            """)

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let configuration = try context.configuration(needs: [.database])
        guard let server = configuration.database else { return }
        let signals = StopSignals()
        let console = context.console
        let isKept = Kept()
        let keeping: (@Sendable () -> Void)? =
            arguments.has("keep") ? { @Sendable in isKept.set() } : nil
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await Demo.run(
                    on: server, log: configuration.log(quietly: true), keeping: keeping
                ) {
                    try console.line($0)
                }
                return true
            }
            group.addTask {
                await signals.wait()
                // What is kept is kept until this.
                return isKept.isSet
            }
            // What the demo has started it stops, before the group ends.
            defer { group.cancelAll() }
            guard try await group.next() == true else {
                throw CommandFailure(.failed, "interrupted")
            }
        }
    }

    /// Whether there is something to look at, which only a signal ends.
    private final class Kept: Sendable {
        private let state = Mutex(false)

        var isSet: Bool { state.withLock { $0 } }
        func set() { state.withLock { $0 = true } }
    }
}
