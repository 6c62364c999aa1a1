import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Foundation
import HTTPServer
import LocalTangle
import NodeClient
import QueryAPI
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// What the JavaScript MAM client and PyOTA sent to a recording node, sent to the archive after
/// the node has pruned everything.
@Suite struct NodeReplayTests {
    static let writing: Set<String> = [
        "getTransactionsToApprove", "attachToTangle", "storeTransactions", "broadcastTransactions",
    ]

    @Test func everyRecordedReadIsAnsweredAsItWasWhenTheNodeHasPrunedEverything() async throws {
        let exchanges = try RecordedExchange.all()
        let recorded = try RecordedTangle()
        let tangle = MemoryTangle()
        for hash in recorded.order {
            tangle.add(try #require(recorded.transactions[hash]), hash: hash)
        }
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            // Confirmed, as the recording node said of them.
            tangle.confirm(recorded.order)
            let vectors = try ChannelVector.all()
            for vector in vectors {
                let channel = try await api.test.register(vector, now: api.clock.now)
                try await api.archive.setNodeInterface(.public, of: channel)
            }
            let crawler = try api.test.crawler(tangle, clock: api.clock)
            _ = try await crawler.crawlUntilIdle()
            // Whether they are confirmed is asked when passed trees are looked at again.
            for seconds in [80.0, 800, 3_700] {
                api.clock.advance(seconds)
                _ = try await crawler.crawlUntilIdle()
            }
            while try await api.archive.workOnNodeLookups() {}
            tangle.prune()
            #expect(try await tangle.transactions(recorded.order).isEmpty)

            var replayed = 0
            for (number, exchange) in exchanges.enumerated() {
                let isWriting = Self.writing.contains(exchange.command)
                var headers = HTTPHeaders()
                for (name, value) in exchange.headers { headers.append(name, value) }
                let body = String(
                    decoding: try JSONEncoder().encode(exchange.body), as: UTF8.self)
                let answer = try await api.call(
                    exchange.method, exchange.path, token: .none, headers: headers, body: body)
                guard !isWriting else {
                    // The recording is cut short, so that only what is well-formed is refused as
                    // IRI refuses it.
                    #expect([400, 401].contains(answer.status))
                    continue
                }
                replayed += 1
                #expect(answer.status == exchange.status, "exchange \(number)")
                #expect(answer.headers["Content-Type"] == "application/json")
                #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
                try compare(answer.json, with: exchange, recorded, number)
            }
            #expect(replayed > 20)
        }
    }

    private func compare(
        _ answer: JSONValue, with exchange: RecordedExchange, _ recorded: RecordedTangle,
        _ number: Int
    ) throws {
        guard case .object(let fields) = exchange.answer else {
            Issue.record("exchange \(number) has no answer")
            return
        }
        for (key, value) in fields {
            let given = answer[key]
            guard exchange.command != "getNodeInfo", key != "duration" else {
                #expect(given != nil, "exchange \(number), \(key)")
                continue
            }
            guard key == "trytes" else {
                #expect(given == value, "exchange \(number), \(key)")
                continue
            }
            // The recording cuts trytes short; the recorded ledger has them whole.
            let asked = exchange.body["hashes"]?.texts ?? []
            let whole = try asked.map {
                recorded.transactions[try Hash($0)]?.trytes.description
                    ?? String(repeating: "9", count: Transaction.tryteCount)
            }
            #expect(given?.texts == whole, "exchange \(number)")
            for (hash, trytes) in zip(asked, given?.texts ?? [])
            where !trytes.allSatisfy({ $0 == "9" }) {
                let transaction = try Transaction(trytes: Trytes(trytes))
                #expect(transaction.hash().description == hash)
            }
        }
    }

    /// The same over sockets, from the first request of a crawl to the last of a client: this
    /// project's own client finds on the archive what it found on the node.
    @Test func aClientFindsWithOnlyItsURLChangedWhatTheNodeHasPruned() async throws {
        let vector = try ChannelVector.named("meter")
        let recorded = try RecordedTangle()
        let server = try LocalTangleServer()
        for hash in recorded.order {
            try server.ledger.store([#require(recorded.transactions[hash])])
        }
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            let channel = try await api.test.register(vector, now: api.clock.now)
            try await api.archive.setNodeInterface(.public, of: channel)
            let node = NodeClient(endpoint: try NodeEndpoint(server.url))
            let source = NodeSource(client: node)
            _ = try await api.test.crawler(source, clock: api.clock).crawlUntilIdle()
            while try await api.archive.workOnNodeLookups() {}
            let addresses = vector.messages.map(\.address)
            var before: [Hash: Transaction] = [:]
            for address in addresses {
                let found = try await node.findTransactions(addresses: [address]).hashes
                before.merge(
                    try await node.transactions(found).found,
                    uniquingKeysWith: { first, _ in first })
            }
            #expect(before.count == vector.messages.count * 3)
            server.ledger.prune()
            #expect(try await node.findTransactions(addresses: addresses).hashes.isEmpty)

            let archive = try HTTPServer(
                configuration: HTTPServerConfiguration(address: "127.0.0.1", port: 0)
            ) { await api.api.respond(to: $0) }
            let client = NodeClient(
                endpoint: try NodeEndpoint("http://127.0.0.1:\(archive.port)"))
            var after: [Hash: Transaction] = [:]
            for address in addresses {
                let found = try await client.findTransactions(addresses: [address]).hashes
                #expect(found.count == 3)
                after.merge(
                    try await client.transactions(found).found,
                    uniquingKeysWith: { first, _ in first })
            }
            #expect(after == before)
            _ = try await client.nodeInfo()
            #expect(try await client.nodeAPIConfiguration().maxGetTrytes == 10_000)
            await archive.shutdown(grace: .zero)
        }
        await server.shutdown(grace: .zero)
    }
}

/// A node as the crawler looks at it.
private struct NodeSource: TangleSource {
    let client: NodeClient

    func sighting(at address: Hash) async throws -> Sighting {
        let found = try await client.findTransactions(addresses: [address])
        return Sighting(hashes: found.hashes, mayBeIncomplete: !found.incomplete.isEmpty)
    }

    func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        try await client.transactions(hashes).found
    }

    func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] { [:] }
}

extension RecordedExchange {
    fileprivate var command: String { body["command"]?.text ?? "" }
}
