import Synchronization
import Ternary

/// Which transactions nodes' feeds named at which addresses, whether anybody follows them or not: so
/// that a message is known by its hash before spam at its address fills the lists that nodes cut.
/// Bounded and forgetful, with a share for each feed, so that none drives out what another said; a
/// lock instead of an actor, because each use is short.
package final class FeedHints: Sendable {
    /// Transactions of all feeds together: some ten minutes of a busy ledger, and 20 to 30 MB.
    package static let limit = 80_000

    /// Transactions of one address, the first that came: the message was there before its spam,
    /// or its reattachments come later.
    package static let perAddress = 16

    private struct Share {
        var hashes: [Hash: [Hash]] = [:]
        /// The address of each transaction, in the order they were heard of; a ring once it is full.
        var order: [Hash] = []
        var oldest = 0

        mutating func note(_ hash: Hash, at address: Hash, limit: Int) {
            if let known = hashes[address] {
                guard known.count < FeedHints.perAddress, !known.contains(hash) else { return }
            }
            if order.count < limit {
                order.append(address)
            } else {
                forgetOldest(of: order[oldest])
                order[oldest] = address
                oldest = (oldest + 1) % limit
            }
            hashes[address, default: []].append(hash)
        }

        private mutating func forgetOldest(of address: Hash) {
            hashes[address]?.removeFirst()
            if hashes[address]?.isEmpty == true { hashes[address] = nil }
        }
    }

    private let limitOfEach: Int
    private let shares: Mutex<[Share]>

    /// - Parameter feeds: how many there are.
    package init(feeds: Int = 1) {
        limitOfEach = Self.limit / max(1, feeds)
        shares = Mutex(Array(repeating: Share(), count: max(1, feeds)))
    }

    /// - Parameter feed: which of the feeds said so, from 0 on.
    package func note(_ hash: Hash, at address: Hash, feed: Int = 0) {
        shares.withLock { $0[feed].note(hash, at: address, limit: limitOfEach) }
    }

    /// Each once, those of a feed in the order they were heard of.
    package func hashes(at address: Hash) -> [Hash] {
        var known: Set<Hash> = []
        return shares.withLock { shares in
            shares.flatMap { $0.hashes[address] ?? [] }.filter { known.insert($0).inserted }
        }
    }
}
