import Synchronization
import Tangle
import Ternary

/// Several nodes as one: asks the healthiest, goes to the next where one fails, asks a second one
/// where the first is slow, and lets failing ones cool down. Requests under way are bounded by
/// `NodeClientConfiguration.maximumInFlight` for each node.
///
/// Calls throw the last node's `NodeError`, or `CancellationError`.
package final class NodePool: Sendable {
    /// More than anybody runs; lookups may ask every node.
    package static let maximumNodes = 16

    /// In the order of the endpoints, each once.
    package let clients: [NodeClient]
    private let maximumHashes: Int
    let policy: NodeSelection.Policy
    let selection: Mutex<NodeSelection>
    let deeds: Mutex<[NodeDeeds]>
    let census: Mutex<NodeCensus>
    /// Second questions under way.
    let hedges = Mutex(0)
    let start = ContinuousClock.now

    /// - Throws: `NodeError` of kind `invalidEndpoint` for no node, or more than `maximumNodes`.
    package init(
        endpoints: [NodeEndpoint], configuration: NodeClientConfiguration = .init(),
        policy: NodeSelection.Policy = .init(), census: NodeCensus.Policy = .init()
    ) throws(NodeError) {
        var distinct: [NodeEndpoint] = []
        for endpoint in endpoints where !distinct.contains(endpoint) { distinct.append(endpoint) }
        guard !distinct.isEmpty, distinct.count <= Self.maximumNodes else {
            throw NodeError(
                .invalidEndpoint("there must be 1 to \(Self.maximumNodes) nodes"),
                operation: "read the nodes' URLs", endpoint: nil)
        }
        let transport = CurlTransport()
        clients = distinct.map {
            NodeClient(endpoint: $0, configuration: configuration, transport: transport)
        }
        maximumHashes = configuration.maximumHashes
        self.policy = policy
        selection = Mutex(NodeSelection(nodeCount: distinct.count, policy: policy))
        deeds = Mutex(Array(repeating: NodeDeeds(), count: distinct.count))
        self.census = Mutex(NodeCensus(nodeCount: distinct.count, policy: census))
    }

    /// What is known of each node now.
    package var health: [(endpoint: NodeEndpoint, health: NodeSelection.Health)] {
        Array(zip(clients.map(\.endpoint), selection.withLock { $0.health }))
    }

    /// Runs `operation` against the best node, then against others while it fails for reasons that
    /// lie with the node, within the policy's attempts and waits. It may run more than once.
    package func perform<Value: Sendable>(
        _ operation: @escaping @Sendable (NodeClient) async throws -> Value
    ) async throws -> Value {
        try await answer(operation).value
    }

    /// Of one of the nodes. Throws as `perform`.
    package func nodeInfo() async throws -> NodeInfo {
        try await perform { try await $0.nodeInfo() }
    }

    /// As one of the nodes sees them. Throws as `perform`.
    package func inclusionStates(
        of transactions: [Hash], tips: [Hash] = []
    ) async throws -> [Hash: Bool] {
        try await perform { try await $0.inclusionStates(of: transactions, tips: tips) }
    }

    /// The hashes of transactions on any of these addresses.
    ///
    /// - Parameter joining: how many nodes to ask at the same time, their results joined: nodes
    ///   prune at different times and cut lists at different places. What did not answer stands in
    ///   `unanswered`; the call fails only where no node answers.
    package func findTransactions(
        addresses: [Hash], joining: Int = 1
    ) async throws -> FoundTransactions {
        try await find(addresses, joining) { try await $0.findTransactions(addresses: addresses) }
    }

    /// The hashes of transactions with any of these bundle hashes, joined as by address.
    package func findTransactions(
        bundles: [Hash], joining: Int = 1
    ) async throws -> FoundTransactions {
        try await find(bundles, joining) { try await $0.findTransactions(bundles: bundles) }
    }

    /// The hashes of transactions with any of these as trunk or branch, joined as by address.
    package func findTransactions(
        approvees: [Hash], joining: Int = 1
    ) async throws -> FoundTransactions {
        try await find(approvees, joining) { try await $0.findTransactions(approvees: approvees) }
    }

    private func find(
        _ values: [Hash], _ joining: Int,
        _ operation: @escaping @Sendable (NodeClient) async throws -> FoundTransactions
    ) async throws -> FoundTransactions {
        var errors: [NodeError] = []
        if joining > 1 {
            let answers = try await askAtOnce(joining, operation)
            var collection = HashCollection(limit: maximumHashes)
            var incomplete: Set<Hash> = []
            for (_, answer) in answers {
                switch answer {
                case .success(let found):
                    incomplete.formUnion(found.incomplete)
                    if !collection.add(found.hashes) { incomplete.formUnion(values) }
                case .failure(let error): errors.append(error)
                }
            }
            note(answers, of: collection.hashes.count)
            if errors.count < answers.count {
                return FoundTransactions(
                    hashes: collection.hashes, incomplete: incomplete, unanswered: errors)
            }
        }
        let found = try await perform(operation)
        return FoundTransactions(
            hashes: found.hashes, incomplete: found.incomplete, unanswered: errors)
    }

    /// The transactions with these hashes; what one node does not have or answers wrongly is asked
    /// of the others.
    package func transactions(_ hashes: [Hash]) async throws -> TransactionLookup {
        let first = try await answer(judging: { $0.refused.isEmpty }) {
            try await $0.transactions(hashes)
        }
        var lookup = first.value
        noteRefused(lookup, by: first.node)
        var asked: Set<Int> = [first.node]
        while !lookup.missing.isEmpty, let node = take(excluding: asked) {
            asked.insert(node)
            let missing = Array(lookup.missing)
            do {
                let more = try await ask(node, judging: { $0.refused.isEmpty }) {
                    try await $0.transactions(missing)
                }
                noteRefused(more, by: node)
                lookup.add(more.found)
            } catch is NodeError {
                // The first node's answer stands; this one's illness is noted in its health.
            }
        }
        return lookup
    }
}

extension TransactionLookup {
    /// What was asked for and is not there.
    package var missing: Set<Hash> { unknown.union(refused.keys) }

    /// Moves what another node had to `found`.
    fileprivate mutating func add(_ more: [Hash: Transaction]) {
        for (hash, transaction) in more {
            unknown.remove(hash)
            refused[hash] = nil
            found[hash] = transaction
        }
    }
}
