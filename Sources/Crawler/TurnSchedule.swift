import Archive
import Diagnostics
import Foundation
import Vault

/// When a loop leases channels, and how it keeps them: one task for all of its turns.
extension TurnLoop {
    /// Runs turns until every channel had one that was not looked at since, or without an end.
    ///
    /// - Parameters:
    ///   - start: nil follows the channels' own schedule, until the task is cancelled.
    ///   - leased: told whenever the database gave out leases, or none.
    /// - Throws: `CancellationError`, and what repeating mends, most of all that the database is
    ///   away; what is leased then stays so.
    func run(notLookedAtSince start: Date? = nil, leased: () -> Void = {}) async throws {
        try await withThrowingTaskGroup(of: Event.self) { tasks in
            var leasing = Leasing(policy)
            var start = start
            addTick(to: &tasks)
            while true {
                if let limit = leasing.next(running: turns.count, ended: endedCount) {
                    endedCount = 0
                    // Where the clock is put back, what was looked at since would never be after
                    // the start.
                    start = start.map { min($0, work.clock()) }
                    lease(limit, since: start, in: &tasks)
                }
                beginBatches(in: &tasks)
                guard let event = try await tasks.next() else { return }
                try Task.checkCancellation()
                // A tick comes only after the database has answered the one before.
                work.pulse.beat()
                switch event {
                case .leased(let assignments):
                    leased()
                    leasing.leased(running: turns.count + assignments.count)
                    // In a round over all, others' channels are waited for at its end alone.
                    if start == nil || turns.isEmpty && assignments.isEmpty {
                        if leasing.setAlarm() { addAlarm(since: start, to: &tasks) }
                    }
                case .alarm(true): leasing.rang()
                case .alarm(false):
                    tasks.cancelAll()
                    return
                case .tick:
                    try work.room.checkRing()
                    check(in: &tasks)
                case .checked: addTick(to: &tasks)
                default: break
                }
                try take(event)
            }
        }
    }

    private func lease(_ limit: Int, since start: Date?, in tasks: inout Tasks) {
        tasks.addTask { [work] in
            .leased(try await work.lease(limit, start.map { .notLookedAtSince($0) } ?? .due))
        }
    }

    private func addAlarm(since start: Date?, to tasks: inout Tasks) {
        tasks.addTask { [work] in
            guard let start else {
                try await work.sleepUntilDue()
                return .alarm(true)
            }
            return .alarm(try await work.sleepUntilFree(notLookedAtSince: start))
        }
    }

    /// Often enough to stop within a second after a forget, and to renew every lease three times.
    private func addTick(to tasks: inout Tasks) {
        let interval = min(ChannelWatch.interval, .seconds(policy.lease / 3))
        tasks.addTask {
            try await Task.sleep(for: interval)
            return .tick
        }
    }

    private func check(in tasks: inout Tasks) {
        let now = work.clock()
        let questions = turns.map { number, turn in
            TurnWork.Question(
                turn: number, lease: turn.assignment.lease, mark: turn.assignment.readersEpoch,
                renews: now.timeIntervalSince(turn.leasedAt) >= policy.lease / 3)
        }
        tasks.addTask { [work] in .checked(await work.check(questions)) }
    }
}

/// When to lease further channels: not after each turn that ends, because leasing many costs hardly
/// more than leasing one.
struct Leasing {
    private let policy: CrawlPolicy
    private var isLeasing = false
    private var mayBeDue = true
    private var alarmIsSet = false
    /// Turns to end first.
    private var enough = 1

    init(_ policy: CrawlPolicy) { self.policy = policy }

    /// How many to lease now; nil for none.
    mutating func next(running: Int, ended: Int) -> Int? {
        let limit = policy.channelsAtOnce - running
        guard !isLeasing, limit > 0, mayBeDue || ended >= enough else { return nil }
        isLeasing = true
        mayBeDue = false
        return limit
    }

    mutating func leased(running: Int) {
        isLeasing = false
        enough = policy.leasedTogether(of: running)
    }

    /// Whether an alarm is to be set now.
    mutating func setAlarm() -> Bool {
        defer { alarmIsSet = true }
        return !alarmIsSet
    }

    mutating func rang() {
        alarmIsSet = false
        mayBeDue = true
    }
}
