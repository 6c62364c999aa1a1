import Foundation
import NodeClient
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing

@Suite struct NodeClientTests {
    private struct Exchange: Decodable {
        struct Answer: Decodable { let hashes: [Hash]? }
        struct Body: Decodable {
            let command: String
            let addresses: [Hash]?
        }
        let body: Body
        let answer: Answer
    }

    @Test func asksAsPublishedClientsDo() async throws {
        let exchanges = try Fixture.json("client-requests.json", as: [Exchange].self)
        let searches = exchanges.filter { $0.body.command == "findTransactions" }
        try #require(searches.count > 3)
        var compared = 0
        for exchange in searches {
            guard let addresses = exchange.body.addresses, let hashes = exchange.answer.hashes
            else {
                continue
            }
            let server = try TestServer { _, connection in
                let list = quoted(hashes.map(\.description))
                connection.answer("{\"hashes\":\(list),\"duration\":0}")
            }
            defer { server.stop() }
            let found = try await client(server).findTransactions(addresses: addresses)
            #expect(found.hashes == hashes)
            #expect(!found.mayBeIncomplete)
            let request = try #require(server.requests.first)
            #expect(request.head.hasPrefix("POST / HTTP/1.1"))
            #expect(request.header("X-IOTA-API-Version") == "1")
            #expect(request.header("Content-Type") == "application/json")
            #expect(request.header("Expect") == nil)
            #expect(request.json.keys.sorted() == ["addresses", "command"])
            #expect(request.command == "findTransactions")
            #expect(request.list("addresses") == addresses.map(\.description))
            compared += 1
        }
        #expect(compared > 3)
    }

    @Test func readsWhatANodeSaysOfItself() async throws {
        let server = try TestServer { request, connection in
            switch request.command {
            case "getNodeInfo":
                connection.answer(
                    #"{"appName":"HORNET","appVersion":"0.6.6","latestMilestoneIndex":7,"x":{}}"#)
            case "getNodeAPIConfiguration":
                connection.answer(#"{"maxFindTransactions":100000,"maxGetTrytes":10000}"#)
            default:
                connection.answer(
                    "{\"trunkTransaction\":\"\(numberedHash(1))\","
                        + "\"branchTransaction\":\"\(numberedHash(2))\"}")
            }
        }
        defer { server.stop() }
        let client = try client(server)
        let info = try await client.nodeInfo()
        #expect(info.appName == "HORNET")
        #expect(info.latestMilestoneIndex == 7)
        #expect(info.milestoneStartIndex == nil)
        #expect(try await client.nodeAPIConfiguration().maxGetTrytes == 10_000)
        let tips = try await client.transactionsToApprove(depth: 3)
        #expect(tips.trunkTransaction == numberedHash(1))
        #expect(tips.branchTransaction == numberedHash(2))
        #expect(server.requests.last?.json["depth"] as? Int == 3)
    }

    @Test func onlyTransactionsThatHashToWhatWasAskedForCount() async throws {
        let entries = try Recorded.entries(6)
        let asked = try entries.map { try Hash($0.hash) }
        let nines = String(repeating: "9", count: Transaction.tryteCount)
        let server = try TestServer { _, connection in
            let answers = [
                "\"\(entries[0].trytes)\"", "\"\(nines)\"", "null", "\"\(entries[0].trytes)\"",
                "\"\(entries[4].trytes.dropLast())\"", "\"\(entries[5].trytes.lowercased())\"",
            ]
            connection.answer("{\"trytes\":[\(answers.joined(separator: ","))],\"duration\":1}")
        }
        defer { server.stop() }
        let lookup = try await client(server).transactions(asked + [asked[0]])
        #expect(server.requests.first?.list("hashes").count == 6)
        #expect(lookup.found.count == 1)
        #expect(lookup.found[asked[0]]?.trytes.description == entries[0].trytes)
        #expect(lookup.unknown == [asked[1], asked[2]])
        #expect(
            lookup.refused.mapValues(\.kind) == [
                asked[3]: .wrongHash(asked: asked[3]), asked[4]: .malformedTrytes(of: asked[4]),
                asked[5]: .malformedTrytes(of: asked[5]),
            ])
    }

    @Test func fewerOrMoreTrytesThanAskedForAreAnError() async throws {
        let entries = try Recorded.entries(3)
        let count = Mutex(2)
        let server = try TestServer { _, connection in
            let trytes = (entries + entries).prefix(count.withLock { $0 }).map(\.trytes)
            connection.answer("{\"trytes\":\(quoted(trytes))}")
        }
        defer { server.stop() }
        let asked = try entries.map { try Hash($0.hash) }
        let client = try client(server)
        let few = await failure { try await client.transactions(asked) }
        #expect(few == .tooFewTrytes(asked: 3, received: 2))
        count.withLock { $0 = 4 }
        let many = await failure { try await client.transactions(asked) }
        #expect(many == .tooManyTrytes(asked: 3, received: 4))
        count.withLock { $0 = 3 }
        #expect(try await client.transactions(asked).found.count == 3)
    }

    @Test func longListsAreFetchedInParts() async throws {
        let entries = try Recorded.entries(25)
        let trytes = Dictionary(entries.map { ($0.hash, $0.trytes) }) { first, _ in first }
        let server = try TestServer { request, connection in
            connection.answer(
                "{\"trytes\":\(quoted(request.list("hashes").compactMap { trytes[$0] }))}")
        }
        defer { server.stop() }
        let client = try client(server) { $0.transactionsPerFetch = 10 }
        let lookup = try await client.transactions(try entries.map { try Hash($0.hash) })
        #expect(lookup.found.count == trytes.count)
        #expect(server.requests.map { $0.list("hashes").count } == [10, 10, 5])
        #expect(try await client.transactions([]).found.isEmpty)
        #expect(server.requests.count == 3)
    }

    @Test func inclusionStatesComeByHashAndInParts() async throws {
        let server = try TestServer { request, connection in
            let states = request.list("transactions").map { $0.hasPrefix("AB") ? "true" : "false" }
            connection.answer("{\"states\":[\(states.joined(separator: ","))]}")
        }
        defer { server.stop() }
        let client = try client(server) { $0.hashesPerRequest = 2 }
        let hashes = (1...5).map { numberedHash($0) }
        let states = try await client.inclusionStates(of: hashes, tips: [numberedHash(9)])
        #expect(states.count == 5)
        #expect(states[hashes[0]] == true)
        #expect(states[hashes[1]] == false)
        #expect(server.requests.count == 3)
        #expect(server.requests.allSatisfy { $0.list("tips") == [numberedHash(9).description] })
    }

    @Test func attachesStoresAndBroadcasts() async throws {
        let entries = try Recorded.entries(5)
        let transactions = try entries.map { try Transaction(trytes: Trytes($0.trytes)) }
        let server = try TestServer { request, connection in
            connection.answer(
                request.command == "attachToTangle"
                    ? "{\"trytes\":\(quoted(request.list("trytes"))),\"duration\":5}"
                    : "{\"duration\":0}")
        }
        defer { server.stop() }
        let client = try client(server) { $0.transactionsPerSubmission = 3 }
        let attached = try await client.attachToTangle(
            transactions, trunk: numberedHash(1), branch: numberedHash(2), minWeightMagnitude: 5)
        #expect(attached == transactions)
        try await client.storeTransactions(transactions)
        try await client.broadcastTransactions(transactions)
        let requests = server.requests
        #expect(
            requests.map(\.command) == [
                "attachToTangle", "storeTransactions", "storeTransactions",
                "broadcastTransactions", "broadcastTransactions",
            ])
        #expect(requests[0].json["minWeightMagnitude"] as? Int == 5)
        #expect(requests[0].json["trunkTransaction"] as? String == numberedHash(1).description)
        #expect(requests[1].list("trytes") + requests[2].list("trytes") == entries.map(\.trytes))
        #expect(requests[4].list("trytes").count == 2)
    }

    @Test func aCancelledTaskEndsItsRequest() async throws {
        let hasEnded = Mutex(false)
        let server = try TestServer { _, connection in
            connection.waitForEnd()
            hasEnded.withLock { $0 = true }
        }
        defer { server.stop() }
        let client = try client(server)
        let task = Task { try await client.nodeInfo() }
        #expect(try await eventually { !server.requests.isEmpty })
        task.cancel()
        let result = await task.result
        #expect(throws: CancellationError.self) { try result.get() }
        #expect(try await eventually { hasEnded.withLock { $0 } })
    }

    @Test func connectionsAreKeptAndEndWithTheClient() async throws {
        let server = try TestServer { _, connection in
            connection.answer(#"{"appName":"IRI","appVersion":"1"}"#)
        }
        defer { server.stop() }
        do {
            let client = try client(server)
            for _ in 0..<5 { _ = try await client.nodeInfo() }
            #expect(server.openConnections == 1)
            #expect(server.requests.count == 5)
        }
        #expect(try await eventually { server.openConnections == 0 })
    }

    @Test func requestsUnderWayAreBounded() async throws {
        let underWay = Mutex((now: 0, peak: 0))
        let server = try TestServer { _, connection in
            underWay.withLock {
                $0.now += 1
                $0.peak = max($0.peak, $0.now)
            }
            Thread.sleep(forTimeInterval: 0.02)
            underWay.withLock { $0.now -= 1 }
            connection.answer(#"{"appName":"IRI","appVersion":"1"}"#)
        }
        defer { server.stop() }
        let client = try client(server) { $0.maximumInFlight = 3 }
        try await withThrowingTaskGroup(of: NodeInfo.self) { group in
            for _ in 0..<20 { group.addTask { try await client.nodeInfo() } }
            for try await info in group { #expect(info.appName == "IRI") }
        }
        #expect(server.requests.count == 20)
        #expect(underWay.withLock { $0.peak } == 3)
    }

    @Test func oneSlowNodeDoesNotHoldUpAnother() async throws {
        let slow = try TestServer { _, connection in connection.waitForEnd() }
        let quick = try TestServer { _, connection in
            connection.answer(#"{"appName":"IRI","appVersion":"1"}"#)
        }
        defer {
            slow.stop()
            quick.stop()
        }
        let transport = CurlTransport()
        let waiting = NodeClient(endpoint: try NodeEndpoint(slow.url), transport: transport)
        let other = NodeClient(endpoint: try NodeEndpoint(quick.url), transport: transport)
        let task = Task { try await waiting.nodeInfo() }
        #expect(try await eventually { !slow.requests.isEmpty })
        for _ in 0..<50 { #expect(try await other.nodeInfo().appName == "IRI") }
        task.cancel()
        _ = await task.result
    }
}
