import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

@Suite struct DemoTests {
    @Test func tellsTheStoryShowsNoSecretAndLeavesNothing() async throws {
        let run = try await program(database: serverURL()).run("demo")
        #expect(run.errors == "")
        #expect(run.status == 0)
        let numbers = run.lines.compactMap { Int($0.prefix(2).drop { $0 == " " }) }
        #expect(numbers == Array(1...17))
        let beats = [
            "A node of the Tangle runs at http://127.0.0.1:", "An archive is made",
            "answers 201", "publishes 8 P1 telegrams", "archived 8 messages",
            "The side key rotates", "waiting-for-key", "following again, with 13 messages",
            "it finds 0 of", "gives all 13 messages", "imported 002074.", "answers 202",
            "13 message", "now answers 404", "The database is counted: 0 rows",
            "409 archive.forgotten", "That was all",
        ]
        var rest = run.output[...]
        for beat in beats {
            let place = try #require(rest.firstRange(of: beat), "missing or too early: \(beat)")
            rest = rest[place.upperBound...]
        }
        // Roots, side keys and seeds have 81 trytes; what is shown of the ledger has 40.
        #expect(run.output.firstMatch(of: /[9A-Z]{40}/) != nil)
        #expect(run.output.firstMatch(of: /[9A-Z]{60}/) == nil)
        #expect(!run.output.contains("pmn_"))
        try await expectNothingLeft(of: run.output)
    }

    @Test func leavesNothingWhenInterrupted() async throws {
        let running = try program(database: serverURL()).start(["demo"])
        running.signal(SIGINT, onceOutput: { $0.contains("The meter publishes") })
        #expect(try await running.waitForEnd() == 1)
        #expect(running.errors == "permanode demo: interrupted\n")
        #expect(!running.output.contains("That was all"))
        try await expectNothingLeft(of: running.output)
    }

    @Test func keptItShowsAMetersDaysUntilItIsInterrupted() async throws {
        let running = try program(database: serverURL()).start(["demo", "--keep"])
        running.signal(SIGINT, onceOutput: { $0.contains("person  pmn_") })
        #expect(try await running.waitForEnd() == 0)
        #expect(running.errors == "")
        #expect(running.output.contains("household-7 consents, too."))
        #expect(running.output.contains("in a browser"))
        #expect(running.output.matches(of: /(admin|reader|person) +pmn_/).count == 3)
        try await expectNothingLeft(of: running.output)
    }

    @Test func saysWhatIsMissing() async throws {
        let unset = try await Program().run("demo")
        #expect(unset.status == 2)
        #expect(unset.errors.contains("PERMANODE_DATABASE_URL is not set"))
        let away = try await program(database: "postgresql:///x?host=/nonexistent").run("demo")
        #expect(away.status == 1)
        #expect(away.errors.split(separator: "\n").count == 1)
        #expect(!away.output.contains("That was all"))
    }

    private func program(database: String) -> Program {
        Program(environment: ["PERMANODE_DATABASE_URL": database])
    }

    private func serverURL() throws -> String {
        try #require(ProcessInfo.processInfo.environment[TestDatabase.variable])
    }

    /// The database and the key ring that the demo named are gone.
    private func expectNothingLeft(of output: String) async throws {
        let name = try #require(output.firstMatch(of: /permanode_scratch_[0-9]+/)).output
        let ring = try #require(output.firstMatch(of: /\/\S+\/keyring/)).output
        let folder = URL(fileURLWithPath: String(ring)).deletingLastPathComponent().path
        #expect(!FileManager.default.fileExists(atPath: folder))
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(url: serverURL()))
        let rows = try await connection.query(
            "select datname from pg_database where datname = $1", [.text(String(name))])
        await connection.close()
        #expect(rows.isEmpty)
    }
}
