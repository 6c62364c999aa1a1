import IRICommands
import Synchronization
import Tangle
import Ternary

/// The transactions of a local tangle, in memory.
///
/// There is no coordinator: what is stored is confirmed at once, by a milestone of its own.
package final class Ledger: Sendable {
    /// A transaction takes about 4 kB with its indexes, so that this is some 400 MB.
    package static let defaultCapacity = 100_000

    /// The most transactions it holds; more are refused until it is pruned.
    package let capacity: Int
    private let state = Mutex(LedgerState())

    package init(capacity: Int = Ledger.defaultCapacity) { self.capacity = capacity }

    /// Takes in the transactions that are not known yet, in the order given, and confirms them
    /// with the next milestone; all of them or none.
    /// - Parameter confirmed: false leaves them pending.
    /// - Returns: the hash of every transaction, known or new, in the order given.
    @discardableResult
    package func store(
        _ transactions: [Transaction], confirmed: Bool = true
    ) throws(LedgerError) -> [Hash] {
        let hashes = TransactionHashing.hashes(of: transactions)
        try store(transactions, hashes: hashes, confirmed: confirmed)
        return hashes
    }

    /// The same where the hashes are computed already, one a transaction.
    func store(
        _ transactions: [Transaction], hashes: [Hash], confirmed: Bool = true
    ) throws(LedgerError) {
        _ = try add { latestMilestone in
            zip(hashes, transactions).map { hash, transaction in
                LedgerEntry(
                    hash: hash, transaction: transaction,
                    milestone: confirmed ? latestMilestone + 1 : nil)
            }
        }
    }

    /// Takes in entries as they are, without looking at hashes or milestones; all or none.
    /// - Returns: how many of them were new.
    @discardableResult
    package func insert(_ entries: [LedgerEntry]) throws(LedgerError) -> Int {
        try add { _ in entries }
    }

    private func add(
        _ entries: (_ latestMilestone: Int) -> [LedgerEntry]
    ) throws(LedgerError) -> Int {
        let added: Int? = state.withLock { state in
            let entries = entries(state.latestMilestone)
            let unknown = Set(entries.map(\.hash)).filter { state[$0] == nil }
            guard state.entries.count + unknown.count <= capacity else { return nil }
            for entry in entries { _ = state.insert(entry) }
            return unknown.count
        }
        guard let added else { throw .full(capacity: capacity) }
        return added
    }

    /// Hashes in the order their transactions came in; nil where there are more than `limit`.
    package func find(_ query: TransactionQuery, limit: Int = .max) -> [Hash]? {
        state.withLock { $0.find(query, limit: limit) }
    }

    /// What is known of each hash, in the order asked.
    package func entries(_ hashes: [Hash]) -> [LedgerEntry?] {
        state.withLock { state in hashes.map { state[$0] } }
    }

    package func transaction(_ hash: Hash) -> Transaction? {
        state.withLock { $0[hash]?.transaction }
    }

    /// Forgets every transaction there is now, as a node does at a snapshot.
    /// - Returns: how many there were.
    @discardableResult
    package func prune() -> Int { state.withLock { $0.prune() } }

    package var count: Int { state.withLock { $0.entries.count } }

    package var latestMilestone: Int { state.withLock(\.latestMilestone) }

    /// The milestone of the last `prune`; 0 before the first.
    package var snapshotMilestone: Int { state.withLock(\.snapshotMilestone) }
}
