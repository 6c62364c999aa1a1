import IRICommands
import Tangle
import Ternary

/// Puts messages on a ledger as a device does through a node: bundle, proof of work, store.
package struct Publisher: Sendable {
    package let ledger: Ledger
    /// Trailing zero trits of each transaction.
    package let weight: Int
    private let proofOfWork = ProofOfWork()

    package init(ledger: Ledger, weight: Int = 1) {
        self.ledger = ledger
        self.weight = weight
    }

    /// Publishes `payload` in one bundle at `address`.
    /// - Parameters:
    ///   - payload: filled up with nines to whole fragments.
    ///   - time: milliseconds since 1970, for the bundle (in seconds) and the attachment.
    /// - Returns: the hashes in index order: the tail first.
    /// - Throws: `TangleError` for a payload or tag that is too long, `LedgerError`,
    ///   `CommandRefusal.busy`.
    @discardableResult
    package func publish(
        _ payload: Trytes, at address: Hash, tag: Trytes, time: Int64
    ) async throws -> [Hash] {
        let bundle = try BundleBuilder.bundle(
            address: address, messageTrytes: payload, tag: tag, timestamp: time / 1000)
        let request = AttachRequest(
            trunk: .null, branch: .null, weight: weight, transactions: bundle)
        let attached = try await proofOfWork.attach(request, timestamp: time)
        // Clients store the last index first, and nodes hand them out in that order.
        return try ledger.store(attached.reversed()).reversed()
    }
}
