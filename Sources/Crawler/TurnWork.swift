import Archive
import Diagnostics
import Foundation
import MAM
import Tangle
import Ternary
import Vault

/// What turns ask for, carried out for many of them at once. It knows nothing of the turns
/// themselves: what it holds of a channel while a node is slow are addresses and hashes.
struct TurnWork: Sendable {
    let archive: Archive
    let source: any TangleSource
    let owner: String
    let policy: CrawlPolicy
    let clock: @Sendable () -> Date
    /// Told that the crawler is at work.
    let pulse: Liveness.Pulse
    let room: CrawlRoom

    func sightings(at addresses: [Hash]) async -> [Result<Sighting, any Error>] {
        await Together.answers(to: addresses) { try await source.sightings(at: $0) }
    }

    func transactions(_ hashes: [Hash]) async -> Result<[Hash: Transaction], any Error> {
        let result: Result<[Hash: Transaction], any Error>
        do { result = .success(try await source.transactions(hashes)) } catch {
            result = .failure(error)
        }
        return result
    }

    func transactions(along trail: Trail) async -> Result<[Hash], any Error> {
        let result: Result<[Hash], any Error>
        do {
            let hashes = try await source.transactions(along: trail)
            result = .success(hashes)
        } catch {
            result = .failure(error)
        }
        return result
    }

    func confirmed(_ tails: [[Hash]]) async -> [Result<[Hash: Int32?], any Error>] {
        await Together.answers(to: tails) { tails in
            let confirmed = try await source.confirmed(tails.flatMap { $0 })
            return tails.map { tails in
                tails.reduce(into: [:]) { found, tail in
                    if let milestone = confirmed[tail] { found[tail] = .some(milestone) }
                }
            }
        }
    }

    func read(_ payloads: [[ReadRequest]]) -> [[Result<Message, ReadError>]] {
        var results = MessageReader.read(payloads.flatMap { $0 }, .full)[...]
        return payloads.map { some in
            defer { results = results.dropFirst(some.count) }
            return Array(results.prefix(some.count))
        }
    }

    func store(_ findings: [CrawlFindings]) async -> [Result<CrawlOutcome, any Error>] {
        await Together.answers(to: findings) { try await archive.commit($0, now: clock()) }
    }

    func lease(_ limit: Int, _ schedule: CrawlSchedule) async throws -> [CrawlAssignment] {
        try await archive.acquireLeases(
            owner: owner, limit: limit, duration: policy.lease, schedule: schedule, now: clock())
    }
}

extension TurnWork {
    /// What a loop has to know of its turns now and then.
    struct Question: Sendable {
        let turn: Int
        let lease: CrawlLease
        /// The channel's `readers_epoch` when it was leased.
        let mark: Int64
        /// Whether it is time to renew the lease.
        let renews: Bool
    }

    struct Checked: Sendable {
        /// Turns whose channels were forgotten, in part or as a whole, or restricted since they were
        /// leased, or whose leases somebody else has: what was read of them is given up at once,
        /// and not only when it is to be stored.
        var lost: Set<Int> = []
        var renewed: Set<Int> = []
        let at: Date
    }

    /// Where the database is away nothing is concluded: the turns will hear of it themselves.
    func check(_ questions: [Question]) async -> Checked {
        var checked = Checked(at: clock())
        guard !questions.isEmpty else { return checked }
        let channels = Set(questions.map(\.lease.channel))
        if let standings = try? await archive.standings(of: channels) {
            for question in questions {
                guard let standing = standings[question.lease.channel],
                    standing.readersEpoch == question.mark,
                    ![.forgotten, .restricted].contains(standing.state)
                else {
                    checked.lost.insert(question.turn)
                    continue
                }
            }
        }
        let due = questions.filter(\.renews)
        guard !due.isEmpty,
            let kept = try? await archive.renew(
                due.map(\.lease), until: checked.at.addingTimeInterval(policy.lease))
        else { return checked }
        for question in due {
            if kept.contains(question.lease) {
                checked.renewed.insert(question.turn)
            } else {
                checked.lost.insert(question.turn)
            }
        }
        return checked
    }

    /// Returns when a channel may be due.
    func sleepUntilDue() async throws {
        try await archive.mendSchedule(now: clock())
        try await sleep(until: try await archive.nextDue() ?? .distantFuture)
    }

    /// Returns when a channel may be free that others have leased and nobody looked at since.
    ///
    /// - Returns: false where there is none.
    func sleepUntilFree(notLookedAtSince start: Date) async throws -> Bool {
        guard
            let free = try await archive.leasedByOthers(notLookedAtSince: start, now: clock())
        else { return false }
        try await sleep(until: free)
        return true
    }

    /// The longest sleep between two looks for due channels: bounds how late a channel that
    /// was registered, resumed or given a key elsewhere is noticed.
    private static let longestSleep: TimeInterval = 1

    /// The shortest, so that a channel which is due but held by another transaction is not
    /// asked for without pause.
    private static let shortestSleep: TimeInterval = 0.05

    private func sleep(until date: Date) async throws {
        let wait = min(max(date.timeIntervalSince(clock()), Self.shortestSleep), Self.longestSleep)
        try await Task.sleep(for: .seconds(wait))
    }
}
