import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import HTTPServer
import MAM
import QueryAPI
import Synchronization
import TestSupport
import Testing
import Vault

/// A channel that grows while it is listened to.
struct LiveChannel {
    let api: TestAPI
    let channel: ChannelNumber
    private let source = MemoryTangle()
    private var chain: WrittenChain
    private var written = 0
    private static let crawls = 20
    /// The cursor of the first message.
    private(set) var start = ""

    var path: String { "/v1/channels/\(channel.text)" }

    init(_ api: TestAPI) async throws {
        self.api = api
        chain = try WrittenChain("L", on: source)
        channel = try await api.archive.register(
            ChannelRegistration(root: chain.root, mode: .private), now: api.clock.now)
    }

    /// Writes messages, each in a tree of its own, and has them crawled.
    mutating func publish(_ texts: String...) async throws {
        for text in texts { try chain.write(text, at: api.clock.now) }
        written += texts.count
        // A look that fails where the database is slow to answer is done again by the next.
        for _ in 0..<Self.crawls {
            api.clock.advance(3600)
            _ = try await api.test.crawler(source, clock: api.clock).crawlUntilIdle()
            if try await api.archive.channel(channel).messageCount >= written { break }
        }
        guard start.isEmpty else { return }
        start = try await api.get("\(path)/messages?limit=1").json["next"]?.text ?? ""
    }

    func listen(
        _ reader: EventReader = EventReader(), token: Token = .admin, lastEventID: String? = nil,
        comesBack: Bool = true
    ) async throws -> LiveListener {
        let write = try await stream(token, lastEventID)
        return LiveListener(
            reader: reader,
            task: Task {
                var write = write
                while true {
                    do {
                        return try await write(reader)
                    } catch ArchiveError.interrupted where comesBack {
                        // As where the database is slow to answer: clients come again.
                        write = try await stream(token, reader.lastID ?? lastEventID)
                    }
                }
            })
    }

    private func stream(_ token: Token, _ lastEventID: String?) async throws
        -> @Sendable (any HTTPBodyWriter) async throws -> Void
    {
        var headers = HTTPHeaders()
        headers["Last-Event-ID"] = lastEventID
        let response = try await api.respond(
            "GET", "\(path)/events", token: token, headers: headers)
        try Task.checkCancellation()
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "text/event-stream")
        guard case .stream(let write) = response.body else { throw NoStream() }
        return write
    }

    struct NoStream: Error {}
}

struct Event {
    let id: String
    let type: String
    let message: MessageDocument
}

struct LiveListener {
    let reader: EventReader
    let task: Task<Void, any Error>

    /// The first so many events, once they are there.
    func events(_ count: Int) async throws -> [Event] {
        try await reader.wait { $0.eventCount >= count }
        let blocks = reader.text.components(separatedBy: "\n\n").dropLast()
            .filter { $0.contains("data: ") }
        return try blocks.prefix(count).map { block in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") where !line.hasPrefix(":") {
                let parts = line.split(separator: ":", maxSplits: 1)
                #expect(parts.count == 2 && fields[String(parts[0])] == nil)
                fields[String(parts[0])] = String(parts[1].dropFirst())
            }
            return Event(
                id: try #require(fields["id"]), type: try #require(fields["event"]),
                message: try JSONDecoder().decode(
                    MessageDocument.self, from: Data((fields["data"] ?? "").utf8)))
        }
    }

    func leave() async {
        task.cancel()
        _ = await task.result
    }

    /// How the stream ends.
    func result() async throws {
        let deadline = Task {
            try await Task.sleep(for: .seconds(60))
            task.cancel()
        }
        defer { deadline.cancel() }
        try await task.value
    }
}

/// Keeps what a stream writes.
class EventReader: HTTPBodyWriter, @unchecked Sendable {
    // Safe: all there is is behind the lock, here and in what inherits.
    private let state = Mutex<(bytes: [UInt8], events: Int)>(([], 0))

    var text: String { state.withLock { String(decoding: $0.bytes, as: UTF8.self) } }

    /// How often the stream began anew.
    var comebackCount: Int { text.ranges(of: "retry: ").count - 1 }

    /// Each ends with an empty line, and is written as a whole.
    var eventCount: Int { state.withLock { $0.events } }

    var lastID: String? {
        let text = text
        return text.range(of: "id: ", options: .backwards)
            .map { String(text[$0.upperBound...].prefix { $0 != "\n" }) }
    }

    func write(_ more: [UInt8]) async throws {
        let newline = UInt8(ascii: "\n")
        let ends = zip(more, more.dropFirst()).count { $0 == newline && $1 == newline }
        state.withLock { state in
            state.bytes += more
            // And not what says when to come again, or nothing.
            if more.first == UInt8(ascii: "i") { state.events += ends }
        }
    }

    func wait(until isThere: (EventReader) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !isThere(self) {
            guard ContinuousClock.now < deadline else { throw TooLate() }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    struct TooLate: Error {}
}

/// Takes the beginning of a stream, and then nothing.
final class StuckListener: EventReader, @unchecked Sendable {
    private let count = Mutex(0)

    override func write(_ bytes: [UInt8]) async throws {
        let isFirst = count.withLock { count in
            count += 1
            return count == 1
        }
        if isFirst { return }
        try await Task.sleep(for: .seconds(600))
    }
}
