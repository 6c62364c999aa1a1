import LocalTangle
import NodeClient
import Tangle
import Ternary
import Testing

/// Each way to misbehave, as a client sees it.
@Suite struct MisbehaviourTests {
    /// A server that misbehaves, with a bundle of three on the address `A`.
    private func ask(
        _ misbehaviour: Misbehaviour, client: NodeClientConfiguration = NodeClientConfiguration(),
        _ body: (NodeClient, _ address: Hash, _ hashes: [Hash]) async throws -> Void
    ) async throws {
        let ledger = Ledger()
        let here = try address("A")
        let hashes = try ledger.store(try bundle(at: here, tag: try tag("T"), fragments: 3))
        try await withServer(LocalNode(ledger: ledger), client: client) { server, client in
            server.misbehave { _ in misbehaviour }
            try await body(client, here, hashes)
            #expect(server.requestCount > 0)
            server.misbehave(nil)
            let patient = NodeClient(endpoint: try NodeEndpoint(server.url))
            #expect(try await patient.transactions(hashes).found.count == 3)
        }
    }

    /// The kind of the error that finding transactions ends with.
    private func failure(
        of misbehaviour: Misbehaviour, client: NodeClientConfiguration = NodeClientConfiguration()
    ) async throws -> NodeError.Kind? {
        var kind: NodeError.Kind?
        try await ask(misbehaviour, client: client) { client, here, _ in
            do {
                _ = try await client.findTransactions(addresses: [here])
            } catch let error as NodeError {
                kind = error.kind
            }
        }
        return kind
    }

    @Test func refuses() async throws {
        #expect(
            try await failure(of: .refuse) == .apiError(status: 503, text: "node not synced"))
    }

    @Test func answersHTML() async throws {
        #expect(try await failure(of: .html) == .notJSON)
    }

    @Test func answersHalfAJSON() async throws {
        #expect(try await failure(of: .halfJSON) == .truncated)
    }

    @Test func answersWithoutEnd() async throws {
        guard case .tooLarge = try await failure(of: .endless) else {
            Issue.record("an endless answer was taken for something else")
            return
        }
    }

    @Test func stallsAndTrickles() async throws {
        var impatient = NodeClientConfiguration()
        impatient.deadline = .milliseconds(300)
        // Which of its limits the client names is its own affair.
        let tooLate: [NodeError.Kind?] = [.timedOut, .stalled]
        let stalling = try await failure(of: .stall, client: impatient)
        #expect(tooLate.contains(stalling))
        let trickling = try await failure(of: .slow(pause: .milliseconds(20)), client: impatient)
        #expect(tooLate.contains(trickling))
        // Slow is not wrong.
        #expect(try await failure(of: .slow(pause: .zero)) == nil)
    }

    @Test func leavesTrytesOut() async throws {
        try await ask(.fewerTrytes) { client, _, hashes in
            let error = await #expect(throws: NodeError.self) {
                try await client.transactions(hashes)
            }
            #expect(error?.kind == .tooFewTrytes(asked: 3, received: 2))
        }
    }

    @Test func answersOtherTrytes() async throws {
        try await ask(.wrongTrytes) { client, here, hashes in
            #expect(try await client.findTransactions(addresses: [here]).hashes == hashes)
            let lookup = try await client.transactions(hashes)
            #expect(lookup.found.isEmpty)
            #expect(Set(lookup.refused.keys) == Set(hashes))
        }
    }

    @Test func cutsHashes() async throws {
        try await ask(.cutHashes(2)) { client, here, hashes in
            let found = try await client.findTransactions(addresses: [here]).hashes
            #expect(found == Array(hashes.prefix(2)))
        }
    }

    @Test func misbehavesForTheCommandsChosen() async throws {
        try await withServer { server, client in
            server.misbehave { $0 == "findTransactions" ? .html : nil }
            _ = try await client.nodeInfo()
            await #expect(throws: NodeError.self) {
                try await client.findTransactions(addresses: [try address("A")])
            }
        }
    }
}
