import Foundation
import LocalTangle
import TestSupport
import Testing

/// A data provider's side of the program, against a node and an archive.
@Suite struct PublishTests {
    private struct Line: Decodable { let number: Int, tail: String }

    /// As a meter's port sends it.
    private static func telegram(_ number: Int) -> String {
        "/ISK5\\2M550T-1012\r\n\r\n1-0:1.8.1(\(String(format: "%06d", number)).000*kWh)\r\n!\r\n"
    }

    @Test func telegramsThatArePublishedAreArchived() async throws {
        let server = try LocalTangleServer()
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", server.url)
            let state = place.folder.appendingPathComponent("meter.channel").path
            let made = try await place.run(
                "publish", "create", "--state", state, "--mode", "restricted", "--side-key-file",
                "-", input: "PUBLISHKEY\n")
            #expect(made.status == 0, "\(made.errors)")
            let again = try await place.run(
                "publish", "create", "--state", state, "--mode", "private")
            #expect(again.status == 4)
            // The one answer that tells it.
            let root = try await Program(environment: place.environment).run(
                "publish", "root", "--state", state)
            #expect(root.status == 0 && root.lines.count == 1)
            place.keepSecret(root.lines[0])
            let key = try place.file("key", "PUBLISHKEY\n")
            let added = try await place.run(
                "channel", "add", "--mode", "restricted", "--root-file", "-", "--side-key-file",
                key, input: root.output)
            let id = try #require(added.lines.last, "\(added.errors)")

            let input = "noise\r\n" + (1...5).map(Self.telegram).joined()
            let published = try await place.run(
                "publish", "--state", state, "--weight", "1", "--json", input: input)
            #expect(published.status == 0, "\(published.errors)")
            let lines = try published.lines.map {
                try JSONDecoder().decode(Line.self, from: Data($0.utf8))
            }
            #expect(lines.map(\.number) == [1, 2, 3, 4, 5])
            let crawled = try await place.run("crawl", "--until-idle")
            #expect(crawled.status == 0, "\(crawled.errors)")
            let read = try await place.run("messages", id, "--format", "text")
            #expect(
                (1...5).allSatisfy { read.output.contains("(\(String(format: "%06d", $0)).000") })
            #expect(read.output.contains(#""type":"DATA""#))
        }
        await server.shutdown()
    }

    @Test func itIsUsedWronglyWithAnAnswer() async throws {
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", "http://127.0.0.1:1")
            let nowhere = place.folder.appendingPathComponent("nowhere").path
            #expect(try await place.run("publish", "--state", nowhere).status == 3)
            #expect(try await place.run("publish", "root", "--state", nowhere).status == 3)
            for wrong in [["--weight", "15"], ["--tag", "lower"], ["--weight", "x"]] {
                let result = try await place.run(["publish", "--state", nowhere] + wrong)
                #expect(result.status == 2, "\(wrong)")
            }
            let mode = try await place.run(
                "publish", "create", "--state", nowhere, "--mode", "restricted")
            #expect(mode.status == 2)
        }
    }

    /// Killed over and over, it never signs two messages with a leaf.
    @Test func aPublisherKilledAtAnyInstantLosesNothingThatItTookAndReusesNoLeaf() async throws {
        var random = SeededGenerator.announced()
        let server = try LocalTangleServer()
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", server.url)
            let state = place.folder.appendingPathComponent("meter.channel").path
            _ = try await place.run("publish", "create", "--state", state, "--mode", "private")
            // The one answer that tells it.
            let root = try await Program(environment: place.environment).run(
                "publish", "root", "--state", state)
            place.keepSecret(root.lines[0])
            let added = try await place.run(
                "channel", "add", "--mode", "private", "--root-file", "-", input: root.output)
            let id = try #require(added.lines.last, "\(added.errors)")
            var told = 0
            var kills = 0
            for round in 0..<25 {
                let lines = (0..<50).map { "round \(round) line \($0)\n" }.joined()
                let running = try Program(environment: place.environment).start(
                    ["publish", "--state", state, "--lines", "--weight", "1"], input: lines)
                let delay = Int.random(in: 5...400, using: &random)
                // A random instant is the point.
                try await Task.sleep(for: .milliseconds(delay))
                running.signal(SIGKILL)
                let status = try await running.waitForEnd()
                #expect([0, 128 + SIGKILL].contains(status), "\(running.errors)")
                if status != 0 { kills += 1 }
                let numbers = running.output.split(separator: "\n").compactMap {
                    $0.split(separator: " ").first.flatMap { Int($0) }
                }
                if let last = numbers.last { told = last }
            }
            #expect(kills > 0)
            let last = try await place.run(
                "publish", "--state", state, "--lines", "--weight", "1", input: "the end\n")
            #expect(last.status == 0, "\(last.errors)")
            told = try #require(
                last.lines.last?.split(separator: " ").first.flatMap { Int($0) })
            let crawled = try await place.run("crawl", "--until-idle")
            #expect(crawled.status == 0, "\(crawled.errors)")
            let read = try await place.run("messages", id, "--format", "ndjson")
            // A leaf that signed twice would show as a conflict, one that signed nothing as a gap.
            #expect(read.lines.count == told)
            #expect(!read.output.contains(#""conflict":true"#))
            #expect(read.lines.last?.contains("the end") == true)
            print("\(kills) kills, \(told) messages")
        }
        await server.shutdown()
    }
}
