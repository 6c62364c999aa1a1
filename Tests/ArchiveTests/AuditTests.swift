import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Postgres
import Secrets
import TestSupport
import Testing
import Vault

/// What the audit log holds, and what changing it shows.
@Suite struct AuditTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// An archive in which something happened: a channel, a token, a pause.
    private func withHistory(
        _ body: (TestArchive, ChannelNumber, ChannelNumber) async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill("A", count: 3, now: Self.now)
            let token = try await test.archive.createToken(
                .reader, channels: [channel], now: Self.now
            ).record.id
            try await test.archive.pause(channel, now: Self.now)
            try await body(test, channel, token)
        }
    }

    @Test func actsStandInTheLogWithWhoDidThem() async throws {
        try await withHistory { test, channel, token in
            let admin = ChannelNumber.random()
            try await AuditActor.$current.withValue(.token(admin)) {
                try await test.archive.resume(channel, now: Self.now)
            }
            let records = try await test.audited()
            #expect(
                records.map(\.entry.kind) == [
                    "channel.added", "token.created", "token.granted", "channel.paused",
                    "channel.resumed",
                ])
            #expect(records.map(\.entry.actor) == [nil, nil, nil, nil, admin])
            #expect(records.map(\.entry.number) == [0, 1, 2, 3, 4])
            #expect(records[0].details == .open(["mode": "private"]))
            #expect(records[1].details == .open(["role": "reader", "token": token.text]))
            #expect(records[2].entry.leaf == channel)
            #expect(
                try await test.audited(AuditFilter(leaf: channel)).map(\.entry.kind) == [
                    "channel.added", "token.granted", "channel.paused", "channel.resumed",
                ])
        }
    }

    @Test func anActThatIsUndoneLeavesNoEntry() async throws {
        try await withHistory { test, channel, _ in
            struct Undone: Error {}
            let before = try await test.rowCount(of: "audit_entry")
            await #expect(throws: Undone.self) {
                try await test.pool.withTransaction { connection in
                    try await test.archive.recordAct(
                        .channelPaused, of: channel, now: Self.now, on: connection)
                    throw Undone()
                }
            }
            #expect(try await test.rowCount(of: "audit_entry") == before)
            try await test.archive.recordAct(.dumpsImported, now: Self.now)
            #expect(try await test.verified() == [])
        }
    }

    @Test func actsAtTheSameTimeMakeOneChain() async throws {
        try await withHistory { test, channel, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        try await test.archive.recordAct(
                            .dumpsImported, ["n": String(number)], now: Self.now)
                    }
                }
                try await group.waitForAll()
            }
            let report = try await test.archive.verifyAudit { _ in }
            #expect(report.chains == 1)
            #expect(report.entries == 44)
            #expect(report.faults == 0)
        }
    }

    @Test func readsStandInTheLogWithinASecondAddedUpByReaderAndChannel() async throws {
        try await withHistory { test, channel, token in
            for _ in 0..<2 {
                _ = try await AuditActor.$current.withValue(.token(token)) {
                    try await test.archive.messages(of: channel, MessageRange(), limit: 10)
                }
            }
            _ = try await test.archive.evidence(of: channel, sequence: 1)
            let began = ContinuousClock.now
            var reads: [AuditRecord] = []
            while reads.count < 2, ContinuousClock.now - began < .seconds(20) {
                try await Task.sleep(for: .milliseconds(20))
                reads = try await test.audited().filter { $0.entry.kind == "messages.read" }
            }
            reads.sort { ($0.entry.actor == nil ? 1 : 0) < ($1.entry.actor == nil ? 1 : 0) }
            #expect(reads.map(\.entry.actor) == [token, nil])
            #expect(reads.allSatisfy { $0.entry.leaf == channel })
            let ranges = reads.map { read -> [String: String] in
                guard case .open(let details) = read.details else { return [:] }
                return details.filter { ["messages", "first", "last"].contains($0.key) }
            }
            #expect(
                ranges == [
                    ["messages": "6", "first": "0", "last": "2"],
                    ["messages": "1", "first": "1", "last": "1"],
                ])
            let recipients = try await test.archive.recipients(of: channel)
            #expect(Set(recipients.map(\.reader)) == [token, nil])
            #expect(recipients.first { $0.reader == token }?.messages == 6)
            #expect(AuditLog.interval < .seconds(1))
        }
    }

    @Test func whatTheArchiveReadsForItselfIsNotRecorded() async throws {
        try await withHistory { test, channel, _ in
            _ = try await AuditActor.$current.withValue(.upkeep) {
                try await test.archive.messages(of: channel, MessageRange(), limit: 10)
            }
            try await test.archive.audit.flush()
            #expect(try await test.rowCount(of: "recipient") == 0)
        }
    }

    @Test func readsThatCannotBeRecordedAreServedForALimitedTimeOnly() async throws {
        try await withHistory { test, channel, token in
            let archive = Archive(
                pool: test.pool, vault: test.vault, auditPatience: .milliseconds(600))
            func read() async throws {
                _ = try await AuditActor.$current.withValue(.token(token)) {
                    try await archive.messages(of: channel, MessageRange(), limit: 10)
                }
            }
            try await test.script("alter table recipient rename to away")
            let began = ContinuousClock.now
            var served = 0
            do {
                while ContinuousClock.now - began < .seconds(30) {
                    try await read()
                    served += 1
                    try await Task.sleep(for: .milliseconds(10))
                }
                Issue.record("reads went on unrecorded")
            } catch ArchiveError.auditBehind {}
            #expect(served > 0)
            // Nothing of it is lost, and reading goes on, when it can be recorded again.
            try await test.script("alter table away rename to recipient")
            try await archive.audit.flush()
            try await read()
            try await archive.audit.flush()
            let told = try await test.archive.recipients(of: channel).first?.messages
            #expect(told == Int64((served + 1) * 3))
        }
    }

    @Test func theTableRefusesToBeChanged() async throws {
        try await withHistory { test, _, _ in
            for statement in [
                "update audit_entry set kind = 'x'", "delete from audit_entry",
                "truncate audit_entry", "delete from audit_head",
                "update audit_head set number = 0",
            ] {
                await #expect(throws: PostgresError.self) { try await test.script(statement) }
            }
            let faults = try await test.verified()
            #expect(faults == [])
        }
    }

    @Test(arguments: [
        "update audit_entry set kind = 'channel.added' where number = 2",
        "update audit_entry set at = at + interval '1 ms' where number = 2",
        "update audit_entry set actor = 7 where number = 2",
        "update audit_entry set leaf = 7 where number = 2",
        "update audit_entry set sealed_details = null where number = 2",
        "update audit_entry set sealed_details = set_byte(sealed_details, 30, 1 + get_byte(sealed_details, 30) % 255) where number = 2",
        "update audit_entry set hash = set_byte(hash, 0, (1 + get_byte(hash, 0)) % 256) where number = 2",
    ])
    func aChangedByteShows(statement: String) async throws {
        try await withHistory { test, _, _ in
            try await test.tamper(statement)
            let faults = try await test.verified()
            #expect(faults.first?.cause == .changed)
            #expect(faults.first?.number == 2)
        }
    }

    @Test func aRemovedEntryShowsAndSoDoesOneMoreAndACutOffEnd() async throws {
        try await withHistory { test, _, _ in
            try await test.tamper("delete from audit_entry where number = 1")
            #expect(try await test.verified().map(\.cause) == [.missing])
        }
        try await withHistory { test, _, _ in
            try await test.tamper(
                """
                insert into audit_entry
                select writer, number + 1, at, kind, actor, leaf, sealed_details, hash
                from audit_entry where number = 3
                """)
            #expect(try await test.verified().map(\.cause) == [.changed])
        }
        try await withHistory { test, _, _ in
            try await test.tamper("delete from audit_entry where number = 3")
            let faults = try await test.verified()
            #expect(faults.map(\.cause) == [.cutOff])
            #expect(faults.map(\.number) == [3])
        }
    }

    @Test func whatWasRewrittenThroughoutShowsAgainstHeads() async throws {
        try await withHistory { test, _, _ in
            let heads = try await test.heads()
            #expect(heads.map(\.number) == [3])
            #expect(heads.allSatisfy { $0.isSigned(by: test.vault.signingKey.publicKey) })
            // Who may write as he likes makes the whole chain anew, with one act left out, and
            // without the signed head.
            try await test.rewriteChain { $0.filter { $0.kind != "token.granted" } }
            try await test.tamper("delete from audit_head")
            #expect(try await test.verified() == [])
            #expect(try await test.verified(against: heads).map(\.cause) == [.cutOff])
            try await test.rewriteChain { entries in
                entries + entries.suffix(1)
            }
            #expect(try await test.verified(against: heads).map(\.cause) == [.rewritten])
            // Or takes everything away.
            for table in ["audit_entry", "audit_chain"] {
                try await test.tamper("delete from \(table)")
            }
            #expect(try await test.verified() == [])
            #expect(try await test.verified(against: heads).map(\.cause) == [.cutOff])
        }
    }

    @Test func aHeadThatTheKeyDidNotSignShows() async throws {
        try await withHistory { test, _, _ in
            let head = try #require(try await test.heads().first)
            let forged = AuditHead(
                writer: head.writer, number: head.number + 1, hash: head.hash, at: head.at,
                signature: head.signature)
            #expect(try await test.verified(against: [head]) == [])
            #expect(try await test.verified(against: [forged]).map(\.cause) == [.forgedHead])
            try await test.tamper("update audit_head set at = at + interval '1 s'")
            #expect(try await test.verified().map(\.cause) == [.forgedHead])
        }
    }

    @Test func aHeadIsSignedEveryHourWhileThereIsSomethingNew() async throws {
        try await withHistory { test, channel, _ in
            let audit = test.archive.audit
            func heads() async throws -> Int { try await test.rowCount(of: "audit_head") }
            let now = Self.now
            try await audit.signHeads(now: now.addingTimeInterval(3599))
            #expect(try await heads() == 0)
            try await audit.signHeads(now: now.addingTimeInterval(3601))
            #expect(try await heads() == 1)
            try await audit.signHeads(now: now.addingTimeInterval(9000))
            #expect(try await heads() == 1, "nothing new")
            try await test.archive.resume(channel, now: now)
            try await audit.signHeads(now: now.addingTimeInterval(7200))
            #expect(try await heads() == 1, "within the hour")
            try await audit.signHeads(now: now.addingTimeInterval(7300))
            #expect(try await heads() == 2)
            #expect(try await test.verified() == [])
        }
    }

    @Test func closingSignsWhatThisProcessWroteAndNothingElse() async throws {
        try await withHistory { test, _, token in
            let other = Archive(pool: test.pool, vault: test.vault)
            try await other.audit.close(now: Self.now)
            #expect(try await test.rowCount(of: "audit_head") == 0)
            try await other.revokeToken(token, now: Self.now)
            try await other.audit.close(now: Self.now)
            try await other.audit.close(now: Self.now)
            let heads = try await test.pool.withConnection {
                try await $0.query("select writer from audit_head")
            }
            #expect(try heads.map { try $0.channelNumber("writer") } == [other.audit.writer])
        }
    }

    @Test func ofAForgottenChannelTheDetailsAreGoneAndTheChainHolds() async throws {
        try await withHistory { test, channel, token in
            let heads = try await test.heads()
            try test.vault.forget(channel)
            // Also what is recorded later stands there without details.
            try await test.archive.recordAct(
                .channelResumed, of: channel, ["x": "y"], now: Self.now)
            let records = try await test.audited(AuditFilter(leaf: channel))
            #expect(records.count == 4)
            #expect(records.allSatisfy { $0.details == .forgotten })
            #expect(try await test.verified(against: heads) == [])
            let tokens = try await test.audited().filter { $0.entry.kind == "token.created" }
            #expect(tokens.map(\.details) == [.open(["role": "reader", "token": token.text])])
        }
    }

    @Test func detailsOfAnotherEntryDoNotOpen() async throws {
        try await withHistory { test, channel, _ in
            try await test.tamper(
                """
                update audit_entry a set sealed_details = b.sealed_details
                from audit_entry b where a.number = 0 and b.number = 2
                """)
            let records = try await test.audited(AuditFilter(leaf: channel))
            #expect(records.first?.details == .damaged)
            #expect(try await test.verified().map(\.cause) == [.changed])
        }
    }
}

extension TestArchive {
    func audited(_ filter: AuditFilter = AuditFilter()) async throws -> [AuditRecord] {
        var records: [AuditRecord] = []
        try await archive.auditRecords(filter) { records += $0 }
        return records
    }

    func verified(against heads: [AuditHead] = []) async throws -> [AuditFault] {
        var faults: [AuditFault] = []
        let report = try await archive.verifyAudit(exported: heads) { faults.append($0) }
        #expect(report.faults == faults.count)
        return faults
    }

    /// Signed now.
    func heads() async throws -> [AuditHead] {
        try await archive.audit.signHeads(age: 0, now: Date(timeIntervalSince1970: 1_800_000_000))
        var heads: [AuditHead] = []
        try await archive.auditHeads { heads += $0 }
        return heads
    }

    func script(_ sql: String) async throws {
        try await pool.withConnection { try await $0.script(sql) }
    }

    /// As one who owns the database.
    func tamper(_ sql: String) async throws {
        try await script(
            """
            alter table audit_entry disable trigger all; alter table audit_head disable trigger all;
            \(sql);
            alter table audit_entry enable trigger all; alter table audit_head enable trigger all;
            """)
    }

    /// Makes the chain anew from changed entries, every hash as it should be.
    func rewriteChain(_ change: ([AuditEntry]) -> [AuditEntry]) async throws {
        let entries = change(try await audited().map(\.entry).sorted { $0.number < $1.number })
        let writer = archive.audit.writer
        var hash = AuditEntry.start(of: writer)
        try await tamper("delete from audit_entry")
        for (number, old) in entries.enumerated() {
            let entry = AuditEntry(
                after: hash, writer: writer, number: Int64(number), at: old.at, kind: old.kind,
                actor: old.actor, leaf: old.leaf, sealedDetails: old.sealedDetails)
            hash = entry.hash
            try await pool.withConnection {
                _ = try await $0.execute(
                    "insert into audit_entry values ($1, $2, $3, $4, $5, $6, $7, $8)",
                    [
                        .int64(writer.rawValue), .int64(entry.number), .timestamp(entry.at),
                        .text(entry.kind), entry.actor.map { .int64($0.rawValue) } ?? .null,
                        .int64(entry.leaf.rawValue),
                        entry.sealedDetails.map { .bytes($0) } ?? .null,
                        .bytes(entry.hash),
                    ])
            }
        }
        _ = try await pool.withConnection {
            try await $0.execute(
                "update audit_chain set next_number = $1, hash = $2, signed_number = -1",
                [.int64(Int64(entries.count)), .bytes(hash)])
        }
    }
}
