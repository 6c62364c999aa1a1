import Foundation
import NodeClient
import Synchronization
import Tangle
import Ternary
import Testing

@Suite struct NodePoolTests {
    private static let info = #"{"appName":"IRI","appVersion":"1"}"#

    private func pool(
        _ servers: [TestServer], _ change: (inout NodeSelection.Policy) -> Void = { _ in }
    ) throws -> NodePool {
        var policy = NodeSelection.Policy()
        policy.firstCoolDown = .milliseconds(20)
        policy.trialPause = .milliseconds(5)
        change(&policy)
        return try NodePool(
            endpoints: servers.map { try NodeEndpoint($0.url) },
            configuration: quickConfiguration(),
            policy: policy)
    }

    /// A node that knows these transactions.
    private func node(_ entries: some Collection<Recorded.Entry>) throws -> TestServer {
        let known = Dictionary(entries.map { ($0.hash, $0.trytes) }) { first, _ in first }
        let nines = String(repeating: "9", count: Transaction.tryteCount)
        return try TestServer { request, connection in
            connection.answer(
                request.command == "getTrytes"
                    ? "{\"trytes\":\(quoted(request.list("hashes").map { known[$0] ?? nines }))}"
                    : "{\"hashes\":\(quoted(known.keys.sorted()))}")
        }
    }

    @Test func anotherNodeAnswersWhereOneFails() async throws {
        let bad = try TestServer { _, connection in connection.answer("<html>") }
        let good = try TestServer { _, connection in connection.answer(Self.info) }
        defer {
            bad.stop()
            good.stop()
        }
        let pool = try pool([bad, good]) { $0.firstCoolDown = .seconds(1000) }
        for _ in 0..<5 { #expect(try await pool.nodeInfo().appName == "IRI") }
        #expect(bad.requests.count == 1)
        #expect(good.requests.count == 5)
        #expect(pool.health.map(\.health.consecutiveFailures) == [1, 0])
        #expect(pool.health[0].endpoint == pool.clients[0].endpoint)
    }

    @Test func aRefusedCommandMovesOnWithoutHarmToTheNode() async throws {
        let strict = try TestServer { request, connection in
            if request.command == "getNodeInfo" {
                connection.answer(
                    #"{"error":"COMMAND x is not available on this node"}"#,
                    status: "401 Unauthorized")
            } else {
                connection.answer(#"{"hashes":[]}"#)
            }
        }
        let open = try TestServer { _, connection in connection.answer(Self.info) }
        defer {
            strict.stop()
            open.stop()
        }
        let pool = try pool([strict, open])
        #expect(try await pool.nodeInfo().appName == "IRI")
        #expect(pool.health.allSatisfy { $0.health == .init() })
        #expect(try await pool.findTransactions(addresses: [numberedHash(1)]).hashes.isEmpty)
        #expect(strict.requests.count == 2)
        #expect(open.requests.count == 1)
    }

    @Test func aNodeThatRecoversIsAskedAgainWithinTheCall() async throws {
        let failures = Mutex(2)
        let server = try TestServer { _, connection in
            let isIll = failures.withLock { count in
                count -= 1
                return count >= 0
            }
            isIll
                ? connection.answer("", status: "503 Service Unavailable")
                : connection.answer(Self.info)
        }
        defer { server.stop() }
        let pool = try pool([server])
        #expect(try await pool.nodeInfo().appName == "IRI")
        #expect(server.requests.count == 3)
    }

    @Test func theLastErrorIsThrownWhereEveryNodeFails() async throws {
        let servers = try (0..<2).map { _ in
            try TestServer { _, connection in
                connection.answer("", status: "503 Service Unavailable")
            }
        }
        defer { for server in servers { server.stop() } }
        let pool = try pool(servers)
        #expect(await failure { try await pool.nodeInfo() } == .http(status: 503))
        #expect(servers.map(\.requests.count).reduce(0, +) == 4)
        let cold = try self.pool(servers) { $0.firstCoolDown = .seconds(1000) }
        #expect(await failure { try await cold.nodeInfo() } == .http(status: 503))
        #expect(await failure { try await cold.nodeInfo() } == .noNodeAvailable)
        #expect(servers.map(\.requests.count).reduce(0, +) == 6)
    }

    @Test func whatOneNodeDoesNotHaveAnotherGives() async throws {
        let entries = try Recorded.entries(6)
        let first = try node(entries[..<3])
        let second = try node(entries[2..<5])
        let down = try TestServer { _, connection in connection.hangUp() }
        defer { for server in [first, second, down] { server.stop() } }
        let pool = try pool([first, down, second])
        let lookup = try await pool.transactions(entries.map { try Hash($0.hash) })
        #expect(lookup.found.count == 5)
        #expect(lookup.unknown == [try Hash(entries[5].hash)])
        #expect(lookup.missing == lookup.unknown)
        #expect(second.requests.first?.list("hashes").count == 3)
    }

    @Test func whatOneNodeForgesAnotherGivesRight() async throws {
        let entries = try Recorded.entries(2)
        let liar = try TestServer { request, connection in
            connection.answer("{\"trytes\":\(quoted([entries[1].trytes, entries[1].trytes]))}")
        }
        let honest = try node(entries)
        defer {
            liar.stop()
            honest.stop()
        }
        let asked = try entries.map { try Hash($0.hash) }
        let alone = try await pool([liar]).transactions(asked)
        #expect(alone.refused[asked[0]]?.kind == .wrongHash(asked: asked[0]))
        #expect(alone.found.count == 1)
        let lookup = try await pool([liar, honest]).transactions(asked)
        #expect(lookup.missing.isEmpty)
        #expect(lookup.found[asked[0]]?.trytes.description == entries[0].trytes)
    }

    @Test func findingsOfSeveralNodesAreJoined() async throws {
        let entries = try Recorded.entries(6)
        let first = try node(entries[..<4])
        let second = try node(entries[2...])
        let down = try TestServer { _, connection in connection.hangUp() }
        let servers = [first, second, down]
        defer { for server in servers { server.stop() } }
        let pool = try pool(servers)
        let one = try await pool.findTransactions(addresses: [numberedHash(1)])
        #expect(one.hashes.count == 4)
        let all = try await pool.findTransactions(addresses: [numberedHash(1)], joining: 3)
        #expect(Set(all.hashes.map(\.description)) == Set(entries.map(\.hash)))
        #expect(all.hashes.count == 6)
        #expect(all.unanswered.map(\.kind) == [.connectionLost])
        #expect(!all.mayBeIncomplete)
    }

    @Test func aCancelledCallDoesNotCountAgainstTheNode() async throws {
        let server = try TestServer { _, connection in connection.waitForEnd() }
        defer { server.stop() }
        let pool = try pool([server])
        let task = Task { try await pool.nodeInfo() }
        #expect(try await eventually { !server.requests.isEmpty })
        #expect(pool.health[0].health.inFlight == 1)
        task.cancel()
        let result = await task.result
        #expect(throws: CancellationError.self) { try result.get() }
        #expect(pool.health[0].health == .init())
        #expect(server.requests.count == 1)
    }

    @Test func requestsBeyondTheWaitingRoomAreRefused() async throws {
        let server = try TestServer { _, connection in connection.waitForEnd() }
        defer { server.stop() }
        let client = try client(server) {
            $0.maximumInFlight = 1
            $0.maximumWaiting = 1
        }
        let first = Task { try await client.nodeInfo() }
        #expect(try await eventually { !server.requests.isEmpty })
        // Of two more, one waits and one is refused, whichever comes first.
        await withTaskGroup(of: NodeError.Kind?.self) { group in
            for _ in 0..<2 {
                group.addTask { await failure { try await client.nodeInfo() } }
            }
            #expect(await group.next() == .some(.tooManyRequests))
            group.cancelAll()
            #expect(await group.next() == .some(nil))
        }
        first.cancel()
        _ = await first.result
        #expect(server.requests.count == 1)
    }

    @Test func aPoolNeedsANodeAndNotTooMany() throws {
        #expect(throws: NodeError.self) { try NodePool(endpoints: []) }
        let many = try (0...NodePool.maximumNodes).map { try NodeEndpoint("http://n\($0).example") }
        #expect(throws: NodeError.self) { try NodePool(endpoints: many) }
        let same = try NodeEndpoint("http://n.example")
        #expect(try NodePool(endpoints: [same, same]).clients.count == 1)
    }
}
