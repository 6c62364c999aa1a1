import Archive
import Crawler
import Foundation
import MAM
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

import struct Tangle.Bundle

/// A turn at a channel, step by step, without a node or a database.
@Suite struct ChainWalkTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)
    private static let lease = CrawlLease(channel: .random(), epoch: 4)

    /// A chain of messages with their bundles.
    private struct Chain {
        let roots: [Root]
        let messages: [VerifiedMessage]

        init(count: Int) throws {
            var writer = try Written.channel("W")
            var roots = [writer.root]
            var messages: [VerifiedMessage] = []
            for number in 0..<count {
                let written = try writer.write("message \(number)")
                let request = ReadRequest(
                    payload: written.payload, root: written.root, sideKey: nil)
                let message = try #require(MessageReader.read([request], .full).first).get()
                messages.append(
                    VerifiedMessage(
                        position: Int64(number), root: written.root, sideKey: nil,
                        message: message,
                        bundle: try Written.bundle(written.payload, at: written.address)))
                roots.append(written.nextRoot)
            }
            self.roots = roots
            self.messages = messages
        }

        func tree(_ position: Int, watchUntil: Date? = nil) -> FollowedTree {
            FollowedTree(
                position: Int64(position), root: roots[position], watchUntil: watchUntil)
        }

        func report(_ position: Int, found: Bool = true, watchUntil: Date? = nil) -> TreeReport {
            var report = TreeReport(tree: tree(position, watchUntil: watchUntil))
            if found { report.messages = [messages[position]] }
            return report
        }
    }

    private static func walk(
        _ head: FollowedTree, state: ChannelState = .following, watched: [FollowedTree] = [],
        waiting: [WaitingBundle] = [], quiet: TimeInterval = 0, policy: CrawlPolicy = CrawlPolicy()
    ) -> ChainWalk {
        ChainWalk(
            assignment: CrawlAssignment(
                lease: lease, mode: .private, state: state, reason: nil, sideKeys: [], head: head,
                watched: watched, waiting: waiting, lastNewsAt: now.addingTimeInterval(-quiet),
                createdAt: now.addingTimeInterval(-1e6), messageCount: 0),
            policy: policy, now: now, jitter: 0.5)
    }

    private static func looks(_ step: ChainWalk.Step) -> Int64? {
        if case .look(let tree, _) = step { return tree.position }
        return nil
    }

    private static func findings(_ step: ChainWalk.Step) throws -> CrawlFindings {
        guard case .store(let findings) = step else { throw NotTheStep() }
        return findings
    }

    private struct NotTheStep: Error {}

    private static func isDone(_ step: ChainWalk.Step) -> Bool {
        if case .done = step { return true }
        return false
    }

    /// The turn's end after a look at the head that gave `report`.
    private static func end(
        _ report: TreeReport, quiet: TimeInterval = 0, waiting: [WaitingBundle] = [],
        state: ChannelState = .following
    ) throws -> LookEnd {
        var walk = walk(report.tree, state: state, waiting: waiting, quiet: quiet)
        #expect(looks(walk.begin()) == report.tree.position)
        return try #require(try findings(walk.looked(report, now: now)).end)
    }

    @Test func eachTreeIsStoredBeforeTheNextIsLookedAt() throws {
        let chain = try Chain(count: 2)
        var walk = Self.walk(chain.tree(0))
        #expect(Self.looks(walk.begin()) == 0)
        for position in 0..<2 {
            let step = walk.looked(chain.report(position), now: Self.now)
            let findings = try Self.findings(step)
            #expect(findings.messages.count == 1)
            #expect(findings.end == nil)
            let advance = try #require(findings.advance)
            #expect(advance.position == Int64(position))
            #expect(advance.nextRoot == chain.roots[position + 1])
            #expect(advance.watchUntil == Self.now.addingTimeInterval(3600))
            #expect(advance.watchFrom == Self.now.addingTimeInterval(72))
            let next = walk.stored(
                .stored(messages: 1, attachments: 0, chain: .advanced), of: findings,
                now: Self.now)
            #expect(Self.looks(next) == Int64(position + 1))
        }
        let last = try Self.findings(
            walk.looked(chain.report(2, found: false), now: Self.now))
        #expect(last.end?.state == .following)
        #expect(last.end?.reason == nil)
        #expect(last.end?.nextLookAt == Self.now.addingTimeInterval(2))
        let done = walk.stored(
            .stored(messages: 0, attachments: 0, chain: .none), of: last, now: Self.now)
        #expect(Self.isDone(done))
        #expect(walk.summary.messages == 2)
        #expect(walk.summary.treesPassed == 2)
        #expect(!walk.summary.unfinished)
    }

    @Test func aTurnEndsAfterSoManyTreesAndTheChannelIsDueAtOnce() throws {
        let chain = try Chain(count: 2)
        var policy = CrawlPolicy()
        policy.treesPerTurn = 1
        var walk = Self.walk(chain.tree(0), policy: policy)
        _ = walk.begin()
        let findings = try Self.findings(walk.looked(chain.report(0), now: Self.now))
        let end = try Self.findings(
            walk.stored(
                .stored(messages: 1, attachments: 0, chain: .advanced), of: findings,
                now: Self.now))
        #expect(end.end?.nextLookAt == Self.now)
        #expect(end.end?.state == .following)
        #expect(walk.summary.unfinished)
    }

    @Test func aTurnThatTakesTooLongLeavesPassedTreesForTheNext() throws {
        let chain = try Chain(count: 3)
        let until = Self.now.addingTimeInterval(60)
        var walk = Self.walk(
            chain.tree(2),
            watched: [chain.tree(0, watchUntil: until), chain.tree(1, watchUntil: until)])
        _ = walk.begin()
        #expect(Self.looks(walk.looked(chain.report(2, found: false), now: Self.now)) == 0)
        let late = Self.now.addingTimeInterval(CrawlPolicy().turn)
        let end = try Self.findings(
            walk.looked(chain.report(0, found: false, watchUntil: until), now: late))
        #expect(Array(end.watched.keys) == [0])
        #expect(end.watched[0] == .some(until))
        #expect(end.end?.nextLookAt == late)
        #expect(walk.summary.unfinished)
    }

    @Test func theWatchOfAPassedTreeEnds() throws {
        let chain = try Chain(count: 1)
        let until = Self.now
        var walk = Self.walk(chain.tree(1), watched: [chain.tree(0, watchUntil: until)])
        _ = walk.begin()
        _ = walk.looked(chain.report(1, found: false), now: Self.now)
        let end = try Self.findings(
            walk.looked(chain.report(0, found: false, watchUntil: until), now: Self.now))
        let watch = try #require(end.watched[0])
        #expect(watch == nil)
    }

    @Test func aFloodIsGoneThroughAtTheHeadAndAtPassedTrees() throws {
        let chain = try Chain(count: 1)
        var flood = chain.report(0, found: false)
        flood.flooded = true
        flood.leftOver = true
        let end = try Self.end(flood, quiet: 5000)
        #expect(end.state == .flooded)
        #expect(end.reason == StallReason.flooded.rawValue)
        #expect(end.nextLookAt == Self.now.addingTimeInterval(CrawlPolicy().shortestWait))

        let until = Self.now.addingTimeInterval(-1)
        var passed = chain.report(0, watchUntil: until)
        passed.leftOver = true
        var walk = Self.walk(chain.tree(1), watched: [passed.tree])
        _ = walk.begin()
        _ = walk.looked(chain.report(1, found: false), now: Self.now)
        let findings = try Self.findings(walk.looked(passed, now: Self.now))
        #expect(findings.watched[0] == .some(Self.now))
        #expect(walk.summary.unfinished)

        var found = chain.report(0)
        found.leftOver = true
        walk = Self.walk(chain.tree(0))
        _ = walk.begin()
        #expect(
            try Self.findings(walk.looked(found, now: Self.now)).advance?.watchFrom == Self.now)
    }

    @Test func aCutAnswerIsFloodedButNotAskedForWithoutPause() throws {
        var report = try Chain(count: 0).report(0, found: false)
        report.flooded = true
        let end = try Self.end(report, quiet: 5000)
        #expect(end.state == .flooded)
        #expect(end.nextLookAt == Self.now.addingTimeInterval(500))
    }

    @Test func quietBecomesStalledOnlyAfterPatience() throws {
        let report = try Chain(count: 0).report(0, found: false)
        let patience = CrawlPolicy().patience
        #expect(try Self.end(report, quiet: patience).state == .following)
        let end = try Self.end(report, quiet: patience + 1)
        #expect(end.state == .stalled)
        #expect(end.reason == StallReason.quiet.rawValue)
    }

    @Test func anIncompleteBundleIsTheReasonAlsoWhileItWaitsForItsTurn() throws {
        var report = try Chain(count: 0).report(0, found: false)
        report.postponed = 1
        #expect(try Self.end(report).state == .following)
        #expect(try Self.end(report).reason == StallReason.incompleteBundle.rawValue)
        report.postponed = 0
        report.incompleteTails = [.null]
        let end = try Self.end(report, quiet: 1e6)
        #expect(end.state == .stalled)
        #expect(end.reason == StallReason.incompleteBundle.rawValue)
    }

    @Test func whatWaitsForAKeyKeepsTheChannelWaitingUntilItIsSettled() throws {
        let chain = try Chain(count: 1)
        let bundle = chain.messages[0].bundle
        let report = chain.report(0, found: false)
        let waiting = [WaitingBundle(position: 0, bundle: bundle)]
        let end = try Self.end(report, waiting: waiting)
        #expect(end.state == .waitingForKey)
        #expect(end.reason == StallReason.unreadable.rawValue)
        var settled = report
        settled.settled = [bundle]
        #expect(try Self.end(settled, waiting: waiting).state == .following)
        let elsewhere = [WaitingBundle(position: 7, bundle: bundle)]
        #expect(try Self.end(report, waiting: elsewhere).state == .following)
    }

    @Test(arguments: [
        (ChainStep.cycle, StallReason.cycle), (.forgotten, .forgotten),
    ])
    func aChainThatCannotGoOnIsStalledWithTheReason(step: ChainStep, reason: StallReason) throws {
        let chain = try Chain(count: 1)
        var walk = Self.walk(chain.tree(0))
        _ = walk.begin()
        let findings = try Self.findings(walk.looked(chain.report(0), now: Self.now))
        let end = try Self.findings(
            walk.stored(
                .stored(messages: 0, attachments: 0, chain: step), of: findings, now: Self.now))
        #expect(end.end?.state == .stalled)
        #expect(end.end?.reason == reason.rawValue)
        #expect(walk.summary.treesPassed == 0)
        #expect(!walk.summary.unfinished)
    }

    @Test(arguments: [ChannelState.following, .stalled, .flooded, .waitingForKey])
    func aLookThatFailedChangesNoStateAndKeepsWhatWasFound(state: ChannelState) throws {
        let chain = try Chain(count: 2)
        let until = Self.now.addingTimeInterval(60)
        var walk = Self.walk(
            chain.tree(1), state: state, watched: [chain.tree(0, watchUntil: until)], quiet: 1e7)
        _ = walk.begin()
        var head = chain.report(1, found: false)
        head.unreadable = [chain.messages[1].bundle]
        #expect(Self.looks(walk.looked(head, now: Self.now)) == 0)
        let findings = try Self.findings(walk.failed(now: Self.now))
        #expect(findings.end?.state == state)
        #expect(findings.end?.reason == StallReason.unreachable.rawValue)
        #expect(findings.end?.nextLookAt == Self.now.addingTimeInterval(15))
        #expect(findings.waiting.count == 1)
        #expect(findings.watched.isEmpty)
        #expect(walk.summary.unreachable)
        let done = walk.stored(
            .stored(messages: 0, attachments: 0, chain: .none), of: findings, now: Self.now)
        #expect(Self.isDone(done))
    }

    @Test func whoIsShutOutStopsAtOnce() throws {
        let chain = try Chain(count: 1)
        var walk = Self.walk(chain.tree(0))
        _ = walk.begin()
        let findings = try Self.findings(walk.looked(chain.report(0), now: Self.now))
        #expect(Self.isDone(walk.stored(.fenced, of: findings, now: Self.now)))
        #expect(walk.summary.fenced)
        #expect(walk.summary.messages == 0)
        #expect(Self.isDone(walk.looked(chain.report(0), now: Self.now)))
        #expect(Self.isDone(walk.failed(now: Self.now)))
    }
}
