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

/// A backup that was made while a channel was forgotten, opened under today's ring.
struct RestoredBackup {
    let test: TestArchive
    let channel: ChannelNumber
    let vector: ChannelVector
    let clock: TestClock

    /// It gives nothing of the forgotten, and a process that opens it forgets what the backup
    /// came too early for.
    ///
    /// - Parameter pool: Of the restored database.
    func outcome(_ pool: PostgresPool) async throws -> RaceOutcome {
        let vault = try Vault(ring: test.keyRing)
        let archive = Archive(pool: pool, vault: vault)
        let rows = try await pool.messageCount(of: channel)
        if rows > 0 {
            await #expect(throws: (any Error).self) { _ = try await archive.readAll(of: channel) }
        }
        _ = try await pool.withConnection { try await Reconciliation(vault: vault).run(on: $0) }
        let eraser = Eraser(archive: archive, clock: { [clock] in clock.now }, log: .silent)
        for open in try await archive.openForgetRequests() {
            _ = try await eraser.execute(open.id)
        }
        #expect(try await pool.messageCount(of: channel) == 0)
        #expect(try await archive.channel(channel).state == .forgotten)
        let first = vector.messages[0]
        await #expect(throws: ArchiveError.forgotten) {
            _ = try await archive.register(
                ChannelRegistration(
                    root: Root(first.root), mode: vector.mode,
                    sideKey: try first.sideKey.map { try SideKey($0) }), now: clock.now)
        }
        return rows > 0 ? .old : .whole
    }
}

extension PostgresPool {
    func messageCount(of channel: ChannelNumber) async throws -> Int {
        let rows = try await withConnection {
            try await $0.query(
                "select count(*) as rows from message where channel = $1",
                [.int64(channel.rawValue)])
        }
        return Int(try #require(rows.first).int64("rows"))
    }
}
