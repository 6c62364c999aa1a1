import Archive
import ArchiveTestSupport
import Assembly
import Crawler
import Foundation
import MAM
import Postgres
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

import struct Tangle.Bundle

/// What `permanode verify` finds.
@Suite struct VerifierTests {
    private static func withChannel(
        _ body: (TestArchive, ChannelNumber) async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(ChannelVector.named("meter"), now: clock.now)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            try await body(test, channel)
        }
    }

    private static func verify(_ test: TestArchive, _ channel: ChannelNumber? = nil) async throws
        -> (report: ArchiveVerifier.Report, faults: [VerificationFault])
    {
        let faults = Mutex<[VerificationFault]>([])
        let report = try await ArchiveVerifier(archive: test.archive).verify(channel: channel) {
            fault in faults.withLock { $0.append(fault) }
        }
        return (report, faults.withLock { $0 })
    }

    @Test func aSoundArchiveHasNoFaults() async throws {
        try await Self.withChannel { test, channel in
            let (report, faults) = try await Self.verify(test)
            #expect(faults.isEmpty)
            #expect(report.channels == 1)
            #expect(report.messages == 24)
            #expect(report.attachments == 24)
            #expect(report.skippedChannels == 0)
            #expect(report.faults == 0)
            let stranger = try #require(ChannelNumber(rawValue: channel.rawValue ^ 1))
            await #expect(throws: ArchiveError.noSuchChannel(stranger)) {
                try await Self.verify(test, stranger)
            }
        }
    }

    @Test(arguments: ["message.sealed_head", "attachment.sealed_evidence"])
    func aFlippedByteIsFoundAndTheRestIsChecked(_ column: String) async throws {
        let parts = column.split(separator: ".")
        try await Self.withChannel { test, channel in
            let changed = try await test.pool.withConnection {
                try await $0.execute(
                    """
                    update \(parts[0]) set \(parts[1]) =
                        set_byte(\(parts[1]), 100, get_byte(\(parts[1]), 100) # 1)
                    where channel = $1 and sequence = 5
                    """, [.int64(channel.rawValue)])
            }
            #expect(changed == 1)
            let (report, faults) = try await Self.verify(test)
            #expect(faults.map(\.channel) == [channel])
            #expect(faults.map(\.sequence) == [5])
            #expect(faults.map(\.cause) == [.damaged])
            #expect(report.messages == 24)
            #expect(report.faults == 1)
        }
    }

    @Test func manyChannelsAreCheckedTogetherAndTheDamageIsNamed() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            var channels: [ChannelNumber] = []
            for vector in try ChannelVector.all() {
                channels.append(try await test.register(vector, now: clock.now))
            }
            try #require(channels.count > 3)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            let before = try await Self.verify(test)
            #expect(before.faults.isEmpty)
            #expect(before.report.channels == channels.count)
            let stored = try await test.pool.withConnection {
                try await $0.query("select channel, sequence from message order by 1, 2")
            }
            try #require(stored.count > 30)
            #expect(before.report.messages == stored.count)
            // Every seventh is damaged, in whichever channel it lies.
            let damaged = try stored.enumerated().filter { $0.offset % 7 == 3 }.map { _, row in
                (try row.int64("channel"), try row.int64("sequence"))
            }
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    """
                    update attachment a set sealed_evidence =
                        set_byte(sealed_evidence, 60, get_byte(sealed_evidence, 60) # 8)
                    from unnest($1::bigint[], $2::bigint[]) k (channel, sequence)
                    where a.channel = k.channel and a.sequence = k.sequence and number = 0
                    """, [.int64Array(damaged.map(\.0)), .int64Array(damaged.map(\.1))])
            }
            let after = try await Self.verify(test)
            #expect(after.report.messages == stored.count)
            #expect(after.faults.map(\.channel.rawValue) == damaged.map(\.0))
            #expect(after.faults.map(\.sequence) == damaged.map(\.1))
            #expect(after.faults.allSatisfy { $0.cause == .damaged })
        }
    }

    /// More bytes than one reading takes: it ends within, and no message is cut or left out.
    @Test func largeEvidenceIsReadInParts() async throws {
        try await Self.withChannel { test, channel in
            let changed = try await test.pool.withConnection {
                try await $0.execute(
                    """
                    update attachment set sealed_evidence =
                        convert_to(repeat('x', 700000), 'UTF8')
                    where channel = $1 and sequence % 4 <> 1
                    """, [.int64(channel.rawValue)])
            }
            #expect(changed == 18)
            let (report, faults) = try await Self.verify(test)
            #expect(report.messages == 24)
            #expect(report.attachments == 6)
            #expect(faults.map(\.sequence) == (0..<24).filter { $0 % 4 != 1 })
            #expect(faults.allSatisfy { $0.cause == .damaged })
        }
    }

    /// In the compact layout, hashes and links follow from what is there: only the message's own
    /// tail tells that it is another bundle; and where that was exchanged too, the signature.
    @Test func compactEvidenceThatWasExchangedUnderTheRightKeyIsFound() async throws {
        try await Self.withChannel { test, channel in
            let (message, attachments) = try await test.archive.evidence(of: channel, sequence: 7)
            let real = try #require(attachments.first).transactions
            var payload = real.flatMap(\.signatureMessageFragment.ascii)
            // Behind the head there is the signature.
            let place = message.head.payloadTritCount / 3 + 100
            payload[place] = payload[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : 65
            let forged = try Bundle(
                Attachment.attach(
                    BundleBuilder.bundle(
                        address: real[0].address, messageTrytes: Trytes(ascii: payload),
                        tag: real[0].tag, timestamp: real[0].timestamp),
                    trunk: .null, branch: .null, minWeightMagnitude: 0,
                    attachmentTimestamp: 1_700_000_000_123))
            let encoded = EvidenceEncoding.encode(
                forged, head: message.head.payload, address: forged.address)
            try #require(encoded.first == 1)
            let row = try #require(
                try await test.pool.withConnection {
                    try await $0.query(
                        """
                        select m.period, a.period as evidence_period
                        from message m join attachment a using (channel, sequence)
                        where channel = $1 and sequence = 7
                        """,
                        [.int64(channel.rawValue)])
                }.first)
            let sealed = try test.vault.seal(
                encoded,
                SealedColumn.attachmentEvidence.context(
                    channel, row.period("evidence_period"),
                    row: SealedColumn.attachmentRow(message.sequence, number: 0)))
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    """
                    update attachment set sealed_evidence = $2
                    where channel = $1 and sequence = 7
                    """, [.int64(channel.rawValue), .bytes(sealed)])
            }
            let afterEvidence = try await Self.verify(test, channel).faults
            #expect(afterEvidence.map(\.sequence) == [7])
            #expect(afterEvidence.map(\.cause) == [.wrongHash])
            let sideKeys = try await test.archive.sideKeys(of: channel)
            let request = try message.head.request(
                sideKey: message.sideKey.flatMap { sideKeys[$0] })
            let read = try #require(MessageReader.read([request], .alreadyVerified).first).get()
            let head = try test.vault.seal(
                MessageHead(root: message.head.root, message: read, bundle: forged).encoded,
                SealedColumn.messageHead.context(
                    channel, row.period("period"), row: message.sequence))
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    "update message set sealed_head = $2 where channel = $1 and sequence = 7",
                    [.int64(channel.rawValue), .bytes(head)])
            }
            let afterHead = try await Self.verify(test, channel).faults
            #expect(afterHead.map(\.sequence) == [7])
            #expect(afterHead.map(\.cause) == [.notAuthentic])
        }
    }

    @Test func evidenceThatWasExchangedUnderTheRightKeyIsFound() async throws {
        try await Self.withChannel { test, channel in
            let (message, attachments) = try await test.archive.evidence(of: channel, sequence: 7)
            let real = try #require(attachments.first).transactions
            // The last fragment's middle is signature or siblings.
            var fields = try TransactionFields(real[real.count - 1])
            var trytes = fields.signatureMessageFragment.ascii
            trytes[1] = trytes[1] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
            fields.signatureMessageFragment = try Trytes(ascii: trytes)
            let forged = try real.dropLast() + [fields.transaction()]
            let row = try #require(
                try await test.pool.withConnection {
                    try await $0.query(
                        "select period from attachment where channel = $1 and sequence = 7",
                        [.int64(channel.rawValue)])
                }.first)
            let sealed = try test.vault.seal(
                EvidenceEncoding.encodeWhole(Array(forged)),
                SealedColumn.attachmentEvidence.context(
                    channel, Period(rawValue: UInt16(row.int32("period"))),
                    row: SealedColumn.attachmentRow(message.sequence, number: 0)))
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    """
                    update attachment set sealed_evidence = $2
                    where channel = $1 and sequence = 7
                    """, [.int64(channel.rawValue), .bytes(sealed)])
            }
            let (_, faults) = try await Self.verify(test, channel)
            #expect(faults.map(\.sequence) == [7])
            #expect(faults.map(\.cause) == [.invalidBundle])
        }
    }

    @Test func missingEvidenceAndMissingKeysAreFound() async throws {
        try await Self.withChannel { test, channel in
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    "delete from attachment where channel = $1 and sequence = 3",
                    [.int64(channel.rawValue)])
            }
            #expect(try await Self.verify(test).faults.map(\.cause) == [.noEvidence])
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    "delete from side_key where channel = $1", [.int64(channel.rawValue)])
            }
            let causes = try await Self.verify(test).faults.map(\.cause)
            #expect(causes.count == 24)
            #expect(causes.count { $0 == .sideKeyMissing } == 23)
        }
    }

    @Test func whatIsRestrictedOrForgottenIsNotRead() async throws {
        try await Self.withChannel { test, channel in
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    "update channel set state = 'restricted' where id = $1",
                    [.int64(channel.rawValue)])
            }
            let (report, faults) = try await Self.verify(test)
            #expect(report.messages == 0)
            #expect(report.skippedChannels == 1)
            #expect(faults.isEmpty)
            try test.vault.forget(channel)
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    "update channel set state = 'forgotten', sealed_label = null where id = $1",
                    [.int64(channel.rawValue)])
            }
            #expect(try await Self.verify(test).report.channels == 0)
            await #expect(throws: ArchiveError.noSuchChannel(channel)) {
                try await Self.verify(test, channel)
            }
        }
    }
}
