import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// What a node's commands look up goes with what it leads to.
@Suite struct NodeLookupTests {
    private static let tables = ["node_lookup", "node_attachment"]

    private func switchOn(_ test: TestArchive, _ channel: ChannelNumber) async throws {
        try await test.archive.setNodeInterface(.public, of: channel)
        while try await test.archive.workOnNodeLookups(of: channel) {}
    }

    private func rows(_ test: TestArchive) async throws -> [Int] {
        try await [test.rowCount(of: Self.tables[0]), test.rowCount(of: Self.tables[1])]
    }

    /// Of rows of the tables, as they stand in the database's files.
    private func bytes(_ test: TestArchive, of channel: ChannelNumber) async throws -> [[UInt8]] {
        try await test.pool.withConnection { connection in
            let lookups = try await connection.query(
                "select distinct lookup from node_lookup where channel = $1",
                [.int64(channel.rawValue)]
            ).map { try $0.bytes("lookup") }
            let sealed = try await connection.query(
                """
                select substring(sealed_hashes for 24) as bytes from node_attachment
                where channel = $1
                """, [.int64(channel.rawValue)]
            ).map { try $0.bytes("bytes") }
            return lookups + sealed
        }
    }

    /// The files of this database, where they can be read here.
    private func files(_ test: TestArchive) async throws -> [String] {
        let rows = try await test.pool.withConnection { connection in
            try await connection.script("checkpoint")
            return try await connection.query(
                """
                select current_setting('data_directory') || '/base/' || oid as path
                from pg_database where datname = current_database()
                """)
        }
        let folder = try #require(rows.first).text("path")
        return try FileManager.default.contentsOfDirectory(atPath: folder).map { "\(folder)/\($0)" }
    }

    @Test func aForgetTakesThemAndNoneIsFoundOnTheDisk() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let other = try await test.fill(channel: "private", clock: clock)
            let channel = try await test.fill(channel: "meter", subject: "anna-7", clock: clock)
            try await switchOn(test, other)
            let kept = try await rows(test)
            try await switchOn(test, channel)
            let all = try await rows(test)
            let gone = try await bytes(test, of: channel)
            let staying = try await bytes(test, of: other)
            #expect(gone.count > 100 && !staying.isEmpty)
            let plan = try await test.archive.planForget(.subject("anna-7"))
            for (table, (before, after)) in zip(Self.tables, zip(all, kept)) {
                #expect(plan.rows[table] == before - after && before > after)
            }
            var before = FileSearch(gone)
            for file in try await files(test) { _ = await before.look(into: file) }
            try #require(before.found.count == Set(gone).count)

            let request = try await test.archive.receiveForgetRequest(
                .subject("anna-7"), reason: nil, now: clock.now)
            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            _ = try await eraser.execute(request.id)
            try await eraser.complete(atOnce: true)
            #expect(try await rows(test) == kept)
            let receipt = try SignedReceipt(
                text: Array(
                    #require(await test.archive.forgetRequest(request.id).receipt).utf8)
            ).receipt()
            for table in Self.tables { #expect(receipt.rows[table] == plan.rows[table]) }
            #expect(receipt.proof.dataFiles.found == 0)
            let record = try await test.archive.channel(channel)
            #expect(record.nodeInterface == nil && record.nodeInterfaceIsReady)

            var search = FileSearch(gone + staying)
            for file in try await files(test) { _ = await search.look(into: file) }
            #expect(search.found == Set(staying))
            let vector = try ChannelVector.named("meter")
            let asked = try await test.archive.nodeTrytes(
                vector.messages.flatMap(\.transactions), for: .all
            ).value
            #expect(asked.isEmpty)
        }
    }

    /// Channels of the same chain have lookups in common, and the search does not mistake those
    /// of the one that stays for some of the one that went.
    @Test func whatAnotherChannelStillHasIsNotLookedFor() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("public")
            let first = try await test.fill(channel: "public", clock: clock)
            let second = try await test.archive.register(
                ChannelRegistration(root: Root(vector.messages[1].root), mode: .public),
                now: clock.now)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            for channel in [first, second] { try await switchOn(test, channel) }
            let found = try await test.archive.nodeTransactions(
                TransactionQuery(addresses: [vector.messages[1].address]), limit: 100, for: nil
            )?.value
            #expect(found?.count == 3)
            let request = try await test.archive.receiveForgetRequest(
                .channel(second), reason: nil, now: clock.now)
            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            _ = try await eraser.execute(request.id)
            try await eraser.complete(atOnce: true)
            let receipt = try SignedReceipt(
                text: Array(
                    #require(await test.archive.forgetRequest(request.id).receipt).utf8)
            ).receipt()
            #expect(receipt.proof.dataFiles.found == 0)
            let after = try await test.archive.nodeTransactions(
                TransactionQuery(addresses: [vector.messages[1].address]), limit: 100, for: nil
            )?.value
            #expect(after == found)
        }
    }

    @Test func aPeriodsForgetTakesThoseOfItsMessages() async throws {
        try await TestArchive.with { test in
            let clock = TestClock(Date(timeIntervalSince1970: 1_800_000_000))  // 2027-01-15
            let vector = try ChannelVector.named("meter")
            let source = try MemoryTangle.recorded()
            source.hide(vector.messages.dropFirst(8).flatMap(\.transactions))
            let channel = try await test.register(vector, now: clock.now)
            try await switchOn(test, channel)
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
            let first = try await rows(test)
            #expect(first[1] == 8)
            let gone = try await bytes(test, of: channel)
            clock.advance(86_400 * 31)
            source.show(vector.messages.flatMap(\.transactions))
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
            let all = try await rows(test)
            #expect(all[1] == 24)

            let periods = try #require(ClosedRange<Period>(text: "2027-01"))
            let plan = try await test.archive.planForget(.period(channel, periods))
            #expect(plan.rows["node_attachment"] == 8)
            #expect(plan.rows["node_lookup"] == first[0])
            let request = try await test.archive.receiveForgetRequest(
                .period(channel, periods), reason: nil, now: clock.now)
            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            let done = try await eraser.execute(request.id)
            #expect(try await rows(test) == [all[0] - first[0], 16])
            let receipt = try SignedReceipt(text: Array(#require(done.receipt).utf8)).receipt()
            #expect(receipt.rows["node_attachment"] == 8)
            #expect(receipt.rows["node_lookup"] == first[0])
            let left = try await test.archive.nodeTrytes(
                vector.messages.flatMap(\.transactions), for: nil
            ).value
            #expect(Set(left.keys) == Set(vector.messages.dropFirst(8).flatMap(\.transactions)))
            try await eraser.complete(atOnce: true)
            // Approved transactions may be those of messages that stay.
            let staying = Set(try await bytes(test, of: channel))
            var search = FileSearch(gone.filter { !staying.contains($0) })
            for file in try await files(test) { _ = await search.look(into: file) }
            #expect(search.found.isEmpty && gone.count > 50)
        }
    }

    /// A restored database has them again, and loses them again.
    @Test func aDatabaseFromAnOlderBackupLosesThemAgain() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "public", clock: clock)
            try await switchOn(test, channel)
            let saved = try await SavedDatabase.save(test)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            _ = try await eraser.execute(request.id)
            try await saved.restore(test)
            #expect(try await rows(test)[1] > 0)
            _ = try await test.pool.withConnection {
                try await Reconciliation(vault: test.vault).run(on: $0)
            }
            #expect(try await rows(test) == [0, 0])
        }
    }
}
