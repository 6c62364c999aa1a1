/// Tells the whole story on loopback.
enum DemoCommand: Command {
    static let synopsis = Synopsis(
        name: "demo",
        summary: "Tells the whole story on loopback, from the meter to its owner's being forgotten."
    )

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        throw CommandFailure(.failed, "the demo is not built yet")
    }
}
