import Tangle
import Ternary

/// What a node answers with status 200, before `duration` is added.
package enum Answer: Sendable, Equatable {
    case done
    case nodeInfo(NodeInfoAnswer)
    case limits(NodeLimits)
    case hashes([Hash])
    case trytes([Trytes])
    case states([Bool])
    case tips(trunk: Hash, branch: Hash)
    case consistency(state: Bool, info: String)
}

/// The fields of `getNodeInfo` that say something of what is no IRI.
package struct NodeInfoAnswer: Sendable, Equatable, Encodable {
    package let appName: String
    package let appVersion: String
    /// 81 nines: milestones are numbers here, not transactions.
    package let latestMilestone: Hash
    package let latestMilestoneIndex: Int
    package let latestSolidSubtangleMilestone: Hash
    package let latestSolidSubtangleMilestoneIndex: Int
    package let milestoneStartIndex: Int
    package let lastSnapshottedMilestoneIndex: Int
    package let neighbors: Int
    package let packetsQueueSize: Int
    /// Milliseconds since 1970.
    package let time: Int64
    package let tips: Int
    package let transactionsToRequest: Int
    package let features: [String]
    /// 81 nines: there is none.
    package let coordinatorAddress: Hash

    /// - Parameters:
    ///   - milestone: the latest index that is known.
    ///   - snapshot: the milestone before which nothing is held.
    ///   - time: milliseconds since 1970.
    package init(
        appName: String, appVersion: String, milestone: Int, snapshot: Int, time: Int64,
        features: [String]
    ) {
        self.appName = appName
        self.appVersion = appVersion
        latestMilestone = .null
        latestMilestoneIndex = milestone
        latestSolidSubtangleMilestone = .null
        latestSolidSubtangleMilestoneIndex = milestone
        milestoneStartIndex = 0
        lastSnapshottedMilestoneIndex = snapshot
        neighbors = 0
        packetsQueueSize = 0
        self.time = time
        tips = 0
        transactionsToRequest = 0
        self.features = features
        coordinatorAddress = .null
    }
}

extension Answer: Encodable {
    private enum Key: String, CodingKey {
        case hashes, trytes, states, trunkTransaction, branchTransaction, state, info
        case maxFindTransactions, maxRequestsList, maxGetTrytes, maxBodyLength
        case milestoneStartIndex
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        switch self {
        case .done: break
        case .nodeInfo(let info): try info.encode(to: encoder)
        case .limits(let limits):
            try container.encode(limits.findTransactions, forKey: .maxFindTransactions)
            try container.encode(limits.requestsList, forKey: .maxRequestsList)
            try container.encode(limits.getTrytes, forKey: .maxGetTrytes)
            try container.encode(limits.bodyLength, forKey: .maxBodyLength)
            try container.encode(0, forKey: .milestoneStartIndex)
        case .hashes(let hashes): try container.encode(hashes, forKey: .hashes)
        case .trytes(let trytes): try container.encode(trytes, forKey: .trytes)
        case .states(let states): try container.encode(states, forKey: .states)
        case .tips(let trunk, let branch):
            try container.encode(trunk, forKey: .trunkTransaction)
            try container.encode(branch, forKey: .branchTransaction)
        case .consistency(let state, let info):
            try container.encode(state, forKey: .state)
            try container.encode(info, forKey: .info)
        }
    }
}

extension Answer {
    /// What `getTrytes` gives for a hash that it does not know: 2,673 nines.
    package static let unknownTrytes = Trytes(
        validated: [UInt8](repeating: TryteAlphabet.nine, count: Transaction.tryteCount))
}
