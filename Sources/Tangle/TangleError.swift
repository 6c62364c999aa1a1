import Failures
import Ternary

/// What keeps trytes from being a transaction, or values from becoming one.
package enum TangleError: Failure, Hashable {
    /// Counted in trytes, or in bytes where the transaction came packed.
    case wrongLength(expected: Int, actual: Int)
    /// The bytes are no t5b1.
    case unreadable(TernaryError)
    /// More trytes than the field has.
    case fieldTooLong(TransactionLayout.Field, limit: Int)
    /// A number that does not fit its field.
    case numberOutOfRange(TransactionLayout.Field)
    /// A message that would take more transactions than `Bundle.maximumTransactions`.
    case messageTooLong(transactions: Int)
    /// Proof of work beyond `Attachment.maximumWeightMagnitude`, or below 0.
    case weightOutOfRange(Int)
    /// The proof of work was given up because the caller asked for that.
    case cancelled

    package var code: String {
        switch self {
        case .wrongLength: "tangle.wrong-length"
        case .unreadable: "tangle.unreadable"
        case .fieldTooLong: "tangle.field-too-long"
        case .numberOutOfRange: "tangle.number-out-of-range"
        case .messageTooLong: "tangle.message-too-long"
        case .weightOutOfRange: "tangle.weight-out-of-range"
        case .cancelled: "tangle.cancelled"
        }
    }

    package var operation: String {
        switch self {
        case .wrongLength, .unreadable: "read transaction"
        case .fieldTooLong, .numberOutOfRange, .messageTooLong: "write transaction"
        case .weightOutOfRange, .cancelled: "attach transaction"
        }
    }

    package var publicText: String {
        switch self {
        case .wrongLength(let expected, let actual):
            "a transaction of \(expected) was expected, there are \(actual)"
        case .unreadable(let error): error.publicText
        case .fieldTooLong(let field, let limit):
            "\(field) takes at most \(limit) trytes"
        case .numberOutOfRange(let field): "the number does not fit \(field)"
        case .messageTooLong(let transactions):
            "the message takes \(transactions) transactions,"
                + " at most \(Bundle.maximumTransactions) are allowed"
        case .weightOutOfRange(let weight):
            "the weight is \(weight), it must be 0 to \(Attachment.maximumWeightMagnitude)"
        case .cancelled: "the proof of work was given up"
        }
    }
}
