import Archive
import MAM
import Tangle
import Ternary

/// One look at one tree's address, as a state machine: each answer it is given makes it ask
/// for the next, until it is finished.
package struct TreeLook: Sendable {
    /// What the look needs next.
    package enum Need: Sendable {
        case find(Hash)
        case fetch([Hash])
        /// The hashes of the transactions that this leads to.
        case complete(Trail)
        /// Payloads to be read in full.
        case read([ReadRequest])
        case confirm([Hash])
        case finished(TreeReport)
    }

    private struct Unread {
        let bundle: Bundle
        let waited: Bool
        /// While it is read.
        var payload: Trytes?
    }

    package let address: Hash
    private let mode: ChannelMode
    private let keys: [NumberedSideKey]
    private let memory: SeenTransactions.Memory
    private let policy: CrawlPolicy

    private var report: TreeReport
    private var queue: [Hash] = []
    private var asked: [Hash] = []
    private var transactions: [Hash: Transaction] = [:]
    /// Transactions that bear another address: no bundle of this one has them.
    private var foreign: Set<Hash> = []
    private var tails: [Hash] = []
    /// Transactions that bundles lacked and that were asked for.
    private var sought: Set<Hash> = []
    /// Whether the list of the address was cut, and its bundles were not asked for yet.
    private var mayCompleteBundles = false
    /// Bundles without a tail that were asked for, with the index of the first transaction known.
    private var soughtBundles: [Hash: Int64] = [:]
    private var approveeSteps = 0
    private var unread: [Unread] = []
    private var retry: [Unread] = []
    private var reading: [Unread] = []
    private var key = 0
    /// Whether to ask which messages were confirmed: at the head they are mostly too fresh.
    private let asksConfirmation: Bool

    /// - Parameters:
    ///   - keys: in the order in which to try them; empty in modes without.
    ///   - waiting: bundles at this address that waited for a key.
    package init(
        tree: FollowedTree, mode: ChannelMode, keys: [NumberedSideKey],
        waiting: [Bundle], memory: SeenTransactions.Memory, policy: CrawlPolicy
    ) {
        self.mode = mode
        self.keys = keys
        self.memory = memory
        self.policy = policy
        report = TreeReport(tree: tree)
        address = ChannelAddress.address(of: tree.root, mode: mode)
        asksConfirmation = tree.watchUntil != nil || policy.confirmsAtOnce
        if keys.count != memory.keysTried {
            unread = waiting.map { Unread(bundle: $0, waited: true) }
        }
    }

    package func begin() -> Need { .find(address) }

    package mutating func found(_ sighting: Sighting) -> Need {
        var fresh: [Hash] = []
        var unresolved: [Hash] = []
        var distinct: Set<Hash> = []
        for hash in sighting.hashes where distinct.insert(hash).inserted {
            if memory.isUnresolved(hash) {
                unresolved.append(hash)
            } else if !memory.isJudged(hash) {
                fresh.append(hash)
            }
        }
        let again = share(of: unresolved)
        report.postponed = unresolved.count - again.count
        report.leftOver = fresh.count > policy.transactionsPerLook
        mayCompleteBundles = sighting.mayBeIncomplete
        report.flooded = sighting.mayBeIncomplete || report.leftOver || report.postponed > 0
        asked = again + fresh.prefix(policy.transactionsPerLook)
        let given = sighting.transactions
        guard !given.isEmpty else {
            queue = asked
            return fetchOrAssemble()
        }
        queue = asked.filter { given[$0] == nil }
        return fetched(given, asked: asked.filter { given[$0] != nil })
    }

    /// Those of what is unresolved whose turn it is: all in as many looks as that takes, so
    /// that no junk keeps a real bundle from its turn.
    private func share(of unresolved: [Hash]) -> [Hash] {
        let limit = policy.unresolvedPerLook
        guard unresolved.count > limit else { return unresolved }
        let parts = (unresolved.count + limit - 1) / limit
        return Array(unresolved.dropFirst(memory.looks % parts * limit).prefix(limit))
    }

    /// - Parameter answer: Transactions by hash; what is missing is not known yet.
    package mutating func fetched(_ answer: [Hash: Transaction], asked: [Hash]) -> Need {
        for hash in asked {
            guard let transaction = answer[hash], transactions[hash] == nil else { continue }
            guard transaction.address == address else {
                foreign.insert(hash)
                report.judged.append(hash)
                continue
            }
            transactions[hash] = transaction
            if transaction.currentIndex == 0 {
                tails.append(hash)
            } else {
                // No tail of ours; a bundle that needs it asks for it.
                report.judged.append(hash)
            }
        }
        return fetchOrAssemble()
    }

    private mutating func fetchOrAssemble() -> Need {
        if !queue.isEmpty {
            let next = Array(queue.prefix(policy.transactionsPerFetch))
            queue.removeFirst(next.count)
            return .fetch(next)
        }
        return assemble()
    }

    private mutating func assemble() -> Need {
        var missing: Set<Hash> = []
        var incomplete: [Hash] = []
        for tail in tails {
            switch BundleAssembly.assemble(tail: tail, lookup: { transactions[$0] }) {
            case .complete(let bundle):
                take(bundle)
            case .missing(let hashes) where !foreign.isDisjoint(with: hashes):
                // Every transaction of a message's bundle bears its address, so a trunk that
                // leads elsewhere is not followed further.
                report.rejected += 1
                report.judged.append(tail)
            case .missing(let hashes):
                incomplete.append(tail)
                missing.formUnion(hashes)
            case .invalid:
                report.rejected += 1
                report.judged.append(tail)
            }
        }
        tails = incomplete
        // What a bundle lacks was judged before its tail came, or was cut off; each round may name the next trunk, so rounds go on while they help.
        let unknown = missing.subtracting(sought)
        let room = policy.transactionsPerLook - sought.count
        if !unknown.isEmpty, room > 0 {
            queue = Array(unknown.prefix(room))
            sought.formUnion(queue)
            return fetchOrAssemble()
        }
        if let trail = trailToTails() { return .complete(trail) }
        report.incompleteTails = tails
        report.unanswered = asked.filter { transactions[$0] == nil && !foreign.contains($0) }
        if report.unresolved.count > policy.unresolvedPerLook { report.flooded = true }
        return read()
    }

    /// Where a cut list may hide tails: by their bundles first, and where that leads to none, because
    /// somebody sent a bundle's transactions again a thousand times, from the first transaction that is
    /// known to the one before it, whose trunk it is.
    private mutating func trailToTails() -> Trail? {
        guard mayCompleteBundles || !soughtBundles.isEmpty else { return nil }
        let headless = headlessBundles
        if mayCompleteBundles {
            mayCompleteBundles = false
            for (bundle, first) in headless.prefix(policy.bundlesCompleted) {
                soughtBundles[bundle] = first.index
            }
            return soughtBundles.isEmpty ? nil : .bundles(Array(soughtBundles.keys))
        }
        guard approveeSteps < policy.approveeSteps else { return nil }
        let isFirst = approveeSteps == 0
        approveeSteps += 1
        var approvees: [Hash] = []
        for (bundle, first) in headless {
            // After the first step only those that it brought nearer.
            guard let last = soughtBundles[bundle], isFirst || first.index < last else { continue }
            soughtBundles[bundle] = first.index
            approvees.append(first.hash)
        }
        return approvees.isEmpty ? nil : .approvees(approvees)
    }

    /// Bundles of which some transaction was found, and not the tail, with the first of those found.
    private var headlessBundles: [Hash: (hash: Hash, index: Int64)] {
        var headed: Set<Hash> = []
        var headless: [Hash: (hash: Hash, index: Int64)] = [:]
        for (hash, transaction) in transactions {
            let (bundle, index) = (transaction.bundle, transaction.currentIndex)
            if index == 0 {
                headed.insert(bundle)
            } else if index < headless[bundle]?.index ?? .max {
                headless[bundle] = (hash, index)
            }
        }
        return headless.filter { !headed.contains($0.key) }
    }

    /// - Parameter hashes: of the transactions that the trail leads to.
    package mutating func completed(_ hashes: [Hash]) -> Need {
        let more = hashes.filter {
            transactions[$0] == nil && !foreign.contains($0) && !memory.isJudged($0)
        }
        queue = Array(Set(more).prefix(policy.transactionsPerFetch))
        asked += queue
        return fetchOrAssemble()
    }

    /// Every bundle may have to be read with every key, so many keys leave time for few
    /// bundles; the others have their turn at the next looks.
    private mutating func take(_ bundle: Bundle) {
        guard unread.count < max(1, policy.readsPerLook / max(1, keys.count)) else {
            report.leftOver = true
            report.flooded = true
            return
        }
        unread.append(Unread(bundle: bundle, waited: false))
    }

    private mutating func read() -> Need {
        if unread.isEmpty {
            guard !retry.isEmpty else { return confirm() }
            key += 1
            guard key < keys.count else {
                for entry in retry { giveUp(entry) }
                retry = []
                return confirm()
            }
            unread = retry
            retry = []
        }
        if mode == .restricted, keys.isEmpty {
            for entry in unread { giveUp(entry) }
            unread = []
            return confirm()
        }
        reading = Array(unread.prefix(policy.payloadsPerRead))
        unread.removeFirst(reading.count)
        let sideKey = mode == .restricted ? keys[key].key : nil
        var requests: [ReadRequest] = []
        for index in reading.indices {
            let payload = reading[index].payload ?? reading[index].bundle.messageTrytes
            reading[index].payload = payload
            requests.append(
                ReadRequest(payload: payload, root: report.tree.root, sideKey: sideKey))
        }
        return .read(requests)
    }

    /// - Parameter results: one for each request of the last `.read`, in its order.
    package mutating func read(_ results: [Result<Message, ReadError>]) -> Need {
        for (entry, result) in zip(reading, results) {
            switch result {
            case .success(let message):
                report.messages.append(
                    VerifiedMessage(
                        position: report.tree.position, root: report.tree.root,
                        sideKey: mode == .restricted ? keys[key].number : nil,
                        message: message, bundle: entry.bundle, payload: entry.payload))
                settle(entry)
            case .failure(let error) where mode == .restricted && error.dependsOnKey:
                retry.append(entry)
            case .failure:
                report.rejected += 1
                settle(entry)
            }
        }
        reading = []
        return read()
    }

    private mutating func settle(_ entry: Unread) {
        report.judged.append(entry.bundle.tail)
        if entry.waited { report.settled.append(entry.bundle) }
    }

    /// No known key opens it: it is kept, and need not be fetched again.
    private mutating func giveUp(_ entry: Unread) {
        report.judged.append(entry.bundle.tail)
        if !entry.waited { report.unreadable.append(entry.bundle) }
    }

    private mutating func confirm() -> Need {
        report.messages.sort { $0.message.index < $1.message.index }
        var known: Set<Hash> = []
        let tails = memory.unconfirmed + report.messages.map(\.bundle.tail)
        report.unconfirmed = Array(
            tails.filter { known.insert($0).inserted }.prefix(policy.unconfirmedTails))
        guard asksConfirmation, !report.unconfirmed.isEmpty else { return .finished(report) }
        return .confirm(report.unconfirmed)
    }

    /// - Parameter milestones: the confirmed ones among the tails asked for.
    package mutating func confirmed(_ milestones: [Hash: Int32?]) -> Need {
        for index in report.messages.indices {
            guard let milestone = milestones[report.messages[index].bundle.tail] else { continue }
            report.messages[index].confirmed = true
            report.messages[index].milestone = milestone
        }
        let asked = Set(report.unconfirmed)
        report.confirmed = milestones.filter { asked.contains($0.key) }
        report.unconfirmed.removeAll { milestones[$0] != nil }
        return .finished(report)
    }
}
