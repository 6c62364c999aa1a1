import Tangle

/// What one request may ask for. The defaults are IRI's (tangle, *IRI's HTTP API*).
package struct NodeLimits: Sendable, Hashable {
    /// Hashes in an answer of `findTransactions`.
    package var findTransactions = 100_000
    /// Hashes in a `getTrytes`; IRI's limit on lists comes first, as it does there.
    package var getTrytes = 10_000
    /// Elements of any list in a request.
    package var requestsList = 1_000
    /// Characters (UTF-16 code units, as IRI counts) of a body.
    package var bodyLength = 1_000_000
    /// Milestones that `getTransactionsToApprove` may go back.
    package var depth = 15
    /// Trailing zero trits that a stored transaction's hash must have, and that
    /// `attachToTangle` works for where the request does not say.
    package var minimumWeight = 1
    /// The most trailing zero trits `attachToTangle` works for, each three times the work of
    /// the one before; the mainnet wants 14. At most `Attachment.maximumWeightMagnitude`.
    package var maximumWeight = Attachment.maximumWeightMagnitude

    package init() {}
}
