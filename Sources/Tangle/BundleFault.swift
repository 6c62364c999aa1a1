import Failures

/// Why transactions are no valid bundle. No later transaction can change it.
///
/// Positions count from the tail, which is 0.
package enum BundleFault: Failure, Hashable {
    case empty
    /// The transaction to start from does not have index 0.
    case notATail(index: Int64)
    case negativeLastIndex(Int64)
    /// More than `Bundle.maximumTransactions`.
    case tooManyTransactions(lastIndex: Int64)
    /// Fewer or more transactions than the last index says.
    case wrongCount(expected: Int64, actual: Int)
    /// The trunk leads to a transaction with another index: of another bundle, or of a cycle.
    case wrongIndex(position: Int, index: Int64)
    case differingLastIndex(position: Int)
    case differingBundleHash(position: Int)
    /// The trunk is not the hash of the next transaction.
    case wrongTrunk(position: Int)
    /// A value of more than 33 trits.
    case unreadableValue(position: Int)
    /// A value on an address whose last trit is not 0.
    case valueOnCurlAddress(position: Int)
    /// The values up to here sum to more than the supply.
    case valueBeyondSupply(position: Int)
    case unbalancedValues
    /// The essence does not give the bundle hash.
    case wrongBundleHash

    package var code: String { "tangle.invalid-bundle" }

    package var operation: String { "validate bundle" }

    package var publicText: String {
        switch self {
        case .empty: "the bundle has no transaction"
        case .notATail(let index): "the bundle starts at index \(index) instead of 0"
        case .negativeLastIndex(let index): "the last index is \(index)"
        case .tooManyTransactions(let index):
            "the last index is \(index), \(Bundle.maximumTransactions) transactions are allowed"
        case .wrongCount(let expected, let actual):
            "the bundle says it has \(expected) transactions, there are \(actual)"
        case .wrongIndex(let position, let index):
            "the transaction at \(position) has the index \(index)"
        case .differingLastIndex(let position):
            "the last index of transaction \(position) is not that of the first"
        case .differingBundleHash(let position):
            "the bundle hash of transaction \(position) is not that of the first"
        case .wrongTrunk(let position):
            "the trunk of transaction \(position) is not the next one's hash"
        case .unreadableValue(let position): "the value at \(position) is too large"
        case .valueOnCurlAddress(let position):
            "the address at \(position) cannot hold a value"
        case .valueBeyondSupply(let position):
            "the values up to \(position) sum to more than the supply"
        case .unbalancedValues: "the values do not sum to 0"
        case .wrongBundleHash: "the transactions do not give the bundle hash"
        }
    }
}
