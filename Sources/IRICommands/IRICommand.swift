import Tangle
import Ternary

/// A request to a node, read and checked (tangle, *IRI's HTTP API*).
package enum IRICommand: Sendable, Equatable {
    case getNodeInfo
    case getNodeAPIConfiguration
    case findTransactions(TransactionQuery)
    case getTrytes([Hash])
    case getInclusionStates([Hash])
    case getTransactionsToApprove
    case attachToTangle(AttachRequest)
    case interruptAttachingToTangle
    case storeTransactions([Transaction])
    case broadcastTransactions([Transaction])
    case wereAddressesSpentFrom([Hash])
    case checkConsistency(tails: [Hash])

    /// As a request names it.
    package var name: String {
        switch self {
        case .getNodeInfo: "getNodeInfo"
        case .getNodeAPIConfiguration: "getNodeAPIConfiguration"
        case .findTransactions: "findTransactions"
        case .getTrytes: "getTrytes"
        case .getInclusionStates: "getInclusionStates"
        case .getTransactionsToApprove: "getTransactionsToApprove"
        case .attachToTangle: "attachToTangle"
        case .interruptAttachingToTangle: "interruptAttachingToTangle"
        case .storeTransactions: "storeTransactions"
        case .broadcastTransactions: "broadcastTransactions"
        case .wereAddressesSpentFrom: "wereAddressesSpentFrom"
        case .checkConsistency: "checkConsistency"
        }
    }

    /// Commands that IRI has and that are offered nowhere here.
    static let notOffered: Set<String> = [
        "addNeighbors", "removeNeighbors", "getNeighbors", "getBalances", "getTips",
        "getMissingTransactions",
    ]
}

/// What `attachToTangle` is asked for.
package struct AttachRequest: Sendable, Equatable {
    package let trunk: Hash
    package let branch: Hash
    /// Trailing zero trits, 0...`NodeLimits.maximumWeight`.
    package let weight: Int
    /// In any order.
    package let transactions: [Transaction]

    package init(trunk: Hash, branch: Hash, weight: Int, transactions: [Transaction]) {
        self.trunk = trunk
        self.branch = branch
        self.weight = weight
        self.transactions = transactions
    }
}
