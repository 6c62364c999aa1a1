import Tangle
import Ternary

/// What is at an address, as far as a source tells.
package struct Sighting: Sendable, Equatable {
    package var hashes: [Hash]
    /// The source cut its answer off: there may be more.
    package var mayBeIncomplete: Bool

    package init(hashes: [Hash], mayBeIncomplete: Bool = false) {
        self.hashes = hashes
        self.mayBeIncomplete = mayBeIncomplete
    }
}

/// Where transactions come from. It may withhold, never forge: what `transactions` gives
/// was hashed and is what was asked for.
///
/// Every call may throw any error, which means that the source cannot be reached or does
/// not answer as it should; nothing is concluded from that about a channel.
package protocol TangleSource: Sendable {
    /// The hashes of the transactions that bear an address.
    func sighting(at address: Hash) async throws -> Sighting

    /// Transactions by hash; those the source does not have are left out.
    func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction]

    /// Those of the transactions that the ledger confirmed, with the milestone where the
    /// source tells it; unknown ones are not among them.
    func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?]
}
