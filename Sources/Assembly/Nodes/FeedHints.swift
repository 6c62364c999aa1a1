import Synchronization
import Ternary

/// Which transactions nodes' feeds named at which addresses, whether anybody follows them or not: so
/// that a message is known by its hash before spam at its address fills the lists that nodes cut.
/// Bounded and forgetful; a lock instead of an actor, because each use is short.
package final class FeedHints: Sendable {
    /// Some twenty minutes of a busy ledger, and 10 to 20 MB.
    package static let addressLimit = 40_000

    /// Transactions of one address, the first that came: the message was there before its spam,
    /// or its reattachments come later.
    package static let perAddress = 32

    private struct State {
        var hashes: [Hash: [Hash]] = [:]
        /// Addresses in the order they were heard of; a ring once it is full.
        var order: [Hash] = []
        var oldest = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func note(_ hash: Hash, at address: Hash) {
        state.withLock { state in
            if let known = state.hashes[address] {
                guard known.count < Self.perAddress, !known.contains(hash) else { return }
                state.hashes[address]?.append(hash)
                return
            }
            if state.order.count < Self.addressLimit {
                state.order.append(address)
            } else {
                state.hashes[state.order[state.oldest]] = nil
                state.order[state.oldest] = address
                state.oldest = (state.oldest + 1) % Self.addressLimit
            }
            state.hashes[address] = [hash]
        }
    }

    /// In the order they were heard of.
    package func hashes(at address: Hash) -> [Hash] {
        state.withLock { $0.hashes[address] ?? [] }
    }
}
