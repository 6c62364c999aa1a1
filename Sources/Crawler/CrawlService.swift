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
    private let work: TurnWork
    private let memory: CrawlMemory
    private let clock: @Sendable () -> Date
    private let log: Log
    private let instruments: CrawlInstruments
    private let standing: CrawlStanding
    private let roomWait: Duration

    /// - Parameters:
    ///   - room: What is to be left free; nothing unless given.
    ///   - standing: Tells others whether it waits for room.
    ///   - roomWait: Before it first looks again whether there is room.
    package init(
        archive: Archive, source: any TangleSource, policy: CrawlPolicy = CrawlPolicy(),
        owner: String, clock: @escaping @Sendable () -> Date = { Date() }, log: Log,
        instruments: CrawlInstruments, pulse: Liveness.Pulse = .unwatched,
        room: CrawlRoom = .unminded, standing: CrawlStanding = CrawlStanding(),
        roomWait: Duration = .seconds(5)
    ) {
        self.standing = standing
        self.roomWait = roomWait
        self.archive = archive
        self.owner = owner
        self.clock = clock
        self.log = log
        self.instruments = instruments
        memory = CrawlMemory(policy)
        work = TurnWork(
            archive: archive, source: source, owner: owner, policy: policy, clock: clock,
            pulse: pulse, room: room)
    }

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
        let forgetting = Task { [memory, archive] in await memory.keepForgetting(in: archive) }
        defer { forgetting.cancel() }
        return try await body()
    }

    /// The channels of which this process remembers transactions.
    package var remembered: Set<ChannelNumber> { memory.channels }

    private func crawlOn() async throws {
        var backoff = Backoff(first: .milliseconds(200), maximum: .seconds(10))
        do {
            while true {
                work.pulse.beat()
                do {
                    try await work.room.require(in: archive)
                    try await crawlDue { backoff.reset() }
                } catch {
                    try Task.checkCancellation()
                    memory.forgetAll()
                    if let lack = CrawlRoom.lack(in: error) {
                        try await waitForRoom(lack, error)
                        backoff.reset()
                        continue
                    }
                    report(error, "crawling waits")
                }
                try await Task.sleep(for: backoff.next())
            }
        } catch {
            await leave()
            throw error
        }
    }

    /// Frees what was kept for those who read and forget, and returns when there is room again.
    ///
    /// - Throws: `CancellationError`.
    private func waitForRoom(_ first: RoomLack, _ error: any Error) async throws {
        var lack = first
        report(error, "no room: crawling waits for it, reading and forgetting go on")
        var backoff = Backoff(first: roomWait, maximum: max(roomWait, .seconds(30)))
        while true {
            standing.set(lack)
            instruments.setPaused(lack)
            work.pulse.beat()
            if lack == .database { try? await archive.giveUpReserve() }
            // Another crawler may have room where this one has none.
            try? await archive.giveBackLeases(of: owner)
            try await Task.sleep(for: backoff.next())
            do {
                try await work.room.requireAgain(in: archive, after: lack)
                break
            } catch {
                try Task.checkCancellation()
                guard let still = CrawlRoom.lack(in: error) else {
                    report(error, "crawling waits")
                    continue
                }
                lack = still
            }
        }
        standing.set(nil)
        instruments.setPaused(nil)
        log.info("there is room again: crawling goes on")
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

    private func report(_ error: any Error, _ message: StaticString) {
        guard let failure = error as? any Failure else { return log.error(message) }
        log.failure(failure, message, level: failure.retryable ? .warning : .error)
    }

    /// Keeps `channelsAtOnce` turns going while channels are due. A turn that takes long
    /// keeps nobody else from having theirs.
    ///
    /// - Parameter wentWell: called whenever the database answered.
    private func crawlDue(wentWell: () -> Void) async throws {
        // None of this crawler's turns is under way now; after a failure some are leased.
        try await archive.giveBackLeases(of: owner)
        try await loop { _ in }.run(leased: wentWell)
    }

    private func loop(_ ended: @escaping (ChainWalk.Summary) -> Void) -> TurnLoop {
        TurnLoop(work, memory: memory, instruments: instruments, log: log, ended: ended)
    }

    /// Looks at every channel, whenever it is due, until a round over all of them brings
    /// nothing new. Channels that other crawlers have leased are waited for: for a crawler
    /// that died, until its leases end.
    ///
    /// - Parameter progress: Told after each channel's turn what came so far.
    /// - Returns: What came in all; `unreachable` if the last round could not ask the nodes.
    package func crawlUntilIdle(
        progress: @escaping @Sendable (ChainWalk.Summary) -> Void = { _ in }
    ) async throws -> ChainWalk.Summary {
        do {
            return try await forgettingMeanwhile { try await crawlRounds(progress) }
        } catch {
            await leave()
            throw error
        }
    }

    private func crawlRounds(_ progress: @escaping @Sendable (ChainWalk.Summary) -> Void)
        async throws -> ChainWalk.Summary
    {
        var total = ChainWalk.Summary()
        while true {
            let before = total
            var round = ChainWalk.Summary()
            try await loop { summary in
                round.add(summary)
                var soFar = before
                soFar.add(round)
                progress(soFar)
            }.run(notLookedAtSince: clock())
            total.add(round)
            total.unreachable = round.unreachable
            total.failed = round.failed
            if round.unreachable || !(round.news || round.unfinished || round.fenced) {
                return total
            }
        }
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
