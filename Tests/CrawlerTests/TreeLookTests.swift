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

/// One look at one address, step by step, without a node or a database.
@Suite struct TreeLookTests {
    @Test func anEmptyAddressGivesAnEmptyReport() throws {
        var look = Self.look(try Written.channel("A").root)
        let trace = try Self.run(&look, sighting: Sighting(hashes: []), tangle: [:])
        let report = try #require(trace.report)
        #expect(trace.fetches.isEmpty)
        #expect(report.nextRoot == nil)
        #expect(!report.flooded && !report.leftOver)
    }

    @Test func oneLookFetchesNoMoreThanItsBudgetInBoundedParts() throws {
        var policy = CrawlPolicy()
        policy.transactionsPerLook = 100
        policy.transactionsPerFetch = 30
        let root = try Written.channel("A").root
        var look = Self.look(root, policy: policy)
        var junk = Junk(address: look.address, generator: SeededGenerator(seed: 1))
        let flood = try (0..<250).map { _ in try junk.noise() }
        let tangle = Dictionary(uniqueKeysWithValues: flood)
        let trace = try Self.run(&look, sighting: Sighting(hashes: flood.map(\.0)), tangle: tangle)
        let report = try #require(trace.report)
        #expect(trace.fetches.map(\.count) == [30, 30, 30, 10])
        #expect(report.judged.count == 100)
        #expect(report.leftOver && report.flooded)
    }

    /// A node that cuts its lists shows a part of a message only.
    @Test func whatACutListHidesIsFoundByItsBundle() throws {
        var channel = try Written.channel("A")
        let root = channel.root
        let written = try channel.write("a message of several transactions")
        let bundle = try Written.bundle(written.payload, at: written.address)
        let shown = Array(bundle.hashes.dropFirst())
        try #require(!shown.isEmpty)
        for isCut in [false, true] {
            var look = Self.look(root)
            let trace = try Self.run(
                &look, sighting: Sighting(hashes: shown, mayBeIncomplete: isCut),
                tangle: Self.tangle([bundle]))
            let report = try #require(trace.report)
            #expect(trace.trails == (isCut ? [.bundles([bundle.bundleHash])] : []))
            #expect(report.messages.count == (isCut ? 1 : 0))
            #expect(report.flooded == isCut)
        }
    }

    @Test func bundlesWithoutTailsAreAskedForOnceAndWithinABound() throws {
        var policy = CrawlPolicy()
        policy.bundlesCompleted = 7
        var look = Self.look(try Written.channel("A").root, policy: policy)
        var junk = Junk(address: look.address, generator: SeededGenerator(seed: 9))
        let flood = try (0..<40).map { _ in try junk.noise() }
        let trace = try Self.run(
            &look, sighting: Sighting(hashes: flood.map(\.0), mayBeIncomplete: true),
            tangle: Dictionary(uniqueKeysWithValues: flood))
        try #require(trace.trails.count == 2)
        guard case .bundles(let bundles) = trace.trails[0],
            case .approvees(let approvees) = trace.trails[1]
        else {
            Issue.record("asked by \(trace.trails)")
            return
        }
        #expect(bundles.count == 7 && approvees.count == 7)
        #expect(trace.report?.judged.count == 40)
    }

    /// Where a node hides a message among a thousand copies of its transactions.
    @Test func whatItsBundleDoesNotLeadToIsFoundFromTransactionToTransaction() throws {
        var channel = try Written.channel("A")
        let root = channel.root
        let written = try channel.write(String(repeating: "long ", count: 1500))
        let bundle = try Written.bundle(written.payload, at: written.address)
        try #require(bundle.hashes.count > 5)
        let shown = [try #require(bundle.hashes.last)]
        for steps in [CrawlPolicy().approveeSteps, 3] {
            var policy = CrawlPolicy()
            policy.approveeSteps = steps
            var look = Self.look(root, policy: policy)
            let trace = try Self.run(
                &look, sighting: Sighting(hashes: shown, mayBeIncomplete: true),
                tangle: Self.tangle([bundle]), hidingBundles: true)
            let report = try #require(trace.report)
            let needed = bundle.hashes.count - 1
            #expect(trace.trails.count == 1 + min(steps, needed))
            #expect(report.messages.count == (steps < needed ? 0 : 1))
            #expect(report.flooded)
        }
    }

    @Test func aHashNamedTwiceIsFetchedOnce() throws {
        var look = Self.look(try Written.channel("A").root)
        var junk = Junk(address: look.address, generator: SeededGenerator(seed: 2))
        let (hash, transaction) = try junk.noise()
        let trace = try Self.run(
            &look, sighting: Sighting(hashes: [hash, hash, hash]), tangle: [hash: transaction])
        #expect(trace.fetches == [[hash]])
    }

    @Test func tailsWithoutEndAreSoughtWithinTheBudget() throws {
        var policy = CrawlPolicy()
        policy.transactionsPerLook = 50
        policy.unresolvedPerLook = 20
        var look = Self.look(try Written.channel("A").root, policy: policy)
        var junk = Junk(address: look.address, generator: SeededGenerator(seed: 3))
        let flood = try (0..<50).map { _ in try junk.incompleteTail() }
        let trace = try Self.run(
            &look, sighting: Sighting(hashes: flood.map(\.0)),
            tangle: Dictionary(uniqueKeysWithValues: flood))
        let report = try #require(trace.report)
        #expect(trace.fetches.joined().count == 100)
        #expect(report.incompleteTails.count == 50)
        #expect(report.flooded)
        #expect(!report.leftOver)
    }

    @Test func whatIsUnresolvedHasItsTurnInAFewLooks() throws {
        var policy = CrawlPolicy()
        policy.unresolvedPerLook = 20
        let root = try Written.channel("A").root
        var look = Self.look(root, policy: policy)
        var junk = Junk(address: look.address, generator: SeededGenerator(seed: 4))
        let flood = try (0..<95).map { _ in try junk.incompleteTail() }
        let tangle = Dictionary(uniqueKeysWithValues: flood)
        let sighting = Sighting(hashes: flood.map(\.0))
        let first = try #require(
            try Self.run(&look, sighting: sighting, tangle: tangle).report)
        #expect(first.incompleteTails.count == 95)
        var again: Set<Hash> = []
        for looks in 1...5 {
            var look = Self.look(
                root, memory: Self.memory(after: first, looks: looks), policy: policy)
            let trace = try Self.run(&look, sighting: sighting, tangle: tangle)
            let asked = Set(trace.fetches.joined()).intersection(flood.map(\.0))
            #expect(asked.count <= 20)
            #expect(trace.report?.postponed == 95 - asked.count)
            again.formUnion(asked)
        }
        #expect(again.count == 95)
    }

    @Test func junkIsNotFetchedAgainAndWhatWasNotGivenIs() throws {
        let root = try Written.channel("A").root
        var look = Self.look(root)
        var junk = Junk(address: look.address, generator: SeededGenerator(seed: 5))
        let noise = try (0..<5).map { _ in try junk.noise() }
        let invalid = try junk.completeTail()
        let withheld = junk.hash()
        let all = noise.map(\.0) + [invalid.0, withheld]
        let tangle = Dictionary(uniqueKeysWithValues: noise + [invalid])
        let first = try #require(
            try Self.run(&look, sighting: Sighting(hashes: all), tangle: tangle).report)
        #expect(first.rejected == 1)
        #expect(first.unanswered == [withheld])
        var second = Self.look(root, memory: Self.memory(after: first))
        let trace = try Self.run(&second, sighting: Sighting(hashes: all), tangle: tangle)
        #expect(trace.fetches == [[withheld]])
    }

    @Test func aTailAfterItsOtherTransactionsWereJudgedIsStillABundle() throws {
        var writer = try Written.channel("A")
        let root = writer.root
        let long = try writer.write(String(repeating: "long ", count: 500))
        let bundle = try Written.bundle(long.payload, at: long.address)
        try #require(bundle.transactions.count >= 3)
        var look = Self.look(root)
        let first = try #require(
            try Self.run(
                &look, sighting: Sighting(hashes: Array(bundle.hashes.dropFirst())),
                tangle: Self.tangle([bundle])
            ).report)
        #expect(first.messages.isEmpty)
        #expect(first.judged.count == bundle.hashes.count - 1)
        var second = Self.look(root, memory: Self.memory(after: first))
        let report = try Self.run(
            &second, sighting: Sighting(hashes: bundle.hashes), tangle: Self.tangle([bundle])
        ).report
        #expect(report?.messages.count == 1)
        #expect(report?.nextRoot == long.nextRoot)
    }

    @Test func keysAreTriedInTheirOrderAndOnlyOnWhatTheOneBeforeDidNotOpen() throws {
        let old = try SideKey("OLD")
        let new = try SideKey("NEW")
        let unknown = try SideKey("UNKNOWN")
        var payloads: [Bundle] = []
        for (key, leaf) in [(new, 0), (old, 1), (unknown, 2)] {
            var writer = try ChannelWriter(
                seed: Seed(String(repeating: "B", count: 81)), mode: .restricted, sideKey: key,
                securityLevel: 1, leavesPerTree: 4, leaf: leaf)
            let message = try writer.write("leaf \(leaf)")
            payloads.append(try Written.bundle(message.payload, at: message.address))
        }
        let root = try Written.channel("B", mode: .restricted, sideKey: new, leaves: 4).root
        let keys = [NumberedSideKey(number: 1, key: new), NumberedSideKey(number: 0, key: old)]
        var look = Self.look(root, mode: .restricted, keys: keys)
        let trace = try Self.run(
            &look, sighting: Sighting(hashes: payloads.flatMap(\.hashes)),
            tangle: Self.tangle(payloads))
        let report = try #require(trace.report)
        #expect(trace.keys == [new, old])
        #expect(trace.payloads == [3, 2])
        #expect(report.messages.map(\.sideKey) == [1, 0])
        #expect(report.messages.map(\.message.index) == [0, 1])
        #expect(report.unreadable.map(\.tail) == [payloads[2].tail])
    }

    @Test func whatWaitedIsTriedOnlyWithAnotherNumberOfKeys() throws {
        let key = try SideKey("KEY")
        var writer = try Written.channel("C", mode: .restricted, sideKey: key)
        let root = writer.root
        let message = try writer.write("waited")
        let bundle = try Written.bundle(message.payload, at: message.address)
        let keys = [NumberedSideKey(number: 0, key: key)]
        let tried = Self.memory(
            after: TreeReport(tree: Self.tree(root)), keys: 1)
        var look = Self.look(root, mode: .restricted, keys: keys, waiting: [bundle], memory: tried)
        let idle = try #require(
            try Self.run(&look, sighting: Sighting(hashes: []), tangle: [:]).report)
        #expect(idle.messages.isEmpty && idle.settled.isEmpty)
        look = Self.look(root, mode: .restricted, keys: keys, waiting: [bundle])
        let report = try #require(
            try Self.run(&look, sighting: Sighting(hashes: []), tangle: [:]).report)
        #expect(report.messages.count == 1)
        #expect(report.settled.map(\.tail) == [bundle.tail])
    }

    @Test func manyKeysLeaveTimeForFewBundlesAndTheOthersComeLater() throws {
        var policy = CrawlPolicy()
        policy.readsPerLook = 40
        let key = try SideKey("RIGHT")
        let keys = try (0..<10).map {
            NumberedSideKey(
                number: Int16($0), key: try SideKey("WRONG" + String(repeating: "A", count: $0)))
        }
        var bundles: [Bundle] = []
        for _ in 0..<9 {
            var writer = try Written.channel("D", mode: .restricted, sideKey: key)
            let message = try writer.write("number \(bundles.count)")
            bundles.append(try Written.bundle(message.payload, at: message.address))
        }
        let root = try Written.channel("D", mode: .restricted, sideKey: key).root
        let sighting = Sighting(hashes: bundles.flatMap(\.hashes))
        var memory = SeenTransactions.Memory()
        var seen = SeenTransactions(perTree: 1000, inAll: 10_000)
        let channel = ChannelNumber.random()
        var unreadable: [Int] = []
        for _ in 0..<4 {
            var look = Self.look(
                root, mode: .restricted, keys: keys, memory: memory, policy: policy)
            let trace = try Self.run(&look, sighting: sighting, tangle: Self.tangle(bundles))
            let report = try #require(trace.report)
            #expect(trace.payloads.reduce(0, +) <= 40)
            #expect(report.leftOver == report.flooded)
            unreadable.append(report.unreadable.count)
            seen.remember(report, of: channel, keys: keys.count)
            memory = seen.memory(of: channel, at: 0, keys: keys.count)
        }
        #expect(unreadable == [4, 4, 1, 0])
    }

    @Test func aTrunkThatLeadsToAnotherAddressEndsTheBundle() throws {
        let root = try Written.channel("A").root
        var look = Self.look(root)
        var junk = Junk(address: look.address, generator: SeededGenerator(seed: 6))
        var foreign = Junk(address: .null, generator: SeededGenerator(seed: 7))
        let (tail, transaction) = try junk.incompleteTail()
        let elsewhere = try foreign.noise().1
        let trace = try Self.run(
            &look, sighting: Sighting(hashes: [tail]),
            tangle: [tail: transaction, transaction.trunk: elsewhere])
        let report = try #require(trace.report)
        #expect(report.rejected == 1)
        #expect(report.judged.contains(tail))
        #expect(report.incompleteTails.isEmpty)
    }

    @Test func onlyAPassedTreeAsksWhatIsConfirmed() throws {
        var writer = try Written.channel("A")
        let root = writer.root
        let message = try writer.write("hello")
        let bundle = try Written.bundle(message.payload, at: message.address)
        let sighting = Sighting(hashes: bundle.hashes)
        var head = Self.look(root)
        let atHead = try Self.run(&head, sighting: sighting, tangle: Self.tangle([bundle]))
        #expect(atHead.confirms.isEmpty)
        let first = try #require(atHead.report)
        #expect(first.unconfirmed == [bundle.tail])
        var passed = Self.look(root, memory: Self.memory(after: first), watched: true)
        let trace = try Self.run(
            &passed, sighting: sighting, tangle: Self.tangle([bundle]),
            confirmed: [bundle.tail: 12])
        #expect(trace.fetches.isEmpty)
        #expect(trace.confirms == [[bundle.tail]])
        #expect(trace.report?.confirmed == [bundle.tail: 12])
        #expect(trace.report?.unconfirmed == [])
    }

    @Test func anAnswerAboutTransactionsNobodyAskedForConfirmsNothing() throws {
        var writer = try Written.channel("A")
        let root = writer.root
        let message = try writer.write("hello")
        let bundle = try Written.bundle(message.payload, at: message.address)
        var look = Self.look(root, watched: true)
        _ = look.begin()
        _ = look.found(Sighting(hashes: bundle.hashes))
        guard
            case .read(let requests) = look.fetched(
                Self.tangle([bundle]), asked: bundle.hashes),
            case .confirm = look.read(MessageReader.read(requests, .full)),
            case .finished(let report) = look.confirmed([.null: 3])
        else {
            Issue.record("another course than fetch, read, confirm")
            return
        }
        #expect(report.confirmed.isEmpty)
        #expect(report.unconfirmed == [bundle.tail])
    }
}
