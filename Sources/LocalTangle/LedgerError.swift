import Failures

/// Why the ledger took nothing in.
package enum LedgerError: Failure, Equatable {
    /// It would hold more than `capacity` transactions.
    case full(capacity: Int)

    package var code: String { "local-tangle.full" }
    package var operation: String { "store transactions" }

    package var publicText: String {
        switch self {
        case .full(let capacity):
            "the ledger holds at most \(capacity) transactions; prune it to make room"
        }
    }
}
