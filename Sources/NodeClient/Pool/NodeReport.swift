import Synchronization
import Tangle
import Ternary

/// What a node did that others did not, since the pool was made.
package struct NodeDeeds: Sendable, Equatable {
    /// Hashes that another node named when both were asked: it pruned or lost them, did not get
    /// them yet, or withholds them.
    package internal(set) var lacking = 0
    /// Transactions that it answered with another hash than was asked for, or malformed.
    package internal(set) var refused = 0
    /// Lists that it cut, or may have cut.
    package internal(set) var cut = 0

    package init() {}
}

/// What is known of one node now.
package struct NodeReport: Sendable {
    package let endpoint: NodeEndpoint
    package let health: NodeSelection.Health
    package let standing: NodeStanding
    package let deeds: NodeDeeds
    /// Of its answers of late.
    package let latency: Duration
}

extension NodePool {
    /// A look is given up after this, whichever nodes did not answer yet; the next one follows soon.
    private static let lookDeadline: Duration = .seconds(10)

    private enum Look: Sendable {
        case at(Int, NodeInfo?)
        case timeIsUp
    }

    /// Asks every node how far it is, and keeps to the limits it tells.
    package func look() async -> [NodeReport] {
        let answers = await withTaskGroup(of: Look.self) { group in
            for (node, client) in clients.enumerated() {
                group.addTask {
                    guard let info = try? await client.nodeInfo() else { return .at(node, nil) }
                    // Not all have this command: what is configured stands then.
                    if let told = try? await client.nodeAPIConfiguration() {
                        client.keep(to: told)
                    }
                    return .at(node, info)
                }
            }
            group.addTask {
                try? await Task.sleep(for: Self.lookDeadline)
                return .timeIsUp
            }
            var answers = [NodeInfo?](repeating: nil, count: clients.count)
            var left = clients.count
            for await look in group {
                switch look {
                case .at(let node, let info):
                    answers[node] = info
                    left -= 1
                    if left == 0 { group.cancelAll() }
                case .timeIsUp: group.cancelAll()
                }
            }
            return answers
        }
        let standings = census.withLock { $0.take(answers) }
        selection.withLock { $0.note(standings) }
        return reports(standings)
    }

    private func reports(_ standings: [NodeStanding]) -> [NodeReport] {
        let (health, latency) = selection.withLock { ($0.health, $0.latency) }
        let deeds = deeds.withLock { $0 }
        return clients.indices.map {
            NodeReport(
                endpoint: clients[$0].endpoint, health: health[$0], standing: standings[$0],
                deeds: deeds[$0], latency: latency[$0])
        }
    }

    /// What several nodes found, of which all together have `total`.
    func note(
        _ answers: [(node: Int, answer: Result<FoundTransactions, NodeError>)], of total: Int
    ) {
        deeds.withLock { deeds in
            for (node, answer) in answers {
                guard case .success(let found) = answer else { continue }
                if found.mayBeIncomplete { deeds[node].cut += 1 }
                deeds[node].lacking += total - found.hashes.count
            }
        }
    }

    func noteRefused(_ lookup: TransactionLookup, by node: Int) {
        guard !lookup.refused.isEmpty else { return }
        deeds.withLock { $0[node].refused += lookup.refused.count }
    }
}
