import NodeFeed
import Synchronization
import Ternary
import Testing

@Suite struct NodeFeedTests {
    private final class Heard: Sendable {
        private let messages = Mutex<[FeedMessage]>([])

        func add(_ message: FeedMessage) { messages.withLock { $0.append(message) } }
        var all: [FeedMessage] { messages.withLock { $0 } }
    }

    private static func message(_ letter: Character) throws -> FeedMessage {
        FeedMessage(
            hash: try Hash(String(repeating: letter, count: 81)),
            address: try Hash(String(repeating: "9", count: 80) + String(letter)))
    }

    /// Who listens from now on hears nothing of before, so it is said again until it is heard.
    private static func say(
        _ text: () throws -> Void, until isHeard: () -> Bool
    ) async throws -> Bool {
        for _ in 0..<6000 {
            if isHeard() { return true }
            try text()
            try await Task.sleep(for: .milliseconds(10))
        }
        return isHeard()
    }

    @Test func transactionsAreHeardOf() async throws {
        let publisher = try FeedPublisher()
        let heard = Heard()
        let feed = try NodeFeed(publisher.endpoint) { heard.add($0) }
        let messages = [try Self.message("A"), try Self.message("B")]
        for message in messages {
            #expect(
                try await Self.say {
                    try publisher.publish(message)
                } until: {
                    heard.all.contains(message)
                })
        }
        await feed.stop()
        #expect(Set(heard.all) == Set(messages))
        #expect(feed.counts.transactions == heard.all.count)
        #expect(feed.counts.malformed == 0)
    }

    @Test func whatIsMalformedIsCountedAndWhatIsOfAnotherTopicNotHeard() async throws {
        let publisher = try FeedPublisher()
        let heard = Heard()
        let feed = try NodeFeed(publisher.endpoint) { heard.add($0) }
        let good = try Self.message("G")
        let bad = [
            "tx ", "tx A B 0", "tx \(good.hash)", "tx  \(good.hash) \(good.address)",
            "tx \(good.hash) \(good.address)X 0", "tx \(String(repeating: "a", count: 81)) x",
            "tx \u{0}\u{0}\u{0}",
        ]
        #expect(
            try await Self.say {
                for text in bad { try publisher.publish(text) }
                try publisher.publish("sn 1 \(good.hash) \(good.address)")
                try publisher.publish("tx_trytes \(good.hash) \(good.address)")
                try publisher.publish(good)
            } until: {
                !heard.all.isEmpty && feed.counts.malformed >= bad.count
            })
        await feed.stop()
        #expect(Set(heard.all) == [good])
    }

    @Test func whoSendsWhatIsTooLongIsNotHeardUntilListenedToAnew() async throws {
        let publisher = try FeedPublisher()
        let heard = Heard()
        let feed = try NodeFeed(publisher.endpoint) { heard.add($0) }
        let (first, second) = (try Self.message("A"), try Self.message("B"))
        #expect(
            try await Self.say {
                try publisher.publish(first)
            } until: {
                !heard.all.isEmpty
            })
        try publisher.publish("tx " + String(repeating: "9", count: 1 << 20))
        // Behind it in the same connection.
        try publisher.publish(second)
        let again = Heard()
        let other = try NodeFeed(publisher.endpoint) { again.add($0) }
        #expect(
            try await Self.say {
                try publisher.publish(second)
            } until: {
                again.all.count > 20
            })
        await feed.stop()
        await other.stop()
        #expect(!heard.all.contains(second))
        #expect(feed.counts.malformed == 0)
    }

    @Test func oneThatIsNotThereIsWaitedForAndLeft() async throws {
        let feed = try NodeFeed(try FeedEndpoint("tcp://127.0.0.1:1")) { _ in }
        await feed.stop()
        // Twice is as good as once.
        await feed.stop()
        #expect(feed.counts == NodeFeed.Counts())
    }

    @Test(arguments: [
        "tcp://127.0.0.1:5556", "tcp://node.example.org:1", "tcp://[::1]:65535",
    ])
    func endpointsAreTCP(text: String) throws {
        #expect(try FeedEndpoint(text).description == text)
    }

    @Test(arguments: [
        "", "tcp://", "tcp://:5556", "tcp://host", "tcp://host:0", "tcp://host:65536",
        "tcp://*:5556", "tcp://host:5556;x", "ipc:///tmp/x", "inproc://x", "pgm://x:1",
        "http://host:5556", "tcp://ho st:5556", "tcp://host:+1", "tcp://host\u{0}:1",
    ])
    func nothingElseIsOne(text: String) {
        #expect(throws: FeedError.invalidEndpoint) { try FeedEndpoint(text) }
    }
}
