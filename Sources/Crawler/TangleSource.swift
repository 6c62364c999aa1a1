import Tangle
import Ternary

/// What is at an address, as far as a source tells.
package struct Sighting: Sendable, Equatable {
    package var hashes: [Hash]
    /// The source cut its answer off: there may be more.
    package var mayBeIncomplete: Bool
    /// Those of the transactions that the source had to fetch to tell: they need not be asked for.
    package var transactions: [Hash: Transaction]

    package init(
        hashes: [Hash], mayBeIncomplete: Bool = false, transactions: [Hash: Transaction] = [:]
    ) {
        self.hashes = hashes
        self.mayBeIncomplete = mayBeIncomplete
        self.transactions = transactions
    }
}

/// A way to what a list of an address hides that was cut.
package enum Trail: Sendable, Equatable {
    /// The transactions of these bundles.
    case bundles([Hash])
    /// The transactions that have one of these as trunk or branch: of a bundle's transaction, the
    /// one before it.
    case approvees([Hash])
}

/// Where transactions come from. It may withhold, never forge: what it gives was hashed and is what
/// was asked for.
///
/// Every call may throw any error, which means that the source cannot be reached or does
/// not answer as it should; nothing is concluded from that about a channel.
package protocol TangleSource: Sendable {
    /// The hashes of the transactions that bear an address.
    func sighting(at address: Hash) async throws -> Sighting

    /// How many addresses are best asked for together; 1 where that saves nothing.
    var addressesTogether: Int { get }

    /// Whether so much lies at an address that it is better asked for alone.
    func isCrowded(_ address: Hash) -> Bool

    /// The same as `sighting` for several addresses, in their order.
    func sightings(at addresses: [Hash]) async throws -> [Sighting]

    /// The hashes of the transactions that a trail leads to. Empty where the source has no such way.
    func transactions(along trail: Trail) async throws -> [Hash]

    /// Transactions by hash; those the source does not have are left out.
    func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction]

    /// Those of the transactions that the ledger confirmed, with the milestone where the
    /// source tells it; unknown ones are not among them.
    func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?]
}

extension TangleSource {
    package var addressesTogether: Int { 1 }

    package func isCrowded(_ address: Hash) -> Bool { false }

    package func transactions(along trail: Trail) async throws -> [Hash] { [] }

    package func sightings(at addresses: [Hash]) async throws -> [Sighting] {
        var sightings: [Sighting] = []
        for address in addresses { sightings.append(try await sighting(at: address)) }
        return sightings
    }
}
