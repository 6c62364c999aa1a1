import Archive
import Diagnostics
import Failures
import Foundation
import Vault

/// Follows every registered channel: leases what is due, gives each channel its turn, a
/// bounded number at a time.
package struct CrawlService: Sendable {
    /// Names this crawler in the database, for an operator.
    package let owner: String

    private let archive: Archive
    private let turn: ChannelTurn
    private let policy: CrawlPolicy
    private let clock: @Sendable () -> Date
    private let log: Log
    private let instruments: CrawlInstruments

    package init(
        archive: Archive, source: any TangleSource, policy: CrawlPolicy = CrawlPolicy(),
        owner: String, clock: @escaping @Sendable () -> Date = { Date() }, log: Log,
        instruments: CrawlInstruments
    ) {
        self.archive = archive
        self.policy = policy
        self.owner = owner
        self.clock = clock
        self.log = log
        self.instruments = instruments
        turn = ChannelTurn(
            archive: archive, source: source, policy: policy, clock: clock, log: log)
    }

    /// The longest sleep between two looks for due channels: bounds how late a channel that
    /// was registered, resumed or given a key elsewhere is noticed.
    private static let longestSleep: TimeInterval = 1

    /// The shortest, so that a channel which is due but held by another transaction is not
    /// asked for without pause.
    private static let shortestSleep: TimeInterval = 0.05

    /// Crawls until the task is cancelled. Whatever goes wrong (the database away, most of
    /// all) is logged and waited for: nothing is lost by beginning anew.
    ///
    /// - Throws: `CancellationError`.
    package func run() async throws {
        try await forgettingMeanwhile { try await crawlOn() }
    }

    /// What is remembered of channels that are forgotten meanwhile is dropped.
    private func forgettingMeanwhile<Value>(_ body: () async throws -> Value) async rethrows
        -> Value
    {
        let forgetting = Task { await turn.keepForgetting() }
        defer { forgetting.cancel() }
        return try await body()
    }

    /// The channels of which this process remembers transactions.
    package var remembered: Set<ChannelNumber> { turn.remembered }

    private func crawlOn() async throws {
        var backoff = Backoff(first: .milliseconds(200), maximum: .seconds(10))
        do {
            while true {
                do {
                    try await crawlDue { backoff.reset() }
                } catch {
                    try Task.checkCancellation()
                    report(error, "crawling waits")
                }
                try await Task.sleep(for: backoff.next())
            }
        } catch {
            await leave()
            throw error
        }
    }

    /// Gives back what is leased, so that other crawlers need not wait for the leases to end; in a
    /// task of its own, because the one that is cancelled can ask the database nothing more.
    private func leave() async {
        await Task {
            do {
                try await archive.giveBackLeases(of: owner)
            } catch {
                report(error, "leases are left to end by themselves")
            }
        }.value
    }

    private func report(
        _ error: any Error, _ message: StaticString, _ channel: ChannelNumber? = nil
    ) {
        let fields: LogFields = channel.map { ["channel": .string($0.text)] } ?? [:]
        guard let failure = error as? any Failure else { return log.error(message, fields) }
        log.failure(failure, message, level: failure.retryable ? .warning : .error, fields)
    }

    private enum Event {
        case turnEnded
        /// A channel may be due.
        case alarm
    }

    /// Keeps `channelsAtOnce` turns going while channels are due. A turn that takes long
    /// keeps nobody else from having theirs.
    ///
    /// - Parameter wentWell: called whenever the database answered.
    private func crawlDue(wentWell: () -> Void) async throws {
        // None of this crawler's turns is under way now; after a failure some are leased.
        try await archive.giveBackLeases(of: owner)
        try await withThrowingTaskGroup(of: Event.self) { group in
            var running = 0
            var alarmIsSet = false
            while true {
                try Task.checkCancellation()
                let leased = try await archive.acquireLeases(
                    owner: owner, limit: policy.channelsAtOnce - running,
                    duration: policy.lease, schedule: .due, now: clock())
                wentWell()
                for assignment in leased {
                    group.addTask {
                        _ = try await carryOut(assignment)
                        return .turnEnded
                    }
                    running += 1
                }
                if !alarmIsSet {
                    group.addTask {
                        try await sleepUntilDue()
                        return .alarm
                    }
                    alarmIsSet = true
                }
                let enough = running - policy.leasedTogether(of: running)
                while alarmIsSet, running > enough {
                    switch try await group.next() {
                    case .turnEnded: running -= 1
                    case .alarm: alarmIsSet = false
                    case nil: return
                    }
                }
            }
        }
    }

    private func sleepUntilDue() async throws {
        let due = try await archive.nextDue() ?? .distantFuture
        let wait = min(
            max(due.timeIntervalSince(clock()), Self.shortestSleep), Self.longestSleep)
        try await Task.sleep(for: .seconds(wait))
    }

    /// - Throws: what repeating mends. Any other error is this channel's alone: the others
    ///   go on.
    private func carryOut(_ assignment: CrawlAssignment) async throws -> ChainWalk.Summary {
        let started = clock()
        let channel = assignment.lease.channel
        var summary = ChainWalk.Summary()
        do {
            summary = try await turn.run(assignment)
        } catch let failure as any Failure where failure.retryable {
            throw failure
        } catch {
            try Task.checkCancellation()
            report(error, "a channel cannot be crawled", channel)
            try await archive.setAside(
                assignment.lease, filling: assignment.filling,
                reason: StallReason.failed.rawValue, now: clock(),
                until: clock().addingTimeInterval(policy.failedWait))
            summary.failed = 1
        }
        instruments.record(summary, seconds: clock().timeIntervalSince(started))
        if summary.news {
            log.info(
                "took in",
                [
                    "channel": .string(channel.text),
                    "messages": .int(Int64(summary.messages)),
                    "attachments": .int(Int64(summary.attachments)),
                ])
        }
        return summary
    }

    /// Looks at every channel, whenever it is due, until a round over all of them brings
    /// nothing new. Channels that other crawlers have leased are waited for: for a crawler
    /// that died, until its leases end.
    ///
    /// - Parameter progress: Told after each channel's turn what came so far.
    /// - Returns: What came in all; `unreachable` if the last round could not ask the nodes.
    package func crawlUntilIdle(
        progress: @Sendable (ChainWalk.Summary) -> Void = { _ in }
    ) async throws -> ChainWalk.Summary {
        do {
            return try await forgettingMeanwhile { try await crawlRounds(progress) }
        } catch {
            await leave()
            throw error
        }
    }

    private func crawlRounds(_ progress: @Sendable (ChainWalk.Summary) -> Void) async throws
        -> ChainWalk.Summary
    {
        var total = ChainWalk.Summary()
        while true {
            let round = try await crawlRound(total, progress)
            total.add(round)
            total.unreachable = round.unreachable
            total.failed = round.failed
            if round.unreachable || !(round.news || round.unfinished || round.fenced) {
                return total
            }
        }
    }

    private func crawlRound(
        _ before: ChainWalk.Summary, _ progress: @Sendable (ChainWalk.Summary) -> Void
    ) async throws -> ChainWalk.Summary {
        let started = clock()
        var round = ChainWalk.Summary()
        try await withThrowingTaskGroup(of: ChainWalk.Summary.self) { group in
            var running = 0
            while true {
                let leased = try await archive.acquireLeases(
                    owner: owner, limit: policy.channelsAtOnce - running,
                    duration: policy.lease, schedule: .notLookedAtSince(started), now: clock())
                for assignment in leased {
                    group.addTask { try await carryOut(assignment) }
                    running += 1
                }
                if running == 0 {
                    guard
                        let free = try await archive.leasedByOthers(
                            notLookedAtSince: started, now: clock())
                    else { return }
                    let wait = min(
                        max(free.timeIntervalSince(clock()), Self.shortestSleep),
                        Self.longestSleep)
                    try await Task.sleep(for: .seconds(wait))
                    continue
                }
                let enough = running - policy.leasedTogether(of: running)
                while running > enough, let summary = try await group.next() {
                    running -= 1
                    round.add(summary)
                    var soFar = before
                    soFar.add(round)
                    progress(soFar)
                }
            }
        }
        return round
    }
}

extension ChainWalk.Summary {
    fileprivate mutating func add(_ other: ChainWalk.Summary) {
        messages += other.messages
        attachments += other.attachments
        rejected += other.rejected
        treesPassed += other.treesPassed
        unreachable = unreachable || other.unreachable
        fenced = fenced || other.fenced
        unfinished = unfinished || other.unfinished
        failed += other.failed
    }
}
