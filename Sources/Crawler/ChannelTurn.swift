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
        var renewAt = clock().addingTimeInterval(policy.lease / 3)
        var reports: [TreeReport] = []
        var step = walk.begin()
        while true {
            switch step {
            case .look(let tree, let waiting):
                if clock() >= renewAt {
                    let now = clock()
                    renewAt = now.addingTimeInterval(policy.lease / 3)
                    guard
                        try await archive.renew(
                            assignment.lease, until: now.addingTimeInterval(policy.lease))
                    else { return walk.summary }
                }
                do {
                    let report = try await look(at: tree, assignment, waiting: waiting)
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

    private func look(
        at tree: FollowedTree, _ assignment: CrawlAssignment, waiting: [Bundle]
    ) async throws -> TreeReport {
        var look = TreeLook(
            tree: tree, mode: assignment.mode, keys: assignment.sideKeys, waiting: waiting,
            memory: await memory.memory(
                of: assignment.lease.channel, keys: assignment.sideKeys.count), policy: policy)
        var need = look.begin()
        while true {
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
