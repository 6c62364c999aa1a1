import Archive
import Diagnostics
import Failures
import Foundation
import MAM
import Synchronization
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// Carries out a `ChainWalk`: asks the source, reads payloads, stores what was found; payloads and
/// findings together with those of the other turns.
struct ChannelTurn: Sendable {
    /// Payloads read at once: enough to fill the lanes of the widest vectors many times over.
    private static let payloadsPerBatch = 512

    /// Payloads worth reading beside others that are being read: with fewer, most lanes stay empty.
    private static let payloadsWorthReading = 128

    /// Messages and channels stored at once: the statements of a transaction cost more than a
    /// hundred rows, and the channels stay locked until its end.
    private static let findingsPerCommit = 256

    /// Batches of each kind under way at the same time: one waits for the disk while the other
    /// computes.
    private static let batchesAtOnce = 2

    private let archive: Archive
    private let source: any TangleSource
    private let policy: CrawlPolicy
    private let memory: CrawlMemory
    private let clock: @Sendable () -> Date
    private let log: Log
    private let watch: ChannelWatch
    private let reading: Gathering<[ReadRequest], [Result<Message, ReadError>]>
    private let storing: Gathering<CrawlFindings, CrawlOutcome>

    init(
        archive: Archive, source: any TangleSource, policy: CrawlPolicy,
        clock: @escaping @Sendable () -> Date, log: Log
    ) {
        self.archive = archive
        self.source = source
        self.policy = policy
        self.clock = clock
        self.log = log
        watch = ChannelWatch(archive)
        memory = CrawlMemory(policy)
        reading = Gathering(
            workers: Self.batchesAtOnce, weightLimit: Self.payloadsPerBatch,
            enough: Self.payloadsWorthReading, weight: \.count
        ) { requests in
            var results = MessageReader.read(requests.flatMap { $0 }, .full)[...]
            return requests.map { request in
                defer { results = results.dropFirst(request.count) }
                return Array(results.prefix(request.count))
            }
        }
        storing = Gathering(
            workers: Self.batchesAtOnce, weightLimit: Self.findingsPerCommit,
            weight: { 1 + $0.messages.count }
        ) { findings in
            try await archive.commit(findings, now: clock())
        }
    }

    /// Gives the channel its turn and keeps its lease meanwhile, however slow the nodes are.
    ///
    /// - Throws: what the database or the vault says; the lease then runs out by itself.
    func run(_ assignment: CrawlAssignment) async throws -> ChainWalk.Summary {
        try await withThrowingTaskGroup(of: ChainWalk.Summary?.self) { group in
            group.addTask { try await walk(assignment) }
            group.addTask {
                await keep(assignment.lease)
                return nil
            }
            group.addTask {
                try await waitForForget(of: assignment.lease.channel)
                return nil
            }
            defer { group.cancelAll() }
            if let summary = try await group.next() ?? nil { return summary }
            try Task.checkCancellation()
            var lost = ChainWalk.Summary()
            lost.fenced = true
            return lost
        }
    }

    /// Returns when the channel is forgotten, in part or as a whole, or restricted: what was
    /// read of it is then given up at once, and not only when it is to be stored.
    private func waitForForget(of channel: ChannelNumber) async throws {
        while try await watch.end(of: channel, since: nil) == .interrupted {
            // The database is away, which the turn itself will hear of.
            try await Task.sleep(for: ChannelWatch.limit)
        }
    }

    /// Renews a lease until somebody else has the channel.
    private func keep(_ lease: CrawlLease) async {
        while (try? await Task.sleep(for: .seconds(policy.lease / 3))) != nil {
            let until = clock().addingTimeInterval(policy.lease)
            do {
                guard try await archive.renew(lease, until: until) else { return }
            } catch {
                // What the database has to say is heard at the next commit.
                continue
            }
        }
    }

    private func walk(_ assignment: CrawlAssignment) async throws -> ChainWalk.Summary {
        let channel = assignment.lease.channel
        var walk = ChainWalk(
            assignment: assignment, policy: policy, now: clock(),
            jitter: Double.random(in: 0..<1))
        // With the number of side keys that were tried.
        var reports: [(report: TreeReport, keys: Int)] = []
        var step = walk.begin()
        while true {
            switch step {
            case .look(let tree, let waiting):
                do {
                    let keys = NumberedSideKey.likely(walk.sideKeys, at: tree.position)
                    let report = try await look(at: tree, assignment, keys, waiting: waiting)
                    reports.append((report, keys.count))
                    step = walk.looked(report, now: clock())
                } catch {
                    // Whatever it is, it tells of the nodes and not of the channel.
                    try Task.checkCancellation()
                    warn(error, of: channel)
                    step = walk.failed(now: clock())
                }
            case .store(let findings):
                let outcome = try await storing.answer(to: findings)
                // A chain that cannot go on has to say so again at the next look, so its
                // messages are not what need not be looked at.
                if case .stored(_, _, let chain) = outcome,
                    [.none, .advanced, .joined].contains(chain)
                {
                    for (report, keys) in reports {
                        memory.remember(report, of: channel, keys: keys)
                    }
                    for case (let position, .none) in findings.watched {
                        memory.forget(channel, position: position)
                    }
                }
                reports = []
                step = walk.stored(outcome, of: findings, now: clock())
            case .done:
                return walk.summary
            }
        }
    }

    private func warn(_ error: any Error, of channel: ChannelNumber) {
        guard let failure = error as? any Failure else {
            return log.warning("the nodes could not be asked", ["channel": .string(channel.text)])
        }
        log.failure(
            failure, "the nodes could not be asked", level: .warning,
            ["channel": .string(channel.text)])
    }

    private func look(
        at tree: FollowedTree, _ assignment: CrawlAssignment, _ keys: [NumberedSideKey],
        waiting: [Bundle]
    ) async throws -> TreeReport {
        var look = TreeLook(
            tree: tree, mode: assignment.mode, keys: keys, waiting: waiting,
            memory: memory.memory(
                of: assignment.lease.channel, at: tree.position, keys: keys.count),
            policy: policy)
        var need = look.begin()
        while true {
            try Task.checkCancellation()
            switch need {
            case .find(let address):
                need = look.found(try await source.sighting(at: address))
            case .fetch(let hashes):
                need = look.fetched(try await source.transactions(hashes), asked: hashes)
            case .read(let requests):
                let results = try await reading.answer(to: requests)
                if results.contains(where: Self.lacksMemory) { throw ReadError.outOfMemory }
                need = look.read(results)
            case .confirm(let tails):
                need = look.confirmed(try await source.confirmed(tails))
            case .finished(let report):
                return report
            }
        }
    }
}

extension ChannelTurn {
    /// How often it is asked whether what is remembered is of channels that are forgotten.
    private static let forgetInterval: Duration = .milliseconds(500)

    /// Drops what is remembered of forgotten channels within a second, until it is cancelled.
    func keepForgetting() async {
        while !Task.isCancelled {
            let channels = memory.channels
            // Without the database nothing is known, and nothing is crawled either.
            if !channels.isEmpty, let gone = try? await archive.forgotten(among: channels) {
                memory.forget(gone)
            }
            do { try await Task.sleep(for: Self.forgetInterval) } catch { return }
        }
    }

    /// The channels of which something is remembered.
    var remembered: Set<ChannelNumber> { memory.channels }

    /// Says nothing of the payload, which is to be read again.
    private static func lacksMemory(_ result: Result<Message, ReadError>) -> Bool {
        if case .failure(.outOfMemory) = result { true } else { false }
    }
}

/// What all turns of a process remember. A lock instead of an actor, because each use is short.
final class CrawlMemory: Sendable {
    private let seen: Mutex<SeenTransactions>

    init(_ policy: CrawlPolicy) {
        seen = Mutex(
            SeenTransactions(
                perTree: policy.rememberedTransactions, inAll: policy.rememberedInAll))
    }

    func memory(of channel: ChannelNumber, at position: Int64, keys: Int)
        -> SeenTransactions.Memory
    {
        seen.withLock { $0.memory(of: channel, at: position, keys: keys) }
    }

    func remember(_ report: TreeReport, of channel: ChannelNumber, keys: Int) {
        seen.withLock { $0.remember(report, of: channel, keys: keys) }
    }

    func forget(_ channel: ChannelNumber, position: Int64) {
        seen.withLock { $0.forget(channel, position: position) }
    }

    var channels: Set<ChannelNumber> { seen.withLock { $0.channels } }

    func forget(_ channels: Set<ChannelNumber>) { seen.withLock { $0.forget(channels) } }
}
