import Tangle
import Ternary

/// What the node answers with status 200, before `duration` is added.
package enum Answer: Sendable, Equatable {
    case done
    case nodeInfo(LocalNodeInfo)
    case limits(NodeLimits)
    case hashes([Hash])
    case trytes([Trytes])
    case states([Bool])
    case tips(trunk: Hash, branch: Hash)
    case consistency(state: Bool, info: String)
    case pruned(Int)
}

/// The fields of `getNodeInfo` that say something here.
package struct LocalNodeInfo: Sendable, Equatable, Encodable {
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
    package let coordinatorAddress: Hash
}

extension Answer: Encodable {
    private enum Key: String, CodingKey {
        case hashes, trytes, states, trunkTransaction, branchTransaction, state, info, pruned
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
        case .pruned(let count): try container.encode(count, forKey: .pruned)
        }
    }
}
