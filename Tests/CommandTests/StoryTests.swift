import Foundation
import Ternary
import TestSupport
import Testing

/// A channel's whole life by command.
@Suite struct StoryTests {
    private struct Message: Decodable {
        let sequence: Int
        let text: String?
        let trytes: String?
    }

    private struct Page: Decodable {
        struct Standing: Decodable { let sequence: Int, state: String, headPosition: Int }
        let messages: [Message]
        let next: String?
        let archive: Standing
    }

    @Test func aChannelIsRegisteredCrawledReadPausedAndForgotten() async throws {
        try await Workplace.withArchive { place in
            let node = try await place.startNode()
            let meter = try ChannelVector.named("meter")
            let id = try await place.add(meter, "--subject", "anna-7", "--label", "a meter")
            let other = try await place.add(ChannelVector.named("private"))

            let again = try await place.run(
                "channel", "add", "--mode", "restricted",
                "--root-file", try place.file("root", meter.messages[0].root),
                "--side-key-file", "-", input: meter.messages[0].sideKey ?? "")
            #expect(again.status == 4)

            struct Crawled: Decodable { let messages: Int, unreachable: Bool }
            let crawled = try await place.run("crawl", "--until-idle", "--json")
            #expect(crawled.status == 0, "\(crawled.errors)")
            #expect(try crawled.json(Crawled.self).messages == 24 + 6)
            let idle = try await place.run("crawl", "--until-idle", "--json")
            #expect(try idle.json(Crawled.self).messages == 0)

            let shown = try await place.run("channel", "show", id)
            #expect(shown.output.contains("anna-7"))
            #expect(shown.output.contains("following"))
            #expect(try await place.run("channel", "list").output.contains(id))
            try await expectMessages(meter, id, place)

            #expect(try await place.run("channel", "pause", id).status == 0)
            #expect(try await place.run("channel", "show", id).output.contains("paused"))
            #expect(try await place.run("channel", "resume", id).status == 0)
            let verified = try await place.run("verify")
            #expect(verified.status == 0, "\(verified.errors)")

            try await expectForgotten(meter, id, place)
            #expect(try await place.run("messages", other, "--format", "ndjson").lines.count == 6)
            #expect(try await place.run("verify").status == 0)
            node.signal(SIGTERM)
            #expect(try await node.waitForEnd() == 0)
            place.record([node.output, node.errors])
        }
    }

    private func expectMessages(
        _ vector: ChannelVector, _ id: String, _ place: Workplace
    ) async throws {
        let texts = vector.messages.map(\.text)
        let lines = try await place.run("messages", id, "--format", "ndjson")
        let read = try lines.lines.map {
            try JSONDecoder().decode(Message.self, from: Data($0.utf8))
        }
        #expect(read.map(\.text) == texts)
        #expect(try await place.run("messages", id).lines.count == texts.count)
        let table = try await place.run("messages", id, "--format", "csv").output
        #expect(table.hasPrefix("sequence,position,leaf,claimedAt"))
        #expect(table.contains(vector.messages[0].transactions.last?.description ?? "?"))

        var pages: [Message] = []
        var cursor: [String] = []
        while true {
            let arguments = ["messages", id, "--format", "json", "--limit", "7"] + cursor
            let result = try await Program(environment: place.environment).run(arguments)
            place.record(arguments + [result.output, result.errors])
            let page = try result.json(Page.self)
            #expect(page.archive.sequence == texts.count)
            pages += page.messages
            if page.messages.count < 7 { break }
            cursor = ["--after", try #require(page.next)]
        }
        #expect(pages.map(\.text) == texts)
        let late = try await place.run(
            "messages", id, "--format", "json", "--from", "9000-01-01T00:00:00Z")
        #expect(try late.json(Page.self).messages.isEmpty)
        let foreign = try await place.run("messages", id, "--after", "AAAA")
        #expect(foreign.status == 2)
        #expect(try await place.run("messages", "0000000000").status == 3)
    }

    private func expectForgotten(
        _ vector: ChannelVector, _ id: String, _ place: Workplace
    ) async throws {
        let unasked = try await place.run("forget", "--subject", "anna-7")
        #expect(unasked.status == 4)
        struct Plan: Decodable { let channels: Int, rows: [String: Int] }
        let plan = try await place.run("forget", "--subject", "anna-7", "--dry-run", "--json")
        #expect(try plan.json(Plan.self).channels == 1)
        #expect(try plan.json(Plan.self).rows["message"] == vector.messages.count)
        #expect(try await place.run("messages", id, "--format", "ndjson").lines.count == 24)

        struct Answer: Decodable {
            struct Receipt: Decodable {
                let channels: Int, tombstones: Int, remaining: Int, final: Bool, request: String
            }
            let receipt: Receipt
            let salt: String
        }
        let done = try await place.run(
            "forget", "--subject", "anna-7", "--yes", "--json", "--reason", "moved out")
        #expect(done.status == 0, "\(done.errors)")
        let answer = try done.json(Answer.self)
        let receipt = answer.receipt
        #expect(receipt.final)
        #expect(receipt.channels == 1)
        #expect(receipt.tombstones == vector.messages.count + 1)
        #expect(receipt.remaining == 0)
        for word in ["anna-7", "moved out", id] { #expect(!done.output.contains(word)) }

        try await expectVerified(done.output, request: receipt.request, answer.salt, place)

        #expect(try await place.run("messages", id).status == 3)
        #expect(try await place.run("forget", "--subject", "anna-7", "--yes").status == 3)
        #expect(try await place.run("forget", "--channel", id, "--yes").status == 3)
        // Neither its root nor a later one of its chain is taken again.
        for message in [vector.messages[0], vector.messages[9]] {
            let refused = try await place.run(
                "channel", "add", "--mode", "restricted",
                "--root-file", try place.file("root", message.root),
                "--side-key-file", "-", input: message.sideKey ?? "")
            #expect(refused.status == 4)
            #expect(refused.errors.contains("forgotten"))
        }
    }

    /// The receipt is checked without database and key ring, and proves to be the requester's.
    private func expectVerified(
        _ answer: String, request: String, _ salt: String, _ place: Workplace
    ) async throws {
        let key = try await place.run("receipt", "key").output.trimmingCharacters(in: .newlines)
        #expect(key.count == 64)
        let shown = try await place.run("receipt", "show", request)
        #expect(shown.status == 0)
        let salt = try place.file("salt", salt)
        try await Workplace.with { elsewhere in
            let program = Program(environment: elsewhere.environment)
            for text in [answer, shown.output] {
                let file = try elsewhere.file("receipt", text)
                let verify = ["receipt", "verify", file, "--key"]
                #expect(try await program.run(verify + [key]).status == 0)
                let own = verify + [key, "--salt-file", salt, "--subject"]
                #expect(try await program.run(own + ["anna-7"]).status == 0)
                #expect(try await program.run(own + ["anna-8"]).status == 1)
                let other = String(repeating: "ab", count: 32)
                #expect(try await program.run(verify + [other]).status == 1)
            }
            let cut = try elsewhere.file("receipt", String(shown.output.dropFirst(9)))
            #expect(try await program.run(["receipt", "verify", cut, "--key", key]).status == 1)
        }
    }

    @Test func nodesThatAreAwayMakeACrawlFail() async throws {
        try await Workplace.withArchive { place in
            place.set("PERMANODE_NODES", "http://127.0.0.1:1")
            _ = try await place.add(ChannelVector.named("public"))
            let result = try await place.run("crawl", "--until-idle")
            #expect(result.status == 1)
            #expect(result.errors.contains("PERMANODE_NODES"))
        }
    }

    @Test func aPayloadIsDecodedWithoutADatabase() async throws {
        try await Workplace.with { place in
            let message = try ChannelVector.named("meter").messages[3]
            place.keepSecret(message.root)
            place.keepSecret(try #require(message.sideKey))
            let root = try place.file("root", message.root)
            let key = try place.file("key", message.sideKey ?? "")
            let payload = message.payload.description + "\n"
            let read = try await place.run(
                "decode", "--root-file", root, "--side-key-file", key, input: payload)
            #expect(read.status == 0, "\(read.errors)")
            #expect(read.output == (message.text ?? "") + "\n")
            let wrong = try await place.run(
                "decode", "--root-file", root, "--mode", "private", input: payload)
            #expect(wrong.status == 1)
            #expect(wrong.output.isEmpty)
            for input in ["", "{}", payload, "{\"attachments\": []}\n{}"] {
                let none = try await place.run(
                    "decode", "--bundle", "--root-file", root, "--side-key-file", key, input: input)
                #expect(none.status == 2)
            }
            for input in ["", "not trytes", String(repeating: "9", count: 2_187_010)] {
                let none = try await place.run("decode", "--root-file", root, input: input)
                #expect(none.status == 2)
            }
        }
    }
}
