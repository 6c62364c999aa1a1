import Failures

/// What keeps bytes or characters from being trits.
package enum TernaryError: Failure, Hashable {
    /// A character outside `9A-Z`; the character itself is not told, it may be of a secret.
    case notATryte(offset: Int)
    case wrongLength(expected: Int, actual: Int)
    /// A byte of t5b1 outside -121...121.
    case notFiveTrits(offset: Int)
    /// Trits beyond the stated length that are not 0.
    case excessTrits
    /// A balanced integer that does not fit 64 bits.
    case integerOverflow

    package var code: String {
        switch self {
        case .notATryte: "ternary.not-a-tryte"
        case .wrongLength: "ternary.wrong-length"
        case .notFiveTrits: "ternary.not-five-trits"
        case .excessTrits: "ternary.excess-trits"
        case .integerOverflow: "ternary.integer-overflow"
        }
    }

    package var operation: String { "read trytes" }

    package var publicText: String {
        switch self {
        case .notATryte(let offset): "the character at \(offset) is none of 9A-Z"
        case .wrongLength(let expected, let actual):
            "\(expected) were expected, there are \(actual)"
        case .notFiveTrits(let offset): "the byte at \(offset) stands for no five trits"
        case .excessTrits: "there are trits that are not 0 beyond the end"
        case .integerOverflow: "the number does not fit 64 bits"
        }
    }
}
