import Crawler
import Synchronization
import Tangle
import Ternary

/// Which addresses transactions bear, as far as it was learnt. All of it may be dropped at any time:
/// it is asked for again then. A lock instead of an actor, because each use is short.
final class SightedAddresses: Sendable {
    /// Hashes with their addresses: some 20 MB.
    static let addressLimit = 100_000

    /// Addresses with so much on them that they are asked for alone.
    static let crowdedLimit = 1_000

    private struct State {
        var addresses: [Hash: Hash] = [:]
        var crowded: Set<Hash> = []
    }

    private let state = Mutex(State())

    /// Those whose address is not known.
    func unknown(_ hashes: [Hash]) -> [Hash] {
        state.withLock { state in hashes.filter { state.addresses[$0] == nil } }
    }

    /// The addresses in the order of the hashes; nil where one of them is not known.
    ///
    /// - Parameter given: transactions to learn from first.
    func addresses(of hashes: [Hash], learning given: [Hash: Transaction]) -> [Hash]? {
        state.withLock { state in
            var known: [Hash] = []
            known.reserveCapacity(hashes.count)
            var learnt: [(Hash, Hash)] = []
            for hash in hashes {
                if let address = given[hash]?.address {
                    learnt.append((hash, address))
                    known.append(address)
                } else if let address = state.addresses[hash] {
                    known.append(address)
                }
            }
            if state.addresses.count + learnt.count > Self.addressLimit { state.addresses = [:] }
            for (hash, address) in learnt { state.addresses[hash] = address }
            return known.count == hashes.count ? known : nil
        }
    }

    /// Notes what was found at each address; of crowded ones nothing.
    func learn(_ sightings: [Hash: Sighting]) {
        state.withLock { state in
            for (address, sighting) in sightings where !state.crowded.contains(address) {
                if state.addresses.count + sighting.hashes.count > Self.addressLimit {
                    state.addresses = [:]
                }
                for hash in sighting.hashes { state.addresses[hash] = address }
            }
        }
    }

    func isCrowded(_ address: Hash) -> Bool {
        state.withLock { $0.crowded.contains(address) }
    }

    func note(_ address: Hash, isCrowded: Bool) {
        state.withLock { state in
            guard isCrowded else {
                state.crowded.remove(address)
                return
            }
            if state.crowded.count >= Self.crowdedLimit { state.crowded = [] }
            state.crowded.insert(address)
        }
    }
}
