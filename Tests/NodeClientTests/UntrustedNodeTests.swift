import Foundation
import NodeClient
import Synchronization
import Tangle
import Ternary
import Testing

/// Nodes that are slow, behind, of another network, or withhold.
@Suite struct UntrustedNodeTests {
    private static func info(
        _ milestone: Int = 100, coordinator: Hash = numberedHash(7), name: String = "IRI"
    ) -> String {
        """
        {"appName":"\(name)","appVersion":"1","latestSolidSubtangleMilestoneIndex":\(milestone),
        "coordinatorAddress":"\(coordinator)"}
        """
    }

    private func pool(
        _ servers: TestServer..., change: (inout NodeSelection.Policy) -> Void = { _ in }
    ) throws -> NodePool {
        var policy = NodeSelection.Policy()
        policy.latencyStep = .seconds(1000)
        change(&policy)
        return try NodePool(
            endpoints: servers.map { try NodeEndpoint($0.url) },
            configuration: quickConfiguration(),
            policy: policy)
    }

    /// A node with its own limits that names the hashes in `known`.
    private func node(
        _ milestone: Int = 100, coordinator: Hash = numberedHash(7), limits: String = "{}",
        known: [Hash] = []
    ) throws -> TestServer {
        let info = Self.info(milestone, coordinator: coordinator)
        return try TestServer { request, connection in
            switch request.command {
            case "getNodeInfo": connection.answer(info)
            case "getNodeAPIConfiguration": connection.answer(limits)
            case "findTransactions":
                connection.answer("{\"hashes\":\(quoted(known.map(\.description)))}")
            default:
                let nines = String(repeating: "9", count: Transaction.tryteCount)
                connection.answer(
                    "{\"trytes\":\(quoted(request.list("hashes").map { _ in nines }))}")
            }
        }
    }

    @Test func aSlowNodeIsOvertakenByAnother() async throws {
        let slow = try TestServer { _, connection in connection.waitForEnd() }
        let quick = try TestServer { _, connection in connection.answer(Self.info(name: "quick")) }
        defer { for server in [slow, quick] { server.stop() } }
        let pool = try pool(slow, quick) { $0.hedgeAfter = .milliseconds(20) }
        #expect(try await pool.nodeInfo().appName == "quick")
        #expect(slow.requests.count == 1)
        #expect(quick.requests.count == 1)
        // It is no failure, but remembered.
        #expect(try await eventually { pool.health[0].health == .init() })
    }

    @Test func theFirstAnswerCountsWhereTheSecondNodeFails() async throws {
        let gate = Mutex(false)
        let slow = try TestServer { _, connection in
            while !gate.withLock({ $0 }) { usleep(1000) }
            connection.answer(Self.info(name: "slow"))
        }
        let bad = try TestServer { _, connection in
            connection.answer("", status: "503 Service Unavailable")
            gate.withLock { $0 = true }
        }
        defer { for server in [slow, bad] { server.stop() } }
        let pool = try pool(slow, bad) { $0.hedgeAfter = .milliseconds(20) }
        #expect(try await pool.nodeInfo().appName == "slow")
        #expect(bad.requests.count == 1)
    }

    @Test func thereAreNoMoreSecondQuestionsThanAllowed() async throws {
        let gate = Mutex(false)
        let slow = try TestServer { _, connection in
            while !gate.withLock({ $0 }) { usleep(1000) }
            connection.answer(Self.info(name: "slow"))
        }
        let other = try node()
        defer { for server in [slow, other] { server.stop() } }
        let pool = try pool(slow, other) {
            $0.hedgeAfter = .zero
            $0.maximumHedges = 0
        }
        let asking = Task { try await pool.nodeInfo() }
        #expect(try await eventually { !slow.requests.isEmpty })
        gate.withLock { $0 = true }
        #expect(try await asking.value.appName == "slow")
        #expect(other.requests.isEmpty)
    }

    @Test func oneThatStallsDoesNotHoldUpWhatTheOtherFound() async throws {
        let silent = try TestServer { _, connection in connection.waitForEnd() }
        let honest = try node(known: [numberedHash(1)])
        defer { for server in [silent, honest] { server.stop() } }
        let pool = try pool(silent, honest) {
            $0.joiningPatience = .milliseconds(20)
            $0.firstCoolDown = .seconds(1000)
        }
        let found = try await pool.findTransactions(addresses: [numberedHash(9)], joining: 2)
        #expect(found.hashes == [numberedHash(1)])
        #expect(found.unanswered.map(\.kind) == [.timedOut])
        #expect(pool.health.map(\.health.consecutiveFailures) == [1, 0])
        _ = try await pool.findTransactions(addresses: [numberedHash(9)], joining: 2)
        #expect(silent.requests.count == 1)
    }

    @Test func aNodeOfAnotherNetworkIsNotAsked() async throws {
        let foreign = try node(9000, coordinator: numberedHash(8), known: [numberedHash(2)])
        let ours = try node(known: [numberedHash(1)])
        let third = try node(known: [numberedHash(3)])
        defer { for server in [foreign, ours, third] { server.stop() } }
        let pool = try pool(foreign, ours, third)
        let reports = await pool.look()
        #expect(reports.map(\.standing.place) == [.otherNetwork, .inStep, .inStep])
        let found = try await pool.findTransactions(addresses: [numberedHash(9)], joining: 3)
        #expect(Set(found.hashes) == [numberedHash(1), numberedHash(3)])
        _ = try await pool.transactions([numberedHash(1)])
        #expect(foreign.requests.allSatisfy { $0.command.hasPrefix("getNode") })
    }

    @Test func aNodeThatIsBehindComesLast() async throws {
        let late = try node(50)
        let ours = try node()
        let third = try node(101)
        defer { for server in [late, ours, third] { server.stop() } }
        let pool = try pool(late, ours, third)
        #expect(await pool.look().map(\.standing.place) == [.behind, .inStep, .inStep])
        _ = try await pool.findTransactions(addresses: [numberedHash(9)], joining: 2)
        #expect(late.requests.allSatisfy { $0.command.hasPrefix("getNode") })
        _ = try await pool.findTransactions(addresses: [numberedHash(9)], joining: 3)
        #expect(late.requests.contains { $0.command == "findTransactions" })
    }

    @Test func listsKeepToWhatTheNodeTells() async throws {
        let limits = """
            {"maxFindTransactions":20,"maxRequestsList":3,"maxGetTrytes":2,"maxBodyLength":10000}
            """
        let node = try node(limits: limits, known: [numberedHash(1)])
        defer { node.stop() }
        let pool = try pool(node)
        let addresses = (0..<7).map { numberedHash($0, in: "D") }
        _ = try await pool.findTransactions(addresses: addresses)
        #expect(node.requests.count == 1)
        _ = await pool.look()
        _ = try await pool.findTransactions(addresses: addresses)
        _ = try await pool.transactions(addresses)
        let finds = node.requests.filter { $0.command == "findTransactions" }
        #expect(finds.map { $0.list("addresses").count } == [7, 3, 3, 1])
        let gets = node.requests.filter { $0.command == "getTrytes" }
        #expect(gets.map { $0.list("hashes").count } == [2, 2, 2, 1])
    }

    @Test func aListAsLongAsTheNodeGivesMayBeCut() async throws {
        let known = (0..<100).map { numberedHash($0, in: "E") }
        let node = try node(limits: #"{"maxFindTransactions":100}"#, known: known)
        defer { node.stop() }
        let pool = try pool(node)
        let address = numberedHash(9)
        #expect(try await !pool.findTransactions(addresses: [address]).mayBeIncomplete)
        _ = await pool.look()
        #expect(try await pool.findTransactions(addresses: [address]).mayBeIncomplete)
    }

    /// Numbers that would stop or blow up every request are not taken at their word.
    @Test(arguments: ["0", "-5", "9223372036854775807", "-9223372036854775808"])
    func absurdLimitsStopNothing(limit: String) async throws {
        let limits = """
            {"maxFindTransactions":\(limit),"maxRequestsList":\(limit),"maxGetTrytes":\(limit),
            "maxBodyLength":\(limit)}
            """
        let node = try node(limits: limits, known: [numberedHash(1)])
        defer { node.stop() }
        let pool = try pool(node)
        _ = await pool.look()
        let found = try await pool.findTransactions(addresses: [numberedHash(8), numberedHash(9)])
        #expect(found.hashes == [numberedHash(1)])
        #expect(try await pool.transactions([numberedHash(1)]).unknown.count == 1)
        #expect((3...6).contains(node.requests.count))
    }

    @Test func whatOneWithholdsIsCounted() async throws {
        let known = (0..<5).map { numberedHash($0, in: "F") }
        let withholding = try node(known: Array(known[..<2]))
        let honest = try node(known: known)
        defer { for server in [withholding, honest] { server.stop() } }
        let pool = try pool(withholding, honest)
        #expect(
            try await pool.findTransactions(addresses: [numberedHash(9)], joining: 2)
                .hashes.count == 5)
        #expect(await pool.look().map(\.deeds.lacking) == [3, 0])
    }

    @Test func aNodeThatAnswersWhatWasNotAskedForIsLeftAlone() async throws {
        let entries = try Recorded.entries(2)
        let liar = try TestServer { request, connection in
            connection.answer(
                "{\"trytes\":\(quoted(request.list("hashes").map { _ in entries[1].trytes }))}")
        }
        let honest = try node()
        defer { for server in [liar, honest] { server.stop() } }
        let pool = try pool(liar, honest) { $0.firstCoolDown = .seconds(1000) }
        for _ in 0..<3 { _ = try await pool.transactions([try Hash(entries[0].hash)]) }
        #expect(liar.requests.filter { $0.command == "getTrytes" }.count == 1)
        #expect(await pool.look().map(\.deeds.refused) == [1, 0])
    }
}
