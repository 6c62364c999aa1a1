import Archive
import Crawler
import Foundation
import MAM
import Ternary
import TestSupport
import Testing
import Vault

/// What the crawler remembers, within its bounds.
@Suite struct SeenTransactionsTests {
    private static func report(
        _ position: Int64 = 0, judged: [Hash] = [], incomplete: [Hash] = [],
        unconfirmed: [Hash] = []
    ) throws -> TreeReport {
        var report = TreeReport(
            tree: FollowedTree(
                position: position, root: try Root(String(repeating: "A", count: 81)),
                watchUntil: nil))
        report.judged = judged
        report.incompleteTails = incomplete
        report.unconfirmed = unconfirmed
        return report
    }

    private static func hashes(_ count: Int, seed: UInt64 = 1) -> [Hash] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in Hash(of: generator.trytes(81), at: 0) }
    }

    @Test func whatWasJudgedIsKnownAtItsTreeAndNowhereElse() throws {
        var seen = SeenTransactions(perTree: 100, inAll: 1000)
        let channel = ChannelNumber.random()
        let hash = Self.hashes(1)[0]
        seen.remember(try Self.report(3, judged: [hash]), of: channel, keys: 0)
        #expect(seen.memory(of: channel, at: 3, keys: 0).isJudged(hash))
        #expect(!seen.memory(of: channel, at: 4, keys: 0).isJudged(hash))
        #expect(!seen.memory(of: ChannelNumber.random(), at: 3, keys: 0).isJudged(hash))
    }

    @Test func anotherSideKeyUndoesEveryJudgementOfEachTree() throws {
        var seen = SeenTransactions(perTree: 100, inAll: 1000)
        let channel = ChannelNumber.random()
        let hashes = Self.hashes(2)
        seen.remember(
            try Self.report(0, judged: [hashes[0]], unconfirmed: [hashes[1]]), of: channel, keys: 1)
        seen.remember(try Self.report(1, judged: [hashes[0]]), of: channel, keys: 1)
        // The key is tried at tree 1 first; tree 0 has still to have its turn.
        seen.remember(try Self.report(1), of: channel, keys: 2)
        let memory = seen.memory(of: channel, at: 0, keys: 2)
        #expect(memory.keysTried != 2)
        #expect(!memory.isJudged(hashes[0]))
        #expect(memory.unconfirmed == [hashes[1]])
        #expect(seen.memory(of: channel, at: 1, keys: 2).keysTried == 2)
        #expect(!seen.memory(of: channel, at: 1, keys: 2).isJudged(hashes[0]))
    }

    @Test func anIncompleteTailIsUnresolvedUntilItIsJudged() throws {
        var seen = SeenTransactions(perTree: 100, inAll: 1000)
        let channel = ChannelNumber.random()
        let tail = Self.hashes(1)[0]
        seen.remember(try Self.report(incomplete: [tail]), of: channel, keys: 0)
        #expect(seen.memory(of: channel, at: 0, keys: 0).isUnresolved(tail))
        #expect(!seen.memory(of: channel, at: 0, keys: 0).isJudged(tail))
        // A look that had no time for it changes nothing.
        seen.remember(try Self.report(), of: channel, keys: 0)
        #expect(seen.memory(of: channel, at: 0, keys: 0).isUnresolved(tail))
        seen.remember(try Self.report(judged: [tail]), of: channel, keys: 0)
        #expect(!seen.memory(of: channel, at: 0, keys: 0).isUnresolved(tail))
        #expect(seen.memory(of: channel, at: 0, keys: 0).isJudged(tail))
    }

    @Test func aTreeBeyondItsShareStartsAnew() throws {
        var seen = SeenTransactions(perTree: 10, inAll: 1000)
        let channel = ChannelNumber.random()
        let hashes = Self.hashes(11)
        seen.remember(try Self.report(judged: Array(hashes.prefix(10))), of: channel, keys: 0)
        #expect(seen.memory(of: channel, at: 0, keys: 0).isJudged(hashes[0]))
        seen.remember(try Self.report(judged: [hashes[10]]), of: channel, keys: 0)
        #expect(!seen.memory(of: channel, at: 0, keys: 0).isJudged(hashes[0]))
    }

    @Test func inAllItHoldsNoMoreThanItMayAndForgetsWhatWasLookedAtLongestAgo() throws {
        var seen = SeenTransactions(perTree: 100, inAll: 2000)
        let channels = (0..<200).map { _ in ChannelNumber.random() }
        let hash = Self.hashes(1)[0]
        seen.remember(try Self.report(judged: [hash]), of: channels[0], keys: 0)
        for (place, channel) in channels.enumerated().dropFirst() {
            #expect(seen.memory(of: channels[0], at: 0, keys: 0).isJudged(hash))
            let hashes = Self.hashes(50, seed: UInt64(place))
            seen.remember(try Self.report(judged: hashes), of: channel, keys: 0)
            #expect(seen.memory(of: channel, at: 0, keys: 0).isJudged(hashes[0]))
            #expect(seen.weight <= 2000)
        }
        #expect(!seen.memory(of: channels[1], at: 0, keys: 0).isJudged(Self.hashes(1, seed: 1)[0]))
    }

    @Test func treesWithoutTransactionsTakeRoomToo() throws {
        var seen = SeenTransactions(perTree: 100, inAll: 2000)
        let channel = ChannelNumber.random()
        for position in 0..<10_000 {
            seen.remember(try Self.report(Int64(position)), of: channel, keys: 0)
        }
        #expect((1...2000).contains(seen.weight))
    }

    @Test func whatIsForgottenTakesNoRoom() throws {
        var seen = SeenTransactions(perTree: 100, inAll: 1000)
        let channel = ChannelNumber.random()
        seen.remember(try Self.report(judged: Self.hashes(20)), of: channel, keys: 0)
        #expect(seen.weight > 0)
        seen.forget(channel, position: 0)
        #expect(seen.weight == 0)
    }
}
