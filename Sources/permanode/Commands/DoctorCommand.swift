import Assembly

/// Looks at everything that the service needs.
enum DoctorCommand: Command {
    static let synopsis = Synopsis(
        name: "doctor",
        summary:
            "Looks at configuration, key ring, database, nodes, clock and disk, and says what to do.",
        options: [.json],
        notes:
            "Changes nothing. Ends with 1 where something does not work; a warning does not count.")

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let findings = await Doctor(context.environment).examine()
        if arguments.has("json") {
            try context.console.json(findings)
        } else {
            for finding in findings { try context.console.write(text(finding)) }
        }
        let failing = findings.filter { $0.state == .failing }.count
        guard failing == 0 else {
            throw CommandFailure(.failed, "\(failing) of \(findings.count) checks fail")
        }
    }

    private static func text(_ finding: Finding) -> String {
        let mark =
            switch finding.state {
            case .well: "ok     "
            case .warning: "WARNING"
            case .failing: "FAILS  "
            case .skipped: "-      "
            }
        let found = TerminalText.harmless("\(finding.check): \(finding.found)")
        let advice = finding.advice.map { "         what to do: \($0)\n" } ?? ""
        return "\(mark)  \(found)\n\(advice)"
    }
}
