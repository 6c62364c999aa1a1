import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Postgres
import TestSupport
import Testing
import Vault

/// Values that were changed, cut or moved to another row: found out, named, and no more.
@Suite struct DamageTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// Swaps the values of a column between two rows of a table.
    private static func swap(
        _ column: String, of table: String, _ one: String, _ other: String, in test: TestArchive
    ) async throws {
        try await test.execute(
            """
            update \(table) t set \(column) = o.\(column)
            from \(table) o
            where (t.ctid, o.ctid) in (
                select a.ctid, b.ctid from \(table) a, \(table) b
                where (\(one.prefixed("a")) and \(other.prefixed("b")))
                    or (\(one.prefixed("b")) and \(other.prefixed("a"))))
            """)
    }

    private static func messages(_ test: TestArchive, _ channel: ChannelNumber) async throws
        -> [StoredMessage]
    {
        try await test.archive.messages(of: channel, MessageRange(), limit: 100).messages
    }

    @Test func headsSwappedWithinAChannelAreDamaged() async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill("A", count: 2, now: Self.now)
            let healthy = try await test.fill("B", count: 2, now: Self.now)
            #expect(try await Self.messages(test, channel).count == 2)
            try await Self.swap(
                "sealed_head", of: "message", "@channel = \(channel.rawValue) and @sequence = 0",
                "@channel = \(channel.rawValue) and @sequence = 1", in: test)
            await Self.expectDamage { try await Self.messages(test, channel) }
            await Self.expectDamage { try await test.archive.evidence(of: channel, sequence: 0) }
            #expect(try await Self.messages(test, healthy).count == 2)
        }
    }

    @Test func headsSwappedBetweenChannelsAreDamaged() async throws {
        try await TestArchive.with { test in
            let one = try await test.fill("A", count: 1, now: Self.now)
            let other = try await test.fill("B", count: 1, now: Self.now)
            try await Self.swap(
                "sealed_head", of: "message", "@channel = \(one.rawValue)",
                "@channel = \(other.rawValue)", in: test)
            for channel in [one, other] {
                await Self.expectDamage { try await Self.messages(test, channel) }
            }
        }
    }

    @Test func evidenceSwappedBetweenMessagesIsDamagedAndTheirTextsAreNot() async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill("A", count: 2, now: Self.now)
            try await Self.swap(
                "sealed_evidence", of: "attachment", "@sequence = 0", "@sequence = 1", in: test)
            for sequence: Int64 in [0, 1] {
                await Self.expectDamage {
                    try await test.archive.evidence(of: channel, sequence: sequence)
                }
            }
            #expect(try await test.read(channel).count == 2)
        }
    }

    @Test func bytesThatWereChangedCutOrEmptiedAreDamaged() async throws {
        for change in [
            "set_byte(sealed_head, octet_length(sealed_head) - 1, (get_byte(sealed_head, octet_length(sealed_head) - 1) + 1) % 256)",
            "set_byte(sealed_head, 0, (get_byte(sealed_head, 0) + 1) % 256)",
            "substring(sealed_head for octet_length(sealed_head) - 1)",
            "substring(sealed_head for 5)", "''::bytea", "sealed_head || '\\x00'::bytea",
        ] {
            try await TestArchive.with { test in
                let channel = try await test.fill("A", count: 1, now: Self.now)
                try await test.execute("update message set sealed_head = \(change)")
                await Self.expectDamage { try await Self.messages(test, channel) }
            }
        }
    }

    @Test func aRowThatWasMovedIsDamaged() async throws {
        for change in ["sequence = 7", "period = period + 1", "period = -5", "period = 2000000000"]
        {
            try await TestArchive.with { test in
                let channel = try await test.fill("A", count: 1, now: Self.now)
                try await test.execute("update message set \(change)")
                await Self.expectDamage { try await Self.messages(test, channel) }
            }
        }
    }

    @Test func aChannelWhoseRootOrKeyWasChangedIsSetAsideAndTheOthersAreCrawled() async throws {
        try await TestArchive.with { test in
            let key = try SideKey("KEY")
            var channels: [ChannelNumber] = []
            for letter in ["K", "L", "M", "N"] {
                channels.append(
                    try await test.archive.register(
                        ChannelRegistration(
                            root: Root(String(repeating: letter, count: 81)), mode: .restricted,
                            sideKey: key), now: Self.now))
            }
            try await Self.swap(
                "sealed_root", of: "tree", "@channel = \(channels[0].rawValue)",
                "@channel = \(channels[1].rawValue)", in: test)
            try await test.execute(
                "update side_key set sealed_key = sealed_key || '\\x01'::bytea where channel = $1",
                [.int64(channels[2].rawValue)])
            let leased = try await test.archive.acquireLeases(
                owner: "test", limit: 10, duration: 60, now: Self.now)
            #expect(leased.map(\.lease.channel) == [channels[3]])
            for channel in channels.prefix(3) {
                let record = try await test.archive.channel(channel)
                #expect(record.state == .stalled)
                #expect(record.reason == "archive.damaged")
                #expect(record.nextLookAt > Self.now)
            }
            // They are not asked for again and again.
            #expect(
                try await test.archive.acquireLeases(
                    owner: "test", limit: 10, duration: 60,
                    schedule: .notLookedAtSince(Self.now), now: Self.now
                ).isEmpty)
        }
    }

    @Test func labelsAndPseudonymsOfOthersAreDamaged() async throws {
        try await TestArchive.with { test in
            let one = try await test.register(
                Root(String(repeating: "K", count: 81)), label: "one", subject: "person one",
                now: Self.now)
            let other = try await test.register(
                Root(String(repeating: "L", count: 81)), label: "other", subject: "person other",
                now: Self.now)
            try await Self.swap(
                "sealed_label", of: "channel", "@id = \(one.rawValue)", "@id = \(other.rawValue)",
                in: test)
            await Self.expectDamage { try await test.archive.channel(one) }
            try await Self.swap(
                "sealed_label", of: "channel", "@id = \(one.rawValue)", "@id = \(other.rawValue)",
                in: test)
            #expect(try await test.archive.channel(one).label == "one")
            let rows = try await test.pool.withConnection {
                try await $0.query("select number from subject order by number")
            }
            let numbers = try rows.map { try $0.int64("number") }
            try await Self.swap(
                "sealed_pseudonym", of: "subject", "@number = \(numbers[0])",
                "@number = \(numbers[1])", in: test)
            await Self.expectDamage { try await test.archive.channel(other) }
        }
    }

    private static func expectDamage<Value>(
        sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> Value
    ) async {
        do {
            _ = try await work()
            Issue.record("nothing was noticed", sourceLocation: sourceLocation)
        } catch {
            #expect(tellsOfDamage(error), "\(error)", sourceLocation: sourceLocation)
        }
    }
}

extension String {
    /// A condition with its columns, marked by `@`, of one table.
    fileprivate func prefixed(_ table: String) -> String {
        "(" + replacingOccurrences(of: "@", with: "\(table).") + ")"
    }
}
