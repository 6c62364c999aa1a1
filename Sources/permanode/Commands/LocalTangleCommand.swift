import Assembly
import LocalTangle

/// Runs a node of one's own.
enum LocalTangleCommand: Command {
    static let synopsis = Synopsis(
        name: "local-tangle",
        summary: "Runs a node on loopback that speaks IRI's API, for trying out; prints its URL.",
        options: [
            .value("port", "P", "0 takes a free one; IRI's 14265 if not given"),
            .value("load", "FILE", "NDJSON of {hash, trytes, milestone}", repeatable: true),
        ],
        notes: "Ends at SIGTERM or SIGINT, and keeps nothing.")

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let ports: ClosedRange<UInt16> = 0...UInt16.max
        let port = try arguments.integer("port", in: ports) ?? LocalTangleServer.defaultPort
        let signals = StopSignals()
        let node = LocalNode()
        for path in arguments.all("load") {
            let report = try LedgerLoader.load(path: path, into: node.ledger)
            let rejected = report.rejected == 0 ? "" : ", \(report.rejected) lines rejected"
            context.console.note("\(path): \(report.accepted) transactions\(rejected)")
        }
        let server = try LocalTangleServer(node: node, port: port)
        try context.console.line(server.url)
        await signals.wait()
        await server.shutdown()
    }
}
