import Crawler
import Synchronization
import Tangle
import Ternary

/// Which addresses transactions bear, as far as it was learnt. All of it may be dropped at any time:
/// it is asked for again then, and is whenever something was forgotten since the last use, which may
/// be one of these addresses. A lock instead of an actor, because each use is short.
final class SightedAddresses: Sendable {
    /// Hashes with their addresses: some 20 MB.
    static let addressLimit = 100_000

    /// Addresses with so much on them that they are asked for alone.
    static let crowdedLimit = 1_000

    private struct State {
        /// Read off the transactions.
        var addresses: [Hash: Hash] = [:]
        /// Where lists named transactions that were not given.
        var claimed: [Hash: Hash] = [:]
        var crowded: Set<Hash> = []
        var forgets: UInt64 = 0
    }

    private let state = Mutex(State())
    private let forgets: @Sendable () -> UInt64

    /// - Parameter forgets: a number that every forget changes.
    init(forgets: @escaping @Sendable () -> UInt64) { self.forgets = forgets }

    private func withState<Value>(_ body: (inout State) -> Value) -> Value {
        let now = forgets()
        return state.withLock { state in
            if state.forgets != now { state = State(forgets: now) }
            return body(&state)
        }
    }

    /// Those whose address is not known; where a list claimed one, too, because the list may be wrong.
    func unknown(_ hashes: [Hash]) -> [Hash] {
        withState { state in hashes.filter { state.addresses[$0] == nil } }
    }

    /// The addresses in the order of the hashes; nil where one of them is not known.
    ///
    /// - Parameters:
    ///   - given: transactions to learn from first.
    ///   - mark: as of `learn`.
    func addresses(
        of hashes: [Hash], learning given: [Hash: Transaction], since mark: UInt64
    ) -> [Hash]? {
        withState { state in
            var known: [Hash] = []
            known.reserveCapacity(hashes.count)
            var learnt: [(Hash, Hash)] = []
            for hash in hashes {
                if let address = given[hash]?.address {
                    learnt.append((hash, address))
                    known.append(address)
                } else if let address = state.addresses[hash] ?? state.claimed[hash] {
                    known.append(address)
                }
            }
            if state.addresses.count + learnt.count > Self.addressLimit { state.addresses = [:] }
            if state.forgets == mark {
                for (hash, address) in learnt {
                    state.addresses[hash] = address
                    state.claimed[hash] = nil
                }
            }
            return known.count == hashes.count ? known : nil
        }
    }

    /// What tells whether something was forgotten between a question and its answer.
    var mark: UInt64 { forgets() }

    /// Notes what lists named at each address; of crowded ones nothing. It is gone by only for what
    /// nobody gives.
    ///
    /// - Parameter mark: before the nodes were asked; nothing is noted where something was
    ///   forgotten since.
    func learn(_ sightings: [Hash: Sighting], since mark: UInt64) {
        withState { state in
            guard state.forgets == mark else { return }
            for (address, sighting) in sightings where !state.crowded.contains(address) {
                if state.claimed.count + sighting.hashes.count > Self.addressLimit {
                    state.claimed = [:]
                }
                for hash in sighting.hashes where state.addresses[hash] == nil {
                    state.claimed[hash] = address
                }
            }
        }
    }

    func isCrowded(_ address: Hash) -> Bool {
        withState { $0.crowded.contains(address) }
    }

    func note(_ address: Hash, isCrowded: Bool) {
        withState { state in
            guard isCrowded else {
                state.crowded.remove(address)
                return
            }
            if state.crowded.count >= Self.crowdedLimit { state.crowded = [] }
            state.crowded.insert(address)
        }
    }
}
