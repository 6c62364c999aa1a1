import Foundation
import TestSupport
import Testing

@Suite struct ReadingsCommandTests {
    @Test func aMetersReadingsInEveryFormat() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let id = try await place.add(ChannelVector.named("meter"))
            #expect(try await place.run("crawl", "--until-idle").status == 0)
            let range = ["--from", "2018-06-01T00:00:00Z", "--to", "2018-06-01T01:00:00Z"]
            func readings(_ arguments: String...) async throws -> Program.Result {
                try await Program(environment: place.environment).run(
                    ["readings", id] + range + arguments)
            }

            let json = try await readings()
            #expect(json.status == 0, "\(json.errors)")
            let document = try JSONDecoder().decode(
                JSONValue.self, from: Data(json.output.utf8))
            #expect(document["buckets"]?.array?.count == 4)
            #expect(document["messages"]?["readings"]?.number == 24)

            let table = try await readings("--format", "csv", "--resolution", "raw")
            #expect(table.output.split(separator: "\r\n").count == 25)
            let days = try await readings(
                "--format", "csv", "--resolution", "1d", "--time-zone", "UTC")
            #expect(days.output.contains("2018-06-01T00:00:00.000Z,2018-06-02T00:00:00.000Z,"))
            let feed = try await readings("--format", "green-button")
            #expect(feed.output.hasPrefix("<?xml") && feed.output.hasSuffix("</feed>\n"))

            for wrong in [
                ["--time-zone", "Mars/Olympus"], ["--resolution", "1s"], ["--format", "xml"],
                ["--format", "green-button", "--resolution", "raw"],
            ] {
                let result = try await Program(environment: place.environment).run(
                    ["readings", id] + range + wrong)
                #expect(result.status == 2, "\(wrong)")
            }
            #expect(try await place.run("readings", id, "--from", range[1]).status == 2)
            let other = try await Program(environment: place.environment).run(
                ["readings", "0000000000"] + range)
            #expect(other.status == 3)
            node.signal(SIGTERM)
            #expect(try await node.waitForEnd() == 0)
        }
    }
}
