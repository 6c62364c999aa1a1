import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import MAM
import TestSupport
import Testing
import Vault

/// Side keys of a channel: which are taken, and how many.
@Suite struct SideKeyTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private static func restricted(_ test: TestArchive) async throws -> ChannelNumber {
        try await test.archive.register(
            ChannelRegistration(
                root: Root(String(repeating: "S", count: 81)), mode: .restricted,
                sideKey: SideKey("FIRST")), now: now)
    }

    @Test func theSameKeyIsKeptOnce() async throws {
        try await TestArchive.with { test in
            let channel = try await Self.restricted(test)
            #expect(try await test.archive.add(SideKey("SECOND"), to: channel, now: Self.now) == 1)
            #expect(try await test.archive.add(SideKey("FIRST"), to: channel, now: Self.now) == 0)
            // Nines at the end make no other key.
            #expect(try await test.archive.add(SideKey("FIRST99"), to: channel, now: Self.now) == 0)
            #expect(try await test.archive.add(SideKey("THIRD"), to: channel, now: Self.now) == 2)
            let keys = try await test.archive.sideKeys(of: channel)
            #expect(
                keys == [
                    0: try SideKey("FIRST"), 1: try SideKey("SECOND"), 2: try SideKey("THIRD"),
                ])
            #expect(try await test.archive.channel(channel).sideKeyCount == 3)
        }
    }

    @Test func everyKeyRaisesTheEpochAndMakesTheChannelDue() async throws {
        try await TestArchive.with { test in
            let channel = try await Self.restricted(test)
            let before = try await test.archive.channel(channel)
            let assignment = try await test.lease(channel, now: Self.now)
            let later = Self.now.addingTimeInterval(5)
            try await test.archive.add(SideKey("SECOND"), to: channel, now: later)
            let after = try await test.archive.channel(channel)
            #expect(after.epoch == before.epoch + 2)
            #expect(after.nextLookAt == later)
            let outcomes = try await test.archive.commit(
                [CrawlFindings(lease: assignment.lease)], now: later)
            #expect(outcomes == [.fenced])
            // The lease was taken as well, so that the channel is not waited for.
            #expect(
                try await test.lease(channel, now: later).sideKeys.map(\.number) == [1, 0])
        }
    }

    @Test func theNumberIsBounded() async throws {
        try await TestArchive.with { test in
            let channel = try await Self.restricted(test)
            // Rows that look like keys, without the work of sealing a thousand.
            try await test.execute(
                """
                insert into side_key (channel, number, lookup, sealed_key, added_at)
                select channel, n, decode(lpad(to_hex(n), 32, '0'), 'hex'), sealed_key, added_at
                from side_key, generate_series(1, \(Archive.sideKeyLimit - 1)) n where number = 0
                """)
            await #expect(throws: ArchiveError.tooManySideKeys(limit: Archive.sideKeyLimit)) {
                try await test.archive.add(SideKey("ONETOOMANY"), to: channel, now: Self.now)
            }
            #expect(try await test.archive.add(SideKey("FIRST"), to: channel, now: Self.now) == 0)
            #expect(try await test.rowCount(of: "side_key") == Archive.sideKeyLimit)
        }
    }

    @Test func keysAreRefusedWhereTheyDoNotBelong() async throws {
        try await TestArchive.with { test in
            let open = try await test.register(
                Root(String(repeating: "P", count: 81)), now: Self.now)
            await #expect(throws: ArchiveError.sideKeyNotWanted) {
                try await test.archive.add(SideKey("K"), to: open, now: Self.now)
            }
            let unknown = ChannelNumber.random()
            await #expect(throws: ArchiveError.noSuchChannel(unknown)) {
                try await test.archive.add(SideKey("K"), to: unknown, now: Self.now)
            }
            let channel = try await Self.restricted(test)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: Self.now)
            _ = try await Eraser(archive: test.archive, log: .silent).execute(request.id)
            await #expect(throws: ArchiveError.wrongState(channel, .forgotten)) {
                try await test.archive.add(SideKey("K"), to: channel, now: Self.now)
            }
            #expect(try await test.rowCount(of: "side_key") == 0)
        }
    }
}
