import IRICommands
import Tangle
import Ternary

extension IRICommand {
    /// Answers from the ledger alone. `attachToTangle` is refused: its work takes too long to
    /// wait for here, `LocalNode` does it.
    /// - Parameter time: milliseconds since 1970.
    package func answer(
        from ledger: Ledger, limits: NodeLimits, time: Int64
    ) throws(CommandRefusal) -> Answer {
        switch self {
        case .getNodeInfo: return .nodeInfo(Self.nodeInfo(of: ledger, time: time))
        case .getNodeAPIConfiguration: return .limits(limits)
        case .findTransactions(let query):
            guard let hashes = ledger.find(query, limit: limits.findTransactions) else {
                throw .overLimit
            }
            return .hashes(hashes)
        case .getTrytes(let hashes):
            return .trytes(
                ledger.entries(hashes).map { $0?.transaction.trytes ?? Answer.unknownTrytes })
        case .getInclusionStates(let hashes):
            return .states(ledger.entries(hashes).map { $0?.milestone != nil })
        case .getTransactionsToApprove:
            // One node has no tips to choose between: every bundle approves the genesis.
            return .tips(trunk: .null, branch: .null)
        case .storeTransactions(let transactions), .broadcastTransactions(let transactions):
            // IRI's broadcast runs through its own pipeline too, which stores.
            try Self.store(transactions, in: ledger, limits: limits)
            return .done
        case .wereAddressesSpentFrom(let addresses):
            let spent = Set(addresses).filter { Self.wasSpentFrom($0, in: ledger) }
            return .states(addresses.map(spent.contains))
        case .checkConsistency(let tails):
            return try Self.consistency(of: tails, in: ledger)
        // Work that began is done.
        case .interruptAttachingToTangle: return .done
        case .attachToTangle: throw .notAvailable("attachToTangle")
        }
    }

    private static func nodeInfo(of ledger: Ledger, time: Int64) -> NodeInfoAnswer {
        let latest = ledger.latestMilestone
        return NodeInfoAnswer(
            appName: "permanode local-tangle", appVersion: "1", milestone: latest,
            snapshot: ledger.snapshotMilestone, time: time, features: ["RemotePOW"])
    }

    private static func store(
        _ transactions: [Transaction], in ledger: Ledger, limits: NodeLimits
    ) throws(CommandRefusal) {
        guard transactions.allSatisfy({ $0.value != nil }) else { throw .invalidValue }
        let hashes = TransactionHashing.hashes(of: transactions)
        guard hashes.allSatisfy({ Attachment.weight(of: $0) >= limits.minimumWeight }) else {
            throw .tooLight
        }
        do {
            try ledger.store(transactions, hashes: hashes)
        } catch {
            throw .ledgerFull
        }
    }

    private static func wasSpentFrom(_ address: Hash, in ledger: Ledger) -> Bool {
        let hashes = ledger.find(TransactionQuery(addresses: [address])) ?? []
        return ledger.entries(hashes).contains { ($0?.transaction.value ?? 0) < 0 }
    }

    /// Only the bundles of the tails are looked at: there are no balances here to contradict.
    private static func consistency(
        of tails: [Hash], in ledger: Ledger
    ) throws(CommandRefusal) -> Answer {
        for tail in tails {
            guard let transaction = ledger.transaction(tail) else {
                throw .missingTransaction(tail.description)
            }
            guard transaction.currentIndex == 0 else { throw .notATail(tail.description) }
        }
        for tail in tails {
            switch BundleAssembly.assemble(tail: tail, lookup: ledger.transaction) {
            case .complete: continue
            case .missing:
                return .consistency(
                    state: false,
                    info: "tails are not solid (missing a referenced tx): \(tail)")
            case .invalid:
                return .consistency(
                    state: false, info: "tails are not consistent (bundle is invalid): \(tail)")
            }
        }
        return .consistency(state: true, info: "")
    }
}
