import Archive
import ArchiveTestSupport
import Assembly
import Crawler
import Foundation
import LocalTangle
import MAM
import NodeClient
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// Nodes that answer anything but what was asked, over HTTP.
@Suite struct HostileNodeTests {
    private static func ledger() throws -> Ledger {
        let ledger = Ledger()
        let recorded = try RecordedTangle()
        try ledger.insert(
            recorded.order.enumerated().compactMap { place, hash in
                recorded.transactions[hash].map {
                    LedgerEntry(hash: hash, transaction: $0, milestone: place + 1)
                }
            })
        try #require(ledger.count > 300)
        return ledger
    }

    /// Impatient, so that a node that stalls costs a test seconds.
    private static func source(
        _ servers: [LocalTangleServer], hints: FeedHints = FeedHints()
    ) throws -> NodeTangleSource {
        var configuration = NodeClientConfiguration()
        configuration.deadline = .seconds(3)
        configuration.stallTime = .seconds(2)
        var policy = NodeSelection.Policy()
        policy.maximumAttempts = 2
        policy.firstCoolDown = .milliseconds(5)
        policy.longestCoolDown = .milliseconds(20)
        return NodeTangleSource(
            try NodePool(
                endpoints: servers.map { try NodeEndpoint($0.url) }, configuration: configuration,
                policy: policy), hints: hints)
    }

    /// Misbehaves after so many requests.
    private static func spoil(
        _ server: LocalTangleServer, _ misbehaviour: Misbehaviour, after count: Int
    ) {
        let served = Mutex(0)
        server.misbehave { _ in
            served.withLock { served in
                served += 1
                return served > count ? misbehaviour : nil
            }
        }
    }

    private static let misbehaviours: [(Misbehaviour, String)] = [
        (.html, "HTML"), (.halfJSON, "half a JSON"), (.endless, "an endless body"),
        (.fewerTrytes, "fewer trytes"), (.wrongTrytes, "trytes of another hash"),
        (.stall, "nothing"), (.refuse, "a refusal"),
    ]

    @Test(.timeLimit(.minutes(10)), arguments: misbehaviours)
    func aNodeThatMisbehavesInTheMiddleLosesNothing(
        misbehaviour: Misbehaviour, name: String
    ) async throws {
        let server = try LocalTangleServer(node: LocalNode(ledger: try Self.ledger()))
        try await TestArchive.with { test in
            let clock = TestClock()
            let meter = try await test.register(.named("meter"), now: clock.now)
            let tree = try await test.register(.named("tree-of-4"), now: clock.now)
            let crawler = try test.crawler(Self.source([server]), clock: clock)
            for served in [0, 1] {
                Self.spoil(server, misbehaviour, after: served)
                let summary = try await crawler.crawlUntilIdle()
                #expect(summary.unreachable, "\(name) after \(served)")
                for channel in [meter, tree] {
                    let record = try await test.archive.channel(channel)
                    #expect(record.state == .following, "\(name) after \(served)")
                    #expect(record.reason == StallReason.unreachable.rawValue)
                    #expect(record.messageCount == 0)
                }
                clock.advance(2 * CrawlPolicy().patience)
            }
            Self.spoil(server, misbehaviour, after: 12)
            let summary = try await crawler.crawlUntilIdle()
            #expect(summary.unreachable)
            #expect(summary.failed == 0)
            let count = try await test.archive.channel(meter).messageCount
            #expect((0..<24).contains(count))
            #expect(try await test.archive.channel(meter).state == .following)
            #expect(try await test.archive.channel(tree).state == .following)

            clock.advance(1)
            server.misbehave(nil)
            _ = try await crawler.crawlUntilIdle()
            for (name, channel) in [("meter", meter), ("tree-of-4", tree)] {
                let read = try await test.read(channel)
                #expect(
                    read.map(\.message.text) == (try ChannelVector.named(name)).messages.map(\.text)
                )
                let record = try await test.archive.channel(channel)
                #expect(record.state == .following)
                #expect(record.reason == nil)
            }
        }
        await server.shutdown()
    }

    @Test func aListThatIsCutWithoutAWordIsAFlood() async throws {
        // The address has a thousand transactions more than the node tells.
        let ledger = try Self.ledger()
        let vector = try ChannelVector.named("public")
        var junk = Junk(address: vector.messages[0].address, generator: SeededGenerator(seed: 31))
        let hidden = Ledger()
        try hidden.store(try (0..<1500).map { _ in try junk.noise().1 })
        try hidden.insert(
            vector.messages[0].transactions.reversed().compactMap {
                ledger.entries([$0])[0]
            })
        let server = try LocalTangleServer(node: LocalNode(ledger: hidden))
        server.misbehave { $0 == "findTransactions" ? .cutHashes(1000) : nil }
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(vector, now: clock.now)
            let crawler = try test.crawler(Self.source([server]), clock: clock)
            clock.advance(2 * CrawlPolicy().patience)
            _ = try await crawler.crawlUntilIdle()
            var record = try await test.archive.channel(channel)
            #expect(record.state == .flooded)
            server.misbehave(nil)
            clock.advance(1)
            _ = try await crawler.crawlUntilIdle()
            record = try await test.archive.channel(channel)
            #expect(record.messageCount == 1)
        }
        await server.shutdown()
    }

    /// What a feed named when it came is found although every list hides it.
    @Test func whatAFeedNamedIsFoundThoughNoListHasIt() async throws {
        let ledger = try Self.ledger()
        let server = try LocalTangleServer(node: LocalNode(ledger: ledger))
        server.misbehave { $0 == "findTransactions" ? .cutHashes(0) : nil }
        let hints = FeedHints()
        let recorded = try RecordedTangle()
        for hash in recorded.order {
            if let address = recorded.transactions[hash]?.address { hints.note(hash, at: address) }
        }
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(.named("meter"), now: clock.now)
            _ = try await test.crawler(Self.source([server]), clock: clock).crawlUntilIdle()
            #expect(try await test.archive.channel(channel).messageCount == 0)
            clock.advance(60)
            let source = try Self.source([server], hints: hints)
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
            #expect(try await test.archive.channel(channel).messageCount == 24)
        }
        await server.shutdown()
    }

    @Test func aTransactionThatIsNamedAndNeverGivenCostsItsNeighboursOnce() async throws {
        let ledger = try Self.ledger()
        let addresses = try ["meter", "public", "private"].map {
            try ChannelVector.named($0).messages[0].address
        }
        // The node's answer for it has another hash, and so is none.
        let lost = Hash(of: Trytes(validated: Array("LOST".utf8)), at: 0)
        var fields = TransactionFields()
        fields.address = addresses[0]
        try ledger.insert([
            LedgerEntry(hash: lost, transaction: try fields.transaction(), milestone: 1)
        ])
        let server = try LocalTangleServer(node: LocalNode(ledger: ledger))
        let source = try Self.source([server])
        let first = try await source.sightings(at: addresses)
        #expect(first[0].hashes.contains(lost))
        for (place, sighting) in first.enumerated() {
            #expect(sighting.hashes.count > (place == 0 ? 1 : 0))
            let given = Set(sighting.transactions.keys)
            #expect(given == Set(sighting.hashes).subtracting([lost]))
        }
        let asked = server.requestCount
        let again = try await source.sightings(at: addresses)
        // Found, and asked for in vain: where a list put it may be a lie.
        #expect(server.requestCount == asked + 2)
        #expect(again.map(\.hashes) == first.map(\.hashes))
        await server.shutdown()
    }

    @Test(.timeLimit(.minutes(10)))
    func anotherNodeIsAskedForWhatOneWithholdsOrChanges() async throws {
        let ledger = try Self.ledger()
        let bad = try LocalTangleServer(node: LocalNode(ledger: ledger))
        let good = try LocalTangleServer(node: LocalNode(ledger: ledger))
        for misbehaviour in [Misbehaviour.wrongTrytes, .html, .fewerTrytes] {
            bad.misbehave { _ in misbehaviour }
            try await TestArchive.with { test in
                let clock = TestClock()
                let channel = try await test.register(.named("meter"), now: clock.now)
                let crawler = try test.crawler(Self.source([bad, good]), clock: clock)
                let summary = try await crawler.crawlUntilIdle()
                #expect(!summary.unreachable)
                #expect(try await test.archive.channel(channel).messageCount == 24)
            }
        }
        await bad.shutdown()
        await good.shutdown()
    }
}
