import Ternary

/// What a node's own words, held against those of the others, tell of it.
package struct NodeStanding: Sendable, Equatable {
    /// Whether a node is worth asking.
    package enum Place: String, Sendable, CaseIterable {
        /// Was not looked at yet, or tells no milestone.
        case unknown
        case inStep = "in-step"
        /// Its newest milestone is older than the others': what is new it does not have.
        case behind
        /// Its newest milestone is older than it was: it was put back to an earlier state.
        case rolledBack = "rolled-back"
        /// It follows another coordinator: what it has is of another ledger.
        case otherNetwork = "other-network"

        /// Asked in this order; nil: not at all.
        var preference: Int? {
            switch self {
            case .unknown, .inStep: 0
            case .behind, .rolledBack: 1
            case .otherNetwork: nil
            }
        }
    }

    package var place = Place.unknown
    /// The newest milestone whose whole past it says to have.
    package internal(set) var milestone: Int?
    /// Milestones it is behind the middle one of its network's nodes, of two the earlier one;
    /// below 0 where it is ahead.
    package internal(set) var lag: Int?

    package init() {}
}

/// Judges nodes by what they say of themselves: a value without clocks or sockets.
///
/// None is believed alone. What is held against a node's milestone is the middle one of all of its
/// network, so that one that claims to be far ahead puts nobody else behind; and none is of another
/// network unless more than half of them are of one, or an operator said which one is meant.
package struct NodeCensus: Sendable {
    /// What counts as behind, put back or foreign.
    package struct Policy: Sendable {
        /// Milestones a node may be behind before others come first: some minutes.
        package var maximumLag = 5
        /// Milestones a node may lose before it counts as put back: nodes that restart lose a few.
        package var maximumLoss = 10
        /// The coordinator of the right network; nil: that of more than half of the nodes.
        package var coordinator: Hash?

        package init() {}
    }

    private let policy: Policy
    private var standings: [NodeStanding]
    private var highest: [Int?]
    private var coordinators: [Hash?]

    package init(nodeCount: Int, policy: Policy = .init()) {
        self.policy = policy
        standings = Array(repeating: .init(), count: nodeCount)
        highest = Array(repeating: nil, count: nodeCount)
        coordinators = Array(repeating: nil, count: nodeCount)
    }

    /// Takes in a round of answers, one for each node; of a node that gave none, what it told
    /// before stands.
    package mutating func take(_ answers: [NodeInfo?]) -> [NodeStanding] {
        for (node, answer) in zip(standings.indices, answers) {
            guard let answer else { continue }
            // What it told of another network says nothing of this one.
            if coordinators[node] != answer.coordinatorAddress { highest[node] = nil }
            coordinators[node] = answer.coordinatorAddress
            let tellsSolid = answer.latestSolidSubtangleMilestoneIndex != nil
            standings[node].milestone = tellsSolid ? answer.solidMilestone : answer.newestMilestone
        }
        let network = network
        let isForeign = coordinators.map { $0 != nil && network != nil && $0 != network }
        let milestones = standings.indices
            .filter { !isForeign[$0] }.compactMap { standings[$0].milestone }.sorted()
        let middle = milestones.isEmpty ? nil : milestones[(milestones.count - 1) / 2]
        for node in standings.indices {
            standings[node].lag = nil
            if isForeign[node] {
                standings[node].place = .otherNetwork
                continue
            }
            guard let milestone = standings[node].milestone, let middle else {
                standings[node].place = .unknown
                continue
            }
            standings[node].lag = middle - milestone
            let best = highest[node] ?? milestone
            highest[node] = max(best, milestone)
            standings[node].place =
                if best - milestone > policy.maximumLoss {
                    .rolledBack
                } else if middle - milestone > policy.maximumLag {
                    .behind
                } else {
                    .inStep
                }
        }
        return standings
    }

    private var network: Hash? {
        if let coordinator = policy.coordinator { return coordinator }
        var counts: [Hash: Int] = [:]
        for case let coordinator? in coordinators { counts[coordinator, default: 0] += 1 }
        let told = counts.values.reduce(0, +)
        return counts.first { 2 * $0.value > told }?.key
    }
}
