import Archive
import Diagnostics
import Failures
import Foundation
import MAM
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// Carries out a `ChainWalk`: asks the source, reads payloads, stores what was found.
struct ChannelTurn: Sendable {
    let archive: Archive
    let source: any TangleSource
    let policy: CrawlPolicy
    let memory: CrawlMemory
    let clock: @Sendable () -> Date
    let log: Log

    /// - Throws: what the database or the vault says; the lease then runs out by itself.
    func run(_ assignment: CrawlAssignment) async throws -> ChainWalk.Summary {
        let channel = assignment.lease.channel
        var walk = ChainWalk(
            assignment: assignment, policy: policy, now: clock(),
            jitter: Double.random(in: 0..<1))
        var keeper = LeaseKeeper(lease: assignment.lease, policy: policy, now: clock())
        var reports: [TreeReport] = []
        var step = walk.begin()
        while true {
            switch step {
            case .look(let tree, let waiting):
                do {
                    guard
                        let report = try await look(
                            at: tree, assignment, waiting: waiting, keeper: &keeper)
                    else { return walk.summary }
                    reports.append(report)
                    step = walk.looked(report, now: clock())
                } catch let failure as any Failure {
                    log.failure(
                        failure, "the nodes could not be asked", level: .warning,
                        ["channel": .string(channel.text)])
                    step = walk.failed(now: clock())
                }
            case .store(let findings):
                let outcomes = try await archive.commit([findings], now: clock())
                guard let outcome = outcomes.first else { return walk.summary }
                if outcome != .fenced {
                    for report in reports {
                        await memory.remember(
                            report, of: channel, keys: assignment.sideKeys.count)
                    }
                    for case (let position, .none) in findings.watched {
                        await memory.forget(channel, position: position)
                    }
                }
                reports = []
                step = walk.stored(outcome, of: findings, now: clock())
            case .done:
                return walk.summary
            }
        }
    }

    /// - Returns: Nil where the lease was lost meanwhile.
    private func look(
        at tree: FollowedTree, _ assignment: CrawlAssignment, waiting: [Bundle],
        keeper: inout LeaseKeeper
    ) async throws -> TreeReport? {
        var look = TreeLook(
            tree: tree, mode: assignment.mode, keys: assignment.sideKeys, waiting: waiting,
            memory: await memory.memory(
                of: assignment.lease.channel, keys: assignment.sideKeys.count), policy: policy)
        var need = look.begin()
        while true {
            guard try await keeper.keep(archive, now: clock()) else { return nil }
            switch need {
            case .find(let address):
                need = look.found(try await source.sighting(at: address))
            case .fetch(let hashes):
                need = look.fetched(try await source.transactions(hashes), asked: hashes)
            case .read(let requests):
                need = look.read(MessageReader.read(requests, .full))
            case .confirm(let tails):
                need = look.confirmed(try await source.confirmed(tails))
            case .finished(let report):
                return report
            }
        }
    }
}

/// Renews a lease in time; a look at a flooded address may take longer than a lease holds.
private struct LeaseKeeper {
    let lease: CrawlLease
    let duration: TimeInterval
    var renewAt: Date

    init(lease: CrawlLease, policy: CrawlPolicy, now: Date) {
        self.lease = lease
        duration = policy.lease
        renewAt = now.addingTimeInterval(policy.lease / 3)
    }

    /// False where somebody else has the channel.
    mutating func keep(_ archive: Archive, now: Date) async throws -> Bool {
        guard now >= renewAt else { return true }
        renewAt = now.addingTimeInterval(duration / 3)
        return try await archive.renew(lease, until: now.addingTimeInterval(duration))
    }
}

/// What all turns of a process remember.
actor CrawlMemory {
    private var seen: SeenTransactions

    init(_ policy: CrawlPolicy) {
        seen = SeenTransactions(
            perChannel: policy.rememberedTransactions, inAll: policy.rememberedInAll)
    }

    func memory(of channel: ChannelNumber, keys: Int) -> SeenTransactions.Memory {
        seen.memory(of: channel, keys: keys)
    }

    func remember(_ report: TreeReport, of channel: ChannelNumber, keys: Int) {
        seen.remember(report, of: channel, keys: keys)
    }

    func forget(_ channel: ChannelNumber, position: Int64) {
        seen.forget(channel, position: position)
    }
}
