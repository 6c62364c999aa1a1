import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import TestSupport
import Testing
import Vault

/// Roots that were never crawled, and yet known of a channel.
@Suite struct BypassedRootTests {
    private func forget(_ channel: ChannelNumber, _ test: TestArchive, _ clock: TestClock)
        async throws
    {
        let request = try await test.archive.receiveForgetRequest(
            .channel(channel), reason: nil, now: clock.now)
        _ = try await Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            .execute(request.id)
    }

    private func expectForgotten(_ root: Root, _ test: TestArchive, _ clock: TestClock)
        async throws
    {
        await #expect(throws: ArchiveError.forgotten) {
            _ = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
        }
    }

    /// Whichever of the two the chain took.
    @Test(arguments: [false, true])
    func theNextRootThatATwinNamesIsRefusedAfterAForget(twinComesLater: Bool) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let source = MemoryTangle()
            var chain = try WrittenChain("B", on: source)
            let (root, elsewhere) = (chain.root, try Root(String(repeating: "Q", count: 81)))
            let channel = try await test.archive.register(
                ChannelRegistration(root: root, mode: .private), now: clock.now)
            let crawler = try test.crawler(source, clock: clock)
            let before = chain
            if !twinComesLater { try chain.twin("two", nextRoot: elsewhere, at: clock.now) }
            try chain.write("one", at: clock.now)
            let next = chain.writer.root
            _ = try await crawler.crawlUntilIdle()
            if twinComesLater {
                try before.twin("two", nextRoot: elsewhere, at: clock.now)
                clock.advance(3600)
                _ = try await crawler.crawlUntilIdle()
            }
            #expect(try await test.read(channel).map(\.stored.conflict) == [true, true])
            #expect(try await test.rowCount(of: "bypassed_root") == 1)
            try await forget(channel, test, clock)
            for root in [root, next, elsewhere] { try await expectForgotten(root, test, clock) }
            #expect(try await test.rowCount(of: "bypassed_root") == 0)
        }
    }

    @Test func theRootOfAnEarlierChainThatWasGivenUpIsRefusedAfterAForget() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let roots = try vector.messages.map { try Root($0.root) }
            let channel = try await test.archive.register(
                ChannelRegistration(
                    root: roots[10], mode: vector.mode,
                    sideKey: try vector.messages[0].sideKey.map { try SideKey($0) }),
                now: clock.now)
            try await test.archive.extend(channel, from: roots[0], now: clock.now)
            try await test.archive.extend(channel, from: roots[5], now: clock.now)
            #expect(try await test.rowCount(of: "bypassed_root") == 1)
            try await forget(channel, test, clock)
            for place in [0, 5, 10] { try await expectForgotten(roots[place], test, clock) }
        }
    }

    @Test(arguments: ["meter", "tree-of-4"])
    func anOrdinaryChainBypassesNothing(_ name: String) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named(name)
            let source = try MemoryTangle.recorded()
            // Leaves that come when their trees were passed long ago.
            let late = vector.messages.enumerated().filter { $0.offset % 4 > 0 }
            source.hide(late.flatMap(\.element.transactions))
            _ = try await test.register(vector, now: clock.now)
            let crawler = try test.crawler(source, clock: clock)
            for _ in 0..<3 {
                _ = try await crawler.crawlUntilIdle()
                clock.advance(3600)
                source.show(late.flatMap(\.element.transactions))
            }
            #expect(try await test.rowCount(of: "message") == vector.messages.count)
            #expect(try await test.rowCount(of: "bypassed_root") == 0)
        }
    }
}
