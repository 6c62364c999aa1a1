import Foundation
import Postgres
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
        struct Line: Decodable { let file: String, line: Int, cause: String }
        struct Dump: Decodable {
            let files: Int, transactions: Int, rejected: [String: Int], rejectedLines: [Line]
        }
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
            // All that could be read is there, and that something could not is told.
            #expect(result.status == 1)
            #expect(result.errors.contains("1 lines were rejected: messages may be missing"))
            let imported = try result.json(Imported.self)
            #expect(imported.dump.transactions == 371)
            #expect(imported.dump.rejected == ["malformed": 1])
            #expect(imported.dump.rejectedLines.map(\.line) == [373])
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
            #expect(try await place.run("import", "-", "-").status == 2)
            let junk = try place.file("junk", "this\nis\nno dump\n")
            let result = try await place.run("import", junk)
            #expect(result.status == 1)
            #expect(result.output.contains("rejected lines"))
        }
    }

    private struct Channels {
        let all: [(ChannelVector, String)]

        init(in place: Workplace) async throws {
            var channels: [(ChannelVector, String)] = []
            for vector in try ChannelVector.all() {
                channels.append((vector, try await place.add(vector)))
            }
            all = channels
        }

        /// Whether each channel has what the recorded traffic has of it, once.
        func expectAll(in place: Workplace) async throws {
            for (vector, id) in all {
                let lines = try await place.run("messages", id, "--format", "ndjson").lines
                #expect(lines.count == ImportTests.reachable(vector).count, "\(vector.name)")
            }
            let verified = try await place.run("verify")
            #expect(verified.status == 0, "\(verified.errors)")
        }
    }

    private static func recorded() throws -> [String] {
        try String(decoding: Fixture.data("tangle.ndjson"), as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }

    /// The walk goes from a channel's first message to its last. A dump may have them the other way
    /// round, or anyhow, with a bundle's transactions far apart and over several files.
    @Test(arguments: [0, 1, 2]) func theOrderOfADumpDoesNotMatter(_ order: Int) async throws {
        try await Workplace.withArchive { place in
            let channels = try await Channels(in: place)
            var lines = try Self.recorded()
            var files: [String] = []
            switch order {
            case 0: files = [try place.file("a", lines.reversed().joined(separator: "\n"))]
            case 1:
                var random = SeededGenerator.announced()
                lines.shuffle(using: &random)
                files = [try place.file("a", (lines + lines).joined(separator: "\n"))]
            default:
                // Every third line in each file, the last ones first.
                for part in 0..<3 {
                    let some = lines.indices.reversed().filter { $0 % 3 == part }
                    files.append(
                        try place.file(
                            "part-\(part)", some.map { lines[$0] }.joined(separator: "\n")))
                }
            }
            let result = try await place.run(["import"] + files)
            #expect(result.status == 0, "\(result.errors)")
            try await channels.expectAll(in: place)
        }
    }

    @Test func channelsThatAreRegisteredLaterFindAllInTheIndex() async throws {
        try await Workplace.withArchive { place in
            let index = place.folder.appendingPathComponent("index").path
            let result = try await place.run(
                ["import", "--index", index, "--json", "-"],
                input: Self.recorded().joined(separator: "\n"))
            #expect(result.status == 0, "\(result.errors)")
            let first = try result.json(Imported.self)
            #expect(first.dump.transactions == 371 && first.crawl.messages == 0)
            let channels = try await Channels(in: place)
            let later = try await place.run("import", "--index", index, "--json")
            #expect(later.status == 0, "\(later.errors)")
            #expect(try later.json(Imported.self).dump.transactions == 0)
            try await channels.expectAll(in: place)
            let photo = try place.file("photo", "x")
            let other = URL(fileURLWithPath: photo).deletingLastPathComponent().path
            #expect(try await place.run("import", "--index", other).status == 4)
        }
    }

    /// The real process, killed at random instants; files that were read to their ends are not read
    /// again, and what was taken in is not doubled.
    @Test(.timeLimit(.minutes(10)))
    func anImportKilledAtAnyInstantGoesOnAndHasAll() async throws {
        var random = SeededGenerator.announced()
        try await Workplace.withArchive { place in
            let channels = try await Channels(in: place)
            let index = place.folder.appendingPathComponent("index").path
            let lines = try Self.recorded().shuffled(using: &random)
            let files = try stride(from: 0, to: lines.count, by: 10).map { start in
                try place.file(
                    "part-\(start)",
                    lines[start..<min(start + 10, lines.count)].joined(separator: "\n"))
            }
            let command = ["import", "--index", index, "--json"] + files
            let pool = PostgresPool(configuration: try place.database.configuration())
            var window: Duration = .seconds(1)
            var killed = 0
            for _ in 0..<60 where killed < 6 {
                let start = ContinuousClock.now
                let program = try place.start(command)
                let delay = window * Double.random(in: 0..<1, using: &random)
                let killing = Task {
                    // A random instant is the point.
                    try await Task.sleep(for: delay)
                    program.signal(SIGKILL)
                }
                let status = try await program.waitForEnd()
                killing.cancel()
                #expect([0, 128 + SIGKILL].contains(status), "\(program.errors)")
                if status == 0 { window = ContinuousClock.now - start } else { killed += 1 }
                // Leases of the dead run out.
                try await pool.withConnection {
                    _ = try await $0.execute("update channel set lease_until = now()")
                }
            }
            #expect(killed == 6)
            await pool.shutdown()
            let end = try await place.run(command)
            #expect(end.status == 0, "\(end.errors)")
            let imported = try end.json(Imported.self)
            #expect(imported.dump.files == files.count)
            #expect(imported.dump.transactions == lines.count)
            try await channels.expectAll(in: place)
        }
    }
}
