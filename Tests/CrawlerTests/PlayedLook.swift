import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import MAM
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

import struct Tangle.Bundle

/// A look played with a made-up source and the real reader.
extension TreeLookTests {
    static func tree(_ root: Root, watched: Bool = false) -> FollowedTree {
        FollowedTree(
            position: 0, root: root,
            watchUntil: watched ? Date(timeIntervalSince1970: 1_800_000_000) : nil)
    }

    static func look(
        _ root: Root, mode: ChannelMode = .private, keys: [NumberedSideKey] = [],
        waiting: [Bundle] = [], memory: SeenTransactions.Memory = .init(),
        policy: CrawlPolicy = CrawlPolicy(), watched: Bool = false
    ) -> TreeLook {
        TreeLook(
            tree: tree(root, watched: watched), mode: mode, keys: keys, waiting: waiting,
            memory: memory, policy: policy)
    }

    /// What a look asked for on its way to its report.
    struct Trace {
        var fetches: [[Hash]] = []
        var keys: [SideKey?] = []
        var payloads: [Int] = []
        var confirms: [[Hash]] = []
        var trails: [Trail] = []
        var report: TreeReport?
    }

    /// Plays the source and the reader.
    static func run(
        _ look: inout TreeLook, sighting: Sighting, tangle: [Hash: Transaction],
        confirmed: [Hash: Int32?] = [:], hidingBundles: Bool = false
    ) throws -> Trace {
        var trace = Trace()
        func follow(_ trail: Trail) -> [Hash] {
            tangle.filter { _, transaction in
                switch trail {
                case .bundles(let bundles): !hidingBundles && bundles.contains(transaction.bundle)
                case .approvees(let approvees):
                    approvees.contains(transaction.trunk) || approvees.contains(transaction.branch)
                }
            }.map(\.key)
        }
        var need = look.begin()
        for _ in 0..<100_000 {
            switch need {
            case .find(let address):
                #expect(address == look.address)
                need = look.found(sighting)
            case .fetch(let hashes):
                try #require(!hashes.isEmpty)
                trace.fetches.append(hashes)
                need = look.fetched(tangle.filter { hashes.contains($0.key) }, asked: hashes)
            case .complete(let trail):
                trace.trails.append(trail)
                need = look.completed(follow(trail))
            case .read(let requests):
                try #require(!requests.isEmpty)
                trace.keys.append(requests.first?.sideKey)
                trace.payloads.append(requests.count)
                need = look.read(MessageReader.read(requests, .full))
            case .confirm(let tails):
                trace.confirms.append(tails)
                need = look.confirmed(confirmed.filter { tails.contains($0.key) })
            case .finished(let report):
                trace.report = report
                return trace
            }
        }
        Issue.record("the look does not end")
        return trace
    }

    static func tangle(_ bundles: [Bundle]) -> [Hash: Transaction] {
        bundles.reduce(into: [:]) { tangle, bundle in
            for (hash, transaction) in zip(bundle.hashes, bundle.transactions) {
                tangle[hash] = transaction
            }
        }
    }

    static func memory(
        after report: TreeReport, keys: Int = 0, looks: Int = 1
    ) -> SeenTransactions.Memory {
        var seen = SeenTransactions(perTree: 100_000, inAll: 1_000_000)
        let channel = ChannelNumber.random()
        for _ in 0..<looks { seen.remember(report, of: channel, keys: keys) }
        return seen.memory(of: channel, at: 0, keys: keys)
    }
}
