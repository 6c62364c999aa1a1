import Crawler
import Failures
import Synchronization
import Tangle
import Ternary
import TestSupport

/// A source in memory, with the faults a ledger and its nodes have.
package final class MemoryTangle: TangleSource {
    package struct Unreachable: Failure {
        package let code = "test.unreachable"
        package let operation = "ask a node"
        package let publicText = "no node answers"
        package let retryable = true
    }

    private struct State {
        var transactions: [Hash: Transaction] = [:]
        var byAddress: [Hash: [Hash]] = [:]
        var hidden: Set<Hash> = []
        var confirmed: [Hash: Int32?] = [:]
        var reachable = true
        var answerLimit = Int.max
        var sightings = 0
        var fetched = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The recorded traffic of a real client, all of it.
    package static func recorded() throws -> MemoryTangle {
        let tangle = MemoryTangle()
        let recorded = try RecordedTangle()
        for hash in recorded.order {
            if let transaction = recorded.transactions[hash] {
                tangle.add(transaction, hash: hash)
            }
        }
        return tangle
    }

    package func add(_ transaction: Transaction, hash: Hash) {
        state.withLock { state in
            guard state.transactions.updateValue(transaction, forKey: hash) == nil else { return }
            state.byAddress[transaction.address, default: []].append(hash)
        }
    }

    package func add(_ bundle: [Transaction]) {
        for (transaction, hash) in zip(bundle, TransactionHashing.hashes(of: bundle)) {
            add(transaction, hash: hash)
        }
    }

    /// Where a transaction stands, hidden or not.
    package func address(of hash: Hash) -> Hash? {
        state.withLock { $0.transactions[hash]?.address }
    }

    /// Takes transactions out of sight until they are shown again.
    package func hide(_ hashes: some Sequence<Hash>) {
        state.withLock { $0.hidden.formUnion(hashes) }
    }

    package func show(_ hashes: some Sequence<Hash>) {
        state.withLock { $0.hidden.subtract(hashes) }
    }

    /// Forgets everything, as a snapshot does.
    package func prune() {
        state.withLock { state in
            state.transactions = [:]
            state.byAddress = [:]
        }
    }

    package func confirm(_ hashes: some Sequence<Hash>, milestone: Int32? = nil) {
        state.withLock { state in
            for hash in hashes { state.confirmed[hash] = .some(milestone) }
        }
    }

    package func setReachable(_ reachable: Bool) {
        state.withLock { $0.reachable = reachable }
    }

    /// Cuts the answers about an address off, as some nodes do.
    package func limitAnswers(to limit: Int) {
        state.withLock { $0.answerLimit = limit }
    }

    /// How often an address was asked for.
    package var sightings: Int { state.withLock { $0.sightings } }

    /// How many transactions were asked for.
    package var fetched: Int { state.withLock { $0.fetched } }

    package func sighting(at address: Hash) async throws -> Sighting {
        try state.withLock { state in
            state.sightings += 1
            guard state.reachable else { throw Unreachable() }
            let hashes = (state.byAddress[address] ?? []).filter { !state.hidden.contains($0) }
            return Sighting(
                hashes: Array(hashes.prefix(state.answerLimit)),
                mayBeIncomplete: hashes.count > state.answerLimit)
        }
    }

    package func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        try state.withLock { state in
            state.fetched += hashes.count
            guard state.reachable else { throw Unreachable() }
            return hashes.reduce(into: [:]) { found, hash in
                found[hash] = state.hidden.contains(hash) ? nil : state.transactions[hash]
            }
        }
    }

    package func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
        try state.withLock { state in
            guard state.reachable else { throw Unreachable() }
            return state.confirmed.filter { hashes.contains($0.key) }
        }
    }
}
