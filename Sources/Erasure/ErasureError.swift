import Failures
import Vault

/// What keeps a forget from being finished.
package enum ErasureError: Failure, Equatable {
    /// Rows or keys are still there after everything was done to remove them.
    case notGone(request: ChannelNumber, rows: Int, keys: Int)
    /// The database belongs to another key ring than the one in use; their identifiers.
    case otherRing(database: String, own: String)

    package var code: String {
        switch self {
        case .notGone: "erasure.not-gone"
        case .otherRing: "erasure.other-ring"
        }
    }

    package var operation: String {
        switch self {
        case .notGone: "forget"
        case .otherRing: "compare the database with the forget log"
        }
    }

    package var subject: String? {
        switch self {
        case .notGone(let request, _, _): request.text
        case .otherRing(let database, _): database
        }
    }

    package var retryable: Bool {
        switch self {
        case .notGone: true
        case .otherRing: false
        }
    }

    package var publicText: String {
        switch self {
        case .notGone: "the forget is not finished"
        case .otherRing: "the database and the key ring do not belong together"
        }
    }

    package var operatorText: String {
        switch self {
        case .notGone(_, let rows, let keys):
            "after the deletion \(rows) rows and \(keys) keys are still there"
        case .otherRing(let database, let own):
            "the database belongs to the key ring \(database), and PERMANODE_KEYRING is \(own):"
                + " set the one or the other right"
        }
    }
}
