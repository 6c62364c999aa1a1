import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import TestSupport
import Testing
import Vault

/// Every sealed column there is: values that were changed, cut, or moved between rows, columns,
/// channels and periods are found out and never returned.
@Suite struct SealedColumnTests {
    /// Columns of bytes that are not sealed: keyed hashes, the audit log's chain, signatures.
    private static let unsealed: Set = [
        "attachment.lookup", "audit_chain.hash", "audit_entry.hash", "audit_head.hash",
        "audit_head.signature", "bypassed_root.hash", "candidate.lookup", "channel.device",
        "channel.registration", "consent_event.lookup", "consent_event.policy",
        "earlier_chain.end_lookup", "earlier_chain.start_lookup", "ended_session.lookup",
        "forget_log.known_check", "forget_request.commitment", "lifted_tombstone.hash",
        "message.lookup", "node_lookup.lookup", "node_lookup.transactions",
        "partly_forgotten_root.hash", "permanode_schema.checksum", "registration.hash",
        "side_key.lookup", "subject.lookup", "token.hash", "token.lookup",
        "tombstone.hash",
    ]

    /// A column that is added to the schema has to be read here, or said above to hold nothing
    /// that is sealed.
    @Test func everyColumnOfBytesIsAccountedFor() async throws {
        try await TestArchive.with { test in
            let rows = try await test.pool.withConnection {
                try await $0.query(
                    """
                    select c.table_name || '.' || c.column_name as place, a.attstattarget as samples
                    from information_schema.columns c
                    join pg_attribute a on a.attrelid = c.table_name::regclass
                        and a.attname = c.column_name
                    where c.table_schema = 'public' and c.data_type = 'bytea'
                    """)
            }
            let places = Set(try rows.map { try $0.text("place") })
            let cases = Set(SealedScene.readers.map(\.place))
            #expect(places.subtracting(Self.unsealed) == cases)
            #expect(Self.unsealed.isSubset(of: places))
            let named = Set(SealedColumn.allCases.map(\.rawValue))
            #expect(cases.subtracting(named) == ["forget_target.sealed_sample"])
            #expect(named.isSubset(of: cases))
            // Of none of them the planner keeps samples, which no forget would reach.
            for row in rows where try row.int32("samples") != 0 {
                Issue.record("\(try row.text("place")) has statistics")
            }
        }
    }

    @Test(arguments: SealedScene.readers.map(\.place))
    func whatWasChangedOrMovedIsNeverReturned(_ place: String) async throws {
        let reader = try #require(SealedScene.readers.first { $0.place == place })
        try await TestArchive.with { test in
            let scene = try await SealedScene(test)
            let row = try await reader.row(scene)
            let value = try await scene.value(reader, row)
            let read = try await reader.read(scene)
            #expect(!read.isEmpty, "the value that is there is read")
            let damages = try await scene.damages(of: value, reader, row)
            try #require(damages.count > 12)
            for kind in ["another column", "another channel"] {
                #expect(damages.contains { $0.what.hasPrefix(kind) }, "\(kind)")
            }
            if ["message", "attachment", "side_key"].contains(reader.table) {
                #expect(damages.contains { $0.what.hasPrefix("another row") })
            }
            for damage in damages {
                try await scene.set(damage.bytes, reader, row)
                await Self.expectDamage("\(place): \(damage.what)") { try await reader.read(scene) }
            }
            try await scene.set(value, reader, row)
            #expect(try await reader.read(scene) == read, "all is well again")

            let periods = try await scene.otherPeriods(reader, row)
            #expect(periods.isEmpty != reader.hasPeriod)
            for period in periods {
                try await scene.setPeriod(period.moved, reader, row)
                await Self.expectDamage("\(place): period \(period.moved)") {
                    try await reader.read(scene)
                }
                try await scene.setPeriod(period.own, reader, row)
            }
            #expect(try await reader.read(scene) == read)
        }
    }

    private static func expectDamage(
        _ what: String, _ read: () async throws -> [[UInt8]]
    ) async {
        do {
            _ = try await read()
            Issue.record("nothing was noticed: \(what)")
        } catch let error as ArchiveError {
            #expect(error.code.hasPrefix("archive.damaged"), "\(what): \(error)")
        } catch {
            let isDamage: Bool
            if case VaultError.wrongKeyOrDamaged? = error as? VaultError {
                isDamage = true
            } else {
                isDamage = false
            }
            #expect(isDamage, "\(what): \(error)")
        }
    }

    /// What was noted for the search does not open: the receipt says so, and those of others are
    /// completed all the same.
    @Test func aNoteThatDoesNotOpenHoldsNoReceiptUp() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            var requests: [ChannelNumber] = []
            for name in ["public", "private"] {
                let channel = try await test.fill(channel: name, clock: clock)
                let request = try await test.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: clock.now)
                _ = try await eraser.execute(request.id)
                requests.append(request.id)
            }
            try await test.pool.withConnection {
                _ = try await $0.execute(
                    """
                    update forget_target set sealed_sample = substring(sealed_sample for 40)
                    where request = $1
                    """, [.int64(requests[0].rawValue)])
            }
            try await eraser.complete(atOnce: true)
            let receipts = try await [
                receipt(test.archive.forgetRequest(requests[0])),
                receipt(test.archive.forgetRequest(requests[1])),
            ]
            #expect(receipts.filter(\.final).count == 2)
            #expect(receipts[0].proof.dataFiles.state == .notLookedAt)
            #expect(receipts[0].proof.dataFiles.why?.contains("does not open") == true)
            #expect(receipts[1].proof.dataFiles.why?.contains("does not open") != true)
        }
    }
}
