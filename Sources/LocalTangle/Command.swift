import Tangle
import Ternary

/// A request to the node, read and checked (tangle, *IRI's HTTP API*).
package enum Command: Sendable, Equatable {
    case getNodeInfo
    case getNodeAPIConfiguration
    case findTransactions(LedgerQuery)
    case getTrytes([Hash])
    case getInclusionStates([Hash])
    case getTransactionsToApprove
    case attachToTangle(AttachRequest)
    /// Does nothing here: work that began is done.
    case interruptAttachingToTangle
    case storeTransactions([Transaction])
    case broadcastTransactions([Transaction])
    case wereAddressesSpentFrom([Hash])
    case checkConsistency(tails: [Hash])
    /// Not IRI's: forgets every transaction, as a node does at a snapshot. `{"command":
    /// "pruneLedger"}` from a loopback address only; the answer says how many in `pruned`.
    case pruneLedger

    /// Commands that IRI has and this node does not offer.
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
}
