import Archive
import Foundation
import MAM
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// One channel's turn: its walk, and the look that the walk is at. It does nothing by itself:
/// each answer it is given makes it ask for the next thing, until it is done.
///
/// A class, because a loop has hundreds of them and changes one at a time, in place; it stays
/// with the loop's task.
final class Turn {
    /// What the turn needs next.
    enum Need {
        case find(Hash)
        case fetch([Hash])
        case complete(Trail)
        case read([ReadRequest])
        case confirm([Hash])
        case store(CrawlFindings)
        case done
    }

    let assignment: CrawlAssignment
    let startedAt: Date
    /// When its lease was taken or renewed.
    var leasedAt: Date
    /// Transactions that the look under way asked for by their hashes.
    private(set) var fetchCount = 0

    private let policy: CrawlPolicy
    private let memory: CrawlMemory
    private let clock: @Sendable () -> Date
    private var walk: ChainWalk
    private var look: TreeLook?
    /// Side keys that the look under way tries.
    private var keyCount = 0
    /// What was seen since something was stored, with the number of side keys that were tried.
    private var reports: [(report: TreeReport, keys: Int)] = []

    init(
        _ assignment: CrawlAssignment, policy: CrawlPolicy, memory: CrawlMemory,
        clock: @escaping @Sendable () -> Date
    ) {
        self.assignment = assignment
        self.policy = policy
        self.memory = memory
        self.clock = clock
        startedAt = clock()
        leasedAt = startedAt
        walk = ChainWalk(
            assignment: assignment, policy: policy, now: startedAt,
            jitter: Double.random(in: 0..<1))
    }

    var channel: ChannelNumber { assignment.lease.channel }

    var summary: ChainWalk.Summary { walk.summary }

    func begin() -> Need { need(for: walk.begin()) }

    func found(_ sighting: Sighting) -> Need { need(for: look?.found(sighting)) }

    func fetched(_ answer: [Hash: Transaction], asked: [Hash]) -> Need {
        need(for: look?.fetched(answer, asked: asked))
    }

    func completed(_ hashes: [Hash]) -> Need { need(for: look?.completed(hashes)) }

    func read(_ results: [Result<Message, ReadError>]) -> Need { need(for: look?.read(results)) }

    func confirmed(_ milestones: [Hash: Int32?]) -> Need {
        need(for: look?.confirmed(milestones))
    }

    /// The look failed. Whatever the reason is, it tells of the nodes and not of the channel.
    func failed() -> Need {
        look = nil
        return need(for: walk.failed(now: clock()))
    }

    func stored(_ outcome: CrawlOutcome, of findings: CrawlFindings) -> Need {
        // A chain that cannot go on has to say so again at the next look, so its messages are not
        // what need not be looked at.
        if case .stored(_, _, let chain) = outcome, [.none, .advanced, .joined].contains(chain) {
            for (report, keys) in reports { memory.remember(report, of: channel, keys: keys) }
            for case (let position, .none) in findings.watched {
                memory.forget(channel, position: position)
            }
        }
        reports = []
        return need(for: walk.stored(outcome, of: findings, now: clock()))
    }

    /// Somebody else has the channel, or it may not be crawled any more.
    func fence() -> Need {
        look = nil
        return need(for: walk.fence())
    }

    private func need(for next: TreeLook.Need?) -> Need {
        switch next {
        case nil: return .done
        case .find(let address): return .find(address)
        case .fetch(let hashes):
            fetchCount += hashes.count
            return .fetch(hashes)
        case .complete(let trail): return .complete(trail)
        case .read(let requests): return .read(requests)
        case .confirm(let tails): return .confirm(tails)
        case .finished(let report):
            look = nil
            reports.append((report, keyCount))
            return need(for: walk.looked(report, now: clock()))
        }
    }

    private func need(for step: ChainWalk.Step) -> Need {
        switch step {
        case .look(let tree, let waiting):
            let keys = NumberedSideKey.likely(walk.sideKeys, at: tree.position)
            keyCount = keys.count
            fetchCount = 0
            let look = TreeLook(
                tree: tree, mode: assignment.mode, keys: keys, waiting: waiting,
                memory: memory.memory(of: channel, at: tree.position, keys: keys.count),
                policy: policy)
            let first = look.begin()
            self.look = look
            return need(for: first)
        case .store(let findings): return .store(findings)
        case .done: return .done
        }
    }
}
