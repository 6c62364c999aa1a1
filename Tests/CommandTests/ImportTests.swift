import Foundation
import Ternary
import TestSupport
import Testing

/// `import`.
@Suite struct ImportTests {
    private struct Message: Decodable {
        let text: String?
        let trytes: String?
        let milestone: Int?
    }

    private struct Imported: Decodable {
        struct Dump: Decodable { let transactions: Int, rejected: [String: Int] }
        struct Crawl: Decodable { let messages: Int }
        let dump: Dump
        let crawl: Crawl
    }

    @Test func aDumpOfTheRecordedTrafficGivesEveryMessageOfEveryChannel() async throws {
        try await Workplace.withArchive { place in
            let vectors = try ChannelVector.all()
            #expect(!vectors.isEmpty)
            var channels: [(ChannelVector, String)] = []
            for vector in vectors { channels.append((vector, try await place.add(vector))) }
            let dump = try place.file(
                "dump.ndjson",
                String(decoding: Fixture.data("tangle.ndjson"), as: UTF8.self) + "\nno line\n")
            let result = try await place.run("import", dump, "--json")
            #expect(result.status == 0, "\(result.errors)")
            let imported = try result.json(Imported.self)
            #expect(imported.dump.transactions == 371)
            #expect(imported.dump.rejected == ["malformed": 1])
            var expectedCount = 0
            for (vector, id) in channels {
                let lines = try await place.run("messages", id, "--format", "ndjson").lines
                let read = try lines.map {
                    try JSONDecoder().decode(Message.self, from: Data($0.utf8))
                }
                let expected = Self.reachable(vector)
                expectedCount += expected.count
                #expect(read.count == expected.count, "\(vector.name)")
                let found = Set(read.map { $0.text ?? $0.trytes ?? "" })
                for message in expected {
                    let isFound =
                        message.text.map(found.contains)
                        ?? message.contents.contains { found.contains($0.description) }
                    #expect(isFound, "\(vector.name), leaf \(message.index)")
                }
                #expect(read.allSatisfy { $0.milestone != nil })
            }
            #expect(imported.crawl.messages == expectedCount)
            let again = try await place.run("import", dump, "--json").json(Imported.self)
            #expect(again.crawl.messages == 0)
            #expect(try await place.run("verify").status == 0)
        }
    }

    /// The messages that can be followed: those before the first that never came.
    private static func reachable(_ vector: ChannelVector) -> [ChannelVector.Message] {
        let lost = (vector.missing ?? []) + (vector.incomplete ?? [])
        let followed = vector.messages.prefix(lost.min() ?? vector.messages.count)
        return Array(followed) + (vector.conflicting ?? [])
    }

    @Test func filesThatAreNoDumpsAreRefused() async throws {
        try await Workplace.withArchive { place in
            #expect(try await place.run("import", "/nowhere/dump").status == 3)
            #expect(try await place.run("import", "/dev/null").status == 2)
            let junk = try place.file("junk", "this\nis\nno dump\n")
            let result = try await place.run("import", junk)
            #expect(result.status == 1)
            #expect(result.output.contains("rejected lines"))
        }
    }
}
