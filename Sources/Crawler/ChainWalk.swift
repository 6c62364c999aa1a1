import Archive
import Foundation
import MAM
import Tangle

import struct Tangle.Bundle

/// A turn at one channel, as a state machine: the head, tree after tree while there is
/// something new, then the passed trees whose look is due, then the end of the turn.
package struct ChainWalk: Sendable {
    /// What comes next.
    package enum Step: Sendable {
        /// Look at a tree, with these bundles that waited for a key.
        case look(FollowedTree, waiting: [Bundle])
        case store(CrawlFindings)
        case done
    }

    /// What the turn came to.
    package struct Summary: Sendable, Equatable {
        package var messages = 0
        package var attachments = 0
        package var rejected = 0
        package var treesPassed = 0
        package var unreachable = false
        package var fenced = false
        /// The turn ended because it was long enough, or there was more at an address than
        /// one look takes in; there may be more at once.
        package var unfinished = false
        /// Channels whose turn ended with an error that no repeating mends.
        package var failed = 0

        /// Whether the archive has something it had not.
        package var news: Bool { messages + attachments + treesPassed > 0 }

        package init() {}
    }

    private enum Phase {
        case head, watched, ended
    }

    package private(set) var summary = Summary()

    /// In no particular order; grows with the rotations that are met.
    package private(set) var sideKeys: [NumberedSideKey]

    private let assignment: CrawlAssignment
    private let policy: CrawlPolicy
    private let startedAt: Date
    private let jitter: Double
    private var phase = Phase.head
    private var head: FollowedTree
    private var headReport: TreeReport?
    private var blocked: StallReason?
    /// An address has more than one look takes in.
    private var leftOver = false
    private var lastNewsAt: Date
    /// The first tree that each side key is known to open, as far as it is stored.
    private var firstPositions: [Int16: Int64] = [:]
    private var watched: [FollowedTree]
    private var rest: CrawlFindings

    /// - Parameter jitter: 0..<1, spreads the next look.
    package init(assignment: CrawlAssignment, policy: CrawlPolicy, now: Date, jitter: Double) {
        self.assignment = assignment
        self.policy = policy
        self.jitter = jitter
        startedAt = now
        sideKeys = assignment.sideKeys
        head = assignment.head
        lastNewsAt = assignment.lastNewsAt
        watched = assignment.watched
        rest = CrawlFindings(lease: assignment.lease, filling: assignment.filling)
        for key in assignment.sideKeys { firstPositions[key.number] = key.firstPosition }
    }

    package func begin() -> Step { look(at: head) }

    private func look(at tree: FollowedTree) -> Step {
        .look(tree, waiting: waiting(at: tree.position))
    }

    private func waiting(at position: Int64) -> [Bundle] {
        assignment.waiting.filter { $0.position == position }.map(\.bundle)
    }

    package mutating func looked(_ report: TreeReport, now: Date) -> Step {
        summary.rejected += report.rejected
        switch phase {
        case .head: return lookedAtHead(report, now: now)
        case .watched: return lookedAtPassed(report, now: now)
        case .ended: return .done
        }
    }

    private mutating func lookedAtHead(_ report: TreeReport, now: Date) -> Step {
        headReport = report
        let rotated = learn(from: report)
        guard let nextRoot = report.nextRoot else {
            leftOver = leftOver || report.leftOver
            add(report, to: &rest)
            return nextPassed(now: now)
        }
        var findings = CrawlFindings(lease: assignment.lease, filling: assignment.filling)
        add(report, to: &findings)
        findings.sideKeys = rotated
        let until = now.addingTimeInterval(policy.watchDuration)
        findings.advance = HeadAdvance(
            position: head.position, nextRoot: nextRoot, watchUntil: until,
            watchFrom: report.leftOver ? now : policy.nextWatch(of: until, now: now) ?? until)
        return .store(findings)
    }

    private mutating func lookedAtPassed(_ report: TreeReport, now: Date) -> Step {
        add(report, to: &rest)
        let rotated = learn(from: report)
        rest.sideKeys += rotated
        // What waits at the head was looked at without them.
        if !rotated.isEmpty { summary.unfinished = true }
        let until = report.tree.watchUntil ?? now
        leftOver = leftOver || report.leftOver
        rest.watched[report.tree.position] = .some(
            report.leftOver ? now : policy.nextWatch(of: until, now: now))
        return nextPassed(now: now)
    }

    /// Side keys that the report's messages announce to this archive: they are tried from now on.
    /// The channel is this crawler's alone meanwhile, so nobody else gives out the numbers.
    private mutating func learn(from report: TreeReport) -> [NumberedSideKey] {
        guard assignment.mode == .restricted, !assignment.providers.isEmpty else { return [] }
        var learned: [NumberedSideKey] = []
        for found in report.messages {
            guard sideKeys.count < Archive.sideKeyLimit,
                let key = KeyRotation.sideKey(in: found.message, for: assignment.providers),
                !sideKeys.contains(where: { $0.key == key })
            else { continue }
            // Later leaves of the same tree may be under it already.
            let isLastLeaf = found.message.siblingCount == 0
            let new = NumberedSideKey(
                number: (sideKeys.map(\.number).max() ?? -1) + 1, key: key,
                firstPosition: found.position + (isLastLeaf ? 1 : 0))
            sideKeys.append(new)
            learned.append(new)
        }
        return learned
    }

    private func add(_ report: TreeReport, to findings: inout CrawlFindings) {
        findings.messages += report.messages
        findings.firstPositions = firstPositions
        findings.settled += report.settled
        findings.confirmed.merge(report.confirmed) { first, _ in first }
        findings.waiting += report.unreadable.map {
            WaitingFinding(
                position: report.tree.position, bundle: $0,
                atHead: report.tree.watchUntil == nil)
        }
    }

    private mutating func nextPassed(now: Date) -> Step {
        phase = .watched
        guard let tree = watched.first, now.timeIntervalSince(startedAt) < policy.turn else {
            return end(now: now)
        }
        watched.removeFirst()
        return look(at: tree)
    }

    private mutating func end(now: Date) -> Step {
        phase = .ended
        if !watched.isEmpty || leftOver { summary.unfinished = true }
        let (state, reason) = standing(now: now)
        rest.end = LookEnd(state: state, reason: reason?.rawValue, nextLookAt: nextLook(now))
        return .store(rest)
    }

    /// How the channel stands after this turn.
    private func standing(now: Date) -> (ChannelState, StallReason?) {
        if summary.unreachable { return (assignment.state, .unreachable) }
        if let blocked { return (.stalled, blocked) }
        guard let headReport, headReport.nextRoot == nil else { return (.following, nil) }
        if headReport.flooded { return (.flooded, .flooded) }
        if !headReport.unreadable.isEmpty || stillWaiting(at: head.position) {
            return (.waitingForKey, .unreadable)
        }
        let outOfPatience = now.timeIntervalSince(lastNewsAt) > policy.patience
        if !headReport.incompleteTails.isEmpty || headReport.postponed > 0 {
            return (outOfPatience ? .stalled : .following, .incompleteBundle)
        }
        return outOfPatience ? (.stalled, .quiet) : (.following, nil)
    }

    private func stillWaiting(at position: Int64) -> Bool {
        let settled = headReport.map { Set($0.settled.map(\.tail)) } ?? []
        return waiting(at: position).contains { !settled.contains($0.tail) }
    }

    private func nextLook(_ now: Date) -> Date {
        if summary.unreachable {
            return now.addingTimeInterval(policy.unreachableWait * (0.5 + jitter))
        }
        // What a flood has beyond one look's bound comes with the next looks.
        if leftOver { return now.addingTimeInterval(policy.shortestWait) }
        if summary.unfinished { return now }
        let quiet = now.timeIntervalSince(lastNewsAt)
        return now.addingTimeInterval(policy.wait(quiet: quiet, jitter: jitter))
    }

    /// The nodes could not be asked: what was found so far is kept, and nothing is concluded.
    package mutating func failed(now: Date) -> Step {
        guard phase != .ended else { return .done }
        summary.unreachable = true
        return end(now: now)
    }

    /// Somebody else has the channel: what was found meanwhile is theirs to find.
    package mutating func fence() -> Step {
        phase = .ended
        summary.fenced = true
        return .done
    }

    package mutating func stored(_ outcome: CrawlOutcome, of findings: CrawlFindings, now: Date)
        -> Step
    {
        guard case .stored(let messages, let attachments, let chain) = outcome else {
            return fence()
        }
        summary.messages += messages
        summary.attachments += attachments
        if messages > 0 { lastNewsAt = now }
        for message in findings.messages {
            guard let key = message.sideKey else { continue }
            firstPositions[key] = min(firstPositions[key] ?? .max, message.position)
        }
        guard phase == .head else { return .done }
        switch chain {
        case .advanced: return advanced(to: findings.advance?.nextRoot, now: now)
        case .joined: summary.treesPassed += 1
        case .cycle: blocked = .cycle
        case .forgotten: blocked = .forgotten
        case .none: break
        }
        return nextPassed(now: now)
    }

    private mutating func advanced(to root: Root?, now: Date) -> Step {
        guard let root else { return nextPassed(now: now) }
        summary.treesPassed += 1
        leftOver = leftOver || headReport?.leftOver ?? false
        head = FollowedTree(position: head.position + 1, root: root, watchUntil: nil)
        if summary.treesPassed >= policy.treesPerTurn
            || now.timeIntervalSince(startedAt) >= policy.turn
        {
            summary.unfinished = true
            return nextPassed(now: now)
        }
        return look(at: head)
    }
}
