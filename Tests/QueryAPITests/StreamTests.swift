import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Synchronization
import TestSupport
import Testing
import Vault

/// `Accept: application/x-ndjson`, and what else can be accepted.
@Suite struct StreamTests {
    private static let lines = "application/x-ndjson"

    @Test func thousandsOfMessagesComeOneALine() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            try await api.test.multiply(channel, to: 3000)
            let path = "/v1/channels/\(channel.text)/messages"
            let answer = try await api.get(path, accept: Self.lines)
            #expect(answer.status == 200)
            let documents = try answer.lines
            #expect(documents.map(\.sequence) == Array(0..<3000))
            #expect(documents.allSatisfy { $0.text?.isEmpty == false })
            let pages = try await api.pages(of: channel, "limit=1000").flatMap { $0 }
            #expect(documents == pages)
            let some = try await api.get("\(path)?limit=700&direction=desc", accept: Self.lines)
            #expect(try some.lines.map(\.sequence) == Array((2300..<3000).reversed()))
        }
    }

    @Test func largeMessagesMakeSmallBatches() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "edge-sizes", clock: api.clock)
            try await api.test.multiply(channel, to: 2000)
            let path = "/v1/channels/\(channel.text)/messages"
            // 2,000 messages are more than one call takes in bytes, so a page has fewer.
            let first = try await api.get("\(path)?limit=1000&direction=desc").json
            #expect((first["messages"]?.array?.count ?? 0) < 1000)
            let pages = try await api.pages(of: channel, "limit=1000")
            #expect(pages.flatMap { $0 }.map(\.sequence) == Array(0..<2000))
            let streamed = try await api.get(path, accept: Self.lines)
            #expect(try streamed.lines.count == 2000)
        }
    }

    // Batches of 1,000, of which three are held at most: the others come too late.

    @Test func aStreamIsCutWhenTheChannelIsForgottenMeanwhile() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            try await api.test.multiply(channel, to: 5000)
            let count = try await api.linesUntilCut(of: channel) {
                let request = try await api.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: api.clock.now)
                _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
            }
            #expect(count > 0 && count < 5000)
        }
    }

    /// What a slow reader has not taken yet is not his any more.
    @Test func aStreamWhoseReaderTakesNothingIsCutWithinASecond() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            let response = try await api.respond(
                "GET", "/v1/channels/\(channel.text)/messages",
                headers: ["Accept": Self.lines])
            guard case .stream(let write) = response.body else {
                Issue.record("no stream")
                return
            }
            let forgotten = Mutex(ContinuousClock.now)
            let reader = StuckReader {
                let request = try await api.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: api.clock.now)
                _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
                forgotten.withLock { $0 = .now }
            }
            await #expect(throws: (any Error).self) { try await write(reader) }
            #expect(ContinuousClock.now - forgotten.withLock { $0 } < .seconds(1))
        }
    }

    @Test func aStreamIsCutWhenTheChannelIsRestrictedMeanwhile() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            try await api.test.multiply(channel, to: 5000)
            let count = try await api.linesUntilCut(of: channel) {
                try await api.restrict(channel)
            }
            #expect(count > 0 && count < 5000)
            #expect(api.logged.contains { $0.contains("code=archive.wrong-state cut=true") })
            let answer = try await api.get(
                "/v1/channels/\(channel.text)/messages", accept: Self.lines)
            #expect(answer.status == 409)
            #expect(answer.code == "archive.wrong-state")
        }
    }

    @Test func aStreamIsCutWhenItsTokenIsRevokedMeanwhile() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            try await api.test.multiply(channel, to: 5000)
            let count = try await api.linesUntilCut(of: channel) {
                for token in try await api.archive.tokens() {
                    try await api.archive.revokeToken(token.id, now: api.clock.now)
                }
            }
            #expect(count > 0 && count < 5000)
        }
    }

    @Test(arguments: [
        ("*/*", 200, "application/json"), ("application/*", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("text/html, application/x-ndjson;q=0.5, */*;q=0.1", 200, "application/x-ndjson"),
        ("application/json;q=0.2, Application/X-NDJSON ; q=0.9", 200, "application/x-ndjson"),
        ("text/csv", 200, "text/csv"), ("text/*", 200, "text/csv"),
        ("application/json;q=0, */*", 200, "application/x-ndjson"),
        ("*/*, application/json;q=0.5", 200, "application/x-ndjson"),
        ("text/csv, application/json", 200, "text/csv"),
        ("application/json;q=nan, text/csv;q=0.001", 200, "text/csv"),
        ("text/csv;q=2", 200, "application/json"),
        ("", 200, "application/json"), (" , ;q=1,", 200, "application/json"),
        ("image/png", 406, "application/problem+json"),
        ("application/json;q=0", 406, "application/problem+json"),
    ])
    func theBestAcceptedTypeIsAnswered(accept: String, status: Int, type: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "events", clock: api.clock)
            let answer = try await api.get("/v1/channels/\(channel.text)/messages", accept: accept)
            #expect(answer.status == status)
            #expect(answer.headers["Content-Type"] == type)
        }
    }
}

extension TestAPI {
    func restrict(_ channel: ChannelNumber) async throws {
        _ = try await test.pool.withConnection {
            try await $0.execute(
                "update channel set state = 'restricted', epoch = epoch + 1 where id = $1",
                [.int64(channel.rawValue)])
        }
    }

    /// How many lines of a stream come when `act` runs after the first batch; the stream must
    /// fail then.
    func linesUntilCut(
        of channel: ChannelNumber, token: Token = .admin,
        _ act: @escaping @Sendable () async throws -> Void
    ) async throws -> Int {
        let response = try await respond(
            "GET", "/v1/channels/\(channel.text)/messages", token: token,
            headers: ["Accept": "application/x-ndjson"])
        guard case .stream(let write) = response.body else {
            Issue.record("no stream")
            return 0
        }
        let reader = InterruptingReader(act)
        await #expect(throws: (any Error).self) { try await write(reader) }
        return reader.lines.withLock { $0 }
    }
}

/// Does something when the first bytes come, and takes none.
final class StuckReader: HTTPBodyWriter {
    private let act: @Sendable () async throws -> Void

    init(_ act: @escaping @Sendable () async throws -> Void) { self.act = act }

    func write(_ bytes: [UInt8]) async throws {
        // In a task of its own: the stream's is cancelled while the forget goes on.
        try await Task { try await act() }.value
        try await Task.sleep(for: .seconds(60))
    }
}

/// Counts lines, and does something once after the first bytes.
final class InterruptingReader: HTTPBodyWriter {
    let lines = Mutex(0)
    private let act: @Sendable () async throws -> Void

    init(_ act: @escaping @Sendable () async throws -> Void) { self.act = act }

    func write(_ bytes: [UInt8]) async throws {
        let isFirst = lines.withLock { lines in
            defer { lines += bytes.count { $0 == UInt8(ascii: "\n") } }
            return lines == 0
        }
        if isFirst { try await act() }
    }
}

/// A line of a stream says what an encoder says of the same message.
@Suite struct LineTests {
    @Test(arguments: [
        "", "plain", "{\"quoted\": \"\\\\ \\\" \"}", "line\r\nfeed\ttab\u{8}\u{c}",
        "\u{0}\u{1}\u{1f}\u{7f}",
        "ümlaut / slash \u{2028} 𝄞 \u{feff}", String(repeating: "\"\\\n", count: 500),
    ])
    func anyTextStandsInALineAsAnEncoderWouldWriteIt(text: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(text: text, clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages"
            let page = try await api.pages(of: channel, "limit=10").flatMap { $0 }
            let answer = try await api.get(path, accept: "application/x-ndjson")
            #expect(page.map(\.text) == [text])
            #expect(try answer.lines == page)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let encoded = try encoder.encode(try #require(page.first))
            let line = try JSONDecoder().decode(
                JSONValue.self, from: Data(answer.text.utf8.dropLast()))
            #expect(line == (try JSONDecoder().decode(JSONValue.self, from: encoded)))
        }
    }
}
