import Tangle
import Ternary

/// What a node says of itself. Kinds and versions of nodes leave out different parts.
package struct NodeInfo: Decodable, Sendable {
    package let appName: String
    package let appVersion: String
    /// The hash of the newest milestone the node has heard of.
    package let latestMilestone: Hash?
    package let latestMilestoneIndex: Int?
    /// The newest milestone whose whole past the node has: the tip for `inclusionStates`.
    package let latestSolidSubtangleMilestone: Hash?
    package let latestSolidSubtangleMilestoneIndex: Int?
    package let lastSnapshottedMilestoneIndex: Int?
    /// Where the node's history begins.
    package let milestoneStartIndex: Int?
    /// Milliseconds since 1970.
    package let time: Int64?
    package let features: [String]?
    package let coordinatorAddress: Hash?

    /// Milestones that a node can have heard of; others are told in error, or to disturb.
    private static let credible = 0...Int(Int32.max)

    /// `latestMilestoneIndex`, where it can be one.
    package var newestMilestone: Int? {
        latestMilestoneIndex.flatMap { Self.credible.contains($0) ? $0 : nil }
    }

    /// `latestSolidSubtangleMilestoneIndex`, where it can be one.
    package var solidMilestone: Int? {
        latestSolidSubtangleMilestoneIndex.flatMap { Self.credible.contains($0) ? $0 : nil }
    }
}

/// The limits a node tells.
package struct NodeAPIConfiguration: Decodable, Sendable {
    package let maxFindTransactions: Int?
    package let maxRequestsList: Int?
    package let maxGetTrytes: Int?
    package let maxBodyLength: Int?
    package let milestoneStartIndex: Int?
}

/// Two transactions for a new one to approve.
package struct TransactionsToApprove: Decodable, Sendable {
    package let trunkTransaction: Hash
    package let branchTransaction: Hash
}

/// What `findTransactions` gave.
package struct FoundTransactions: Sendable, Equatable {
    /// Each once; what the node claims, unverified.
    package let hashes: [Hash]
    /// Of the addresses (or whatever was searched by) those that may have more: the list was as
    /// long as lists that Hornet cuts without a word, or `NodeClientConfiguration.maximumHashes`
    /// were reached and the rest was cut here.
    package let incomplete: Set<Hash>
    /// Errors of nodes that were asked too and did not answer; empty where one node was asked.
    package let unanswered: [NodeError]

    package init(
        hashes: [Hash] = [], incomplete: Set<Hash> = [], unanswered: [NodeError] = []
    ) {
        self.hashes = hashes
        self.incomplete = incomplete
        self.unanswered = unanswered
    }

    package var mayBeIncomplete: Bool { !incomplete.isEmpty }

    /// What both found; incomplete where either is.
    package func joined(with other: FoundTransactions) -> FoundTransactions {
        FoundTransactions(
            hashes: (hashes + other.hashes).deduplicated,
            incomplete: incomplete.union(other.incomplete),
            unanswered: unanswered + other.unanswered)
    }
}

/// What a node had for a list of hashes; every hash asked for is in exactly one part.
package struct TransactionLookup: Sendable {
    /// Every transaction here has the hash it stands under, recomputed.
    package internal(set) var found: [Hash: Transaction] = [:]
    /// The node does not have these (2,673 nines, or null).
    package internal(set) var unknown: Set<Hash> = []
    /// For these the node answered another transaction or none of the right size (`wrongHash`,
    /// `malformedTrytes`).
    package internal(set) var refused: [Hash: NodeError] = [:]

    package init() {}
}
