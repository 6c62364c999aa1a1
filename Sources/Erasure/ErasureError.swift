import Failures
import Vault

/// What keeps a forget from being finished.
package enum ErasureError: Failure, Equatable {
    /// Rows or keys are still there after everything was done to remove them.
    case notGone(request: ChannelNumber, rows: Int, keys: Int)

    package var code: String { "erasure.not-gone" }

    package var operation: String { "forget" }

    package var subject: String? {
        switch self {
        case .notGone(let request, _, _): request.text
        }
    }

    package var retryable: Bool { true }

    package var publicText: String { "the forget is not finished" }

    package var operatorText: String {
        switch self {
        case .notGone(_, let rows, let keys):
            "after the deletion \(rows) rows and \(keys) keys are still there"
        }
    }
}
