import HTTPServer
import LocalTangle
import MAM
import NodeClient
import Tangle
import Ternary
import TestSupport
import Testing

/// The node behind its socket, asked by this project's own client.
@Suite struct ServerTests {
    @Test func servesWhatWasRecorded() async throws {
        let ledger = try recordedLedger()
        try await withServer(LocalNode(ledger: ledger)) { server, client in
            let info = try await client.nodeInfo()
            #expect(info.latestMilestoneIndex == ledger.latestMilestone)
            let configuration = try await client.nodeAPIConfiguration()
            #expect(configuration.maxFindTransactions == 100_000)
            #expect(server.requestCount == 2)
        }
    }

    @Test func publishesAChannelThatIsReadAgainUntilItIsPruned() async throws {
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: "SEED9", count: 16) + "B"), mode: .restricted,
            sideKey: SideKey("SIDEKEY"))
        try await withServer { server, client in
            for text in ["first", String(repeating: "long ", count: 500)] {
                let written = try writer.write(text)
                try await publish(written, through: client)
                let found = try await client.findTransactions(addresses: [written.address]).hashes
                let lookup = try await client.transactions(found)
                #expect(try read(lookup.found, written.root) == text)

                server.ledger.prune()
                let later = try await client.findTransactions(addresses: [written.address])
                #expect(later.hashes.isEmpty)
                #expect(try await client.transactions(found).unknown == Set(found))
            }
        }
    }

    private func publish(_ written: WrittenMessage, through client: NodeClient) async throws {
        let tips = try await client.transactionsToApprove(depth: 3)
        let bundle = try BundleBuilder.bundle(
            address: written.address, messageTrytes: written.payload, tag: try tag("DEMO"),
            timestamp: 1_600_000_000)
        let attached = try await client.attachToTangle(
            bundle.reversed(), trunk: tips.trunkTransaction, branch: tips.branchTransaction,
            minWeightMagnitude: 1)
        try await client.storeTransactions(attached)
        try await client.broadcastTransactions(attached)
        let states = try await client.inclusionStates(
            of: TransactionHashing.hashes(of: attached))
        #expect(states.count == bundle.count && states.values.allSatisfy { $0 })
    }

    /// The text of the only bundle among the transactions.
    private func read(_ transactions: [Hash: Transaction], _ root: Root) throws -> String? {
        let tail = try #require(transactions.first { $0.value.currentIndex == 0 }).key
        guard
            case .complete(let bundle) = BundleAssembly.assemble(
                tail: tail, lookup: { transactions[$0] })
        else { return nil }
        let request = ReadRequest(
            payload: bundle.messageTrytes, root: root, sideKey: try SideKey("SIDEKEY"))
        return try MessageReader.read([request], .full)[0].get().text
    }

    @Test func tellsThatAPortIsTaken() async throws {
        try await withServer { server, _ in
            #expect(throws: HTTPServerError.self) {
                try LocalTangleServer(port: server.port)
            }
        }
    }
}

/// Runs `body` against a server, and stops it whatever comes.
func withServer(
    _ node: LocalNode = LocalNode(), client: NodeClientConfiguration = NodeClientConfiguration(),
    _ body: (LocalTangleServer, NodeClient) async throws -> Void
) async throws {
    let server = try LocalTangleServer(node: node)
    let result: Result<Void, any Error>
    do {
        try await body(
            server, NodeClient(endpoint: NodeEndpoint(server.url), configuration: client))
        result = .success(())
    } catch {
        result = .failure(error)
    }
    await server.shutdown(grace: .zero)
    try result.get()
}
