import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import Ternary
import TestSupport
import Testing
import Vault

/// Receipts, vacuum, and looking for what should be gone.
@Suite struct ProofTests {
    private func eraser(_ test: TestArchive, _ clock: TestClock) -> Eraser {
        Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
    }

    @Test func aReceiptIsSignedAndProvesToBeTheRequesters() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            _ = try await test.fill(channel: "public", subject: "anna-7", clock: clock)
            let request = try await test.archive.receiveForgetRequest(
                .subject("anna-7"), reason: nil, now: clock.now)
            let salt = try #require(request.salt)
            #expect(try await test.archive.forgetRequest(request.id).salt == nil)
            let done = try await eraser(test, clock).execute(request.id)
            let text = Array(try #require(done.receipt).utf8)
            let signed = try SignedReceipt(text: text)
            let key = SignedReceipt.publicKey(of: test.vault)
            let receipt = try signed.verified(by: key)
            #expect(receipt.belongs(to: .subject("anna-7"), salt: salt))
            #expect(!receipt.belongs(to: .subject("anna-8"), salt: salt))
            #expect(!receipt.belongs(to: .subject("anna-7"), salt: .random()))
            #expect(ForgetSalt(text: salt.text) == salt)

            #expect(throws: ReceiptError.wrongSignature) {
                try signed.verified(by: String(repeating: "00", count: 32))
            }
            var changed = signed
            changed.payload = "A" + changed.payload.dropFirst()
            #expect(throws: ReceiptError.wrongSignature) { try changed.verified(by: key) }
            changed = signed
            changed.signature = String(changed.signature.reversed())
            #expect(throws: (any Error).self) { try changed.verified(by: key) }
            #expect(throws: ReceiptError.notAReceipt) { try SignedReceipt(text: text.dropLast(5)) }
        }
    }

    @Test func shreddedDeletedAndVacuumedAreDatedApartAndOneReceiptIsCompleted() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "meter", clock: clock)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            var settings = EraserSettings()
            settings.backupExpiryDays = 35
            settings.faultPoint = { _ in clock.advance(1) }
            let eraser = Eraser(
                archive: test.archive, settings: settings, clock: { clock.now }, log: .silent)
            let before = try receipt(try await eraser.execute(request.id))
            #expect(!before.final)
            #expect(before.vacuumedAt == nil)
            #expect(before.proof.dataFiles.state == .pending)
            try await eraser.complete()
            let after = try receipt(try await test.archive.forgetRequest(request.id))
            #expect(after.final)
            let times = [
                after.receivedAt, after.shreddedAt, after.deletedAt, after.finishedAt,
                after.vacuumedAt,
            ].compactMap(\.self)
            #expect(times.count == 5)
            #expect(times == times.sorted())
            #expect(Set(times).count == 5)
            #expect(
                after.backups.heldUntil == after.deletedAt?.addingTimeInterval(35 * 86_400))
            #expect(after.keys.count == 1)
            #expect(after.proof.derivationsTried > 0)
            #expect(after.proof.dataFiles.sought > 0)
            #expect(try await test.rowCount(of: "forget_request") == 1)
            // The server's files can be read here, or the receipt says that they were not.
            let folder = try await test.pool.withConnection {
                try await $0.query("show data_directory")[0].text("data_directory")
            }
            if access(folder + "/base", R_OK) == 0 {
                #expect(after.proof.dataFiles.state == .looked)
                #expect(after.proof.dataFiles.found == 0)
                #expect(after.proof.dataFiles.bytes ?? 0 > 0)
            } else {
                #expect(after.proof.dataFiles.state == .notLookedAt)
                #expect(after.proof.dataFiles.why != nil)
            }
        }
    }

    @Test func aCopyOfTheRingThatIsLateIsNamedWithTheDayOfItsEnd() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "meter", clock: clock)
            let copy = KeyRingFile(
                path: test.folder.appendingPathComponent("tape").path)
            let vault = try Vault(ring: test.keyRing, copies: [copy])
            let archive = Archive(pool: test.pool, vault: vault)
            var settings = EraserSettings()
            settings.ringCopyExpiryDays = 30
            let eraser = Eraser(
                archive: archive, settings: settings, clock: { clock.now }, log: .silent)
            let request = try await archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            let before = try receipt(try await eraser.execute(request.id))
            let late = try #require(before.ringCopies.first)
            #expect(late.name == "tape" && late.standing == "missing")
            let shreddedAt = try #require(before.shreddedAt)
            let held = try #require(late.heldUntil)
            #expect(abs(held.timeIntervalSince(shreddedAt) - 30 * 86_400) <= 1)
            try await eraser.complete(atOnce: true)
            #expect(try !receipt(await archive.forgetRequest(request.id)).final)
            _ = try vault.backUp(to: copy.path)
            try await eraser.complete(atOnce: true)
            let after = try receipt(await archive.forgetRequest(request.id))
            #expect(after.final && after.ringCopies.isEmpty)
        }
    }

    @Test func oneVacuumServesAllThatFinishedSinceTheLast() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channels = try await test.fill(
                [.named("public"), .named("private"), .named("events")], clock: clock)
            let eraser = eraser(test, clock)
            func forget(_ channel: ChannelNumber) async throws -> ChannelNumber {
                let request = try await test.archive.receiveForgetRequest(
                    .channel(channel), reason: nil, now: clock.now)
                _ = try await eraser.execute(request.id)
                try await eraser.complete()
                return request.id
            }
            let first = try await forget(channels[0])
            #expect(try receipt(await test.archive.forgetRequest(first)).final)
            clock.advance(60)
            let second = try await forget(channels[1])
            clock.advance(60)
            let third = try await forget(channels[2])
            #expect(try await test.archive.incompleteForgetRequests().map(\.id) == [second, third])
            clock.advance(500)
            try await eraser.complete()
            let dates = try await [second, third].asyncMap {
                try receipt(await test.archive.forgetRequest($0)).vacuumedAt
            }
            #expect(dates[0] != nil && dates[0] == dates[1])
            #expect(try await test.archive.incompleteForgetRequests().isEmpty)
        }
    }

    /// However many receipts wait for a copy of the ring, others' dead rows are cleared away.
    @Test func receiptsThatWaitHoldUpNoOther() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.fill(channel: "private", clock: clock)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            _ = try await test.pool.withConnection {
                try await $0.execute(
                    """
                    insert into forget_request (
                        id, scope, target, state, received_at, due_at, finished_at, vacuumed_at)
                    select number, 'channel', number, 'done', $1, $1, $1, $1
                    from generate_series(1, $2) number
                    """,
                    [
                        .timestamp(clock.now.addingTimeInterval(-3600)),
                        .int32(Int32(Archive.requestPageLimit + 1)),
                    ])
            }
            let waiting = try await test.archive.incompleteForgetRequests()
            #expect(waiting.count == Archive.requestPageLimit)
            #expect(waiting.first?.id == request.id && waiting.first?.vacuumedAt == nil)
        }
    }

    /// A dump, the files of the database and its log from before the forget, and after it.
    @Test func nothingOfTheForgottenIsReadableInBackupsAndOthersAre() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let other = try await test.fill(channel: "private", clock: clock)
            let channel = try await test.fill(channel: "meter", subject: "anna-7", clock: clock)
            let backup = try await Backup.take(of: test, named: "before")
            let saved = try await SavedDatabase.save(test)
            let request = try await test.archive.receiveForgetRequest(
                .subject("anna-7"), reason: "emigrated to Chile", now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            try await eraser(test, clock).complete(atOnce: true)
            let after = try await Backup.take(of: test, named: "after")

            var secrets = Set(["anna-7", "emigrated to Chile"].map { Array($0.utf8) })
            for message in vector.messages {
                for trytes in [message.root, message.nextRoot, message.address.description] {
                    secrets.insert(Array(trytes.utf8))
                }
                secrets.insert(try Root(message.root).revealPacked())
                secrets.insert(try Root(message.nextRoot).revealPacked())
                secrets.insert(message.address.packed)
                secrets.formUnion(message.transactions.map(\.packed))
                if let text = message.text, text.utf8.count >= 12 {
                    secrets.insert(Array(text.utf8))
                }
            }
            #expect(secrets.count > 100)
            for files in [backup.files, after.files] {
                try #require(files.count > 3)
                var search = FileSearch(Array(secrets.filter { $0.count >= 8 }))
                for file in files { #expect(await search.look(into: file), "\(file)") }
                #expect(search.bytes > 1 << 20)
                #expect(search.found.isEmpty)
            }
            #expect(Set(vector.messages.compactMap(\.sideKey)).allSatisfy { !$0.isEmpty })

            // The old backup under the ring of today.
            try await saved.restore(test)
            #expect(try await test.rowCount(of: "message") == 30)
            #expect(try await test.read(other).count == 6)
            await #expect(throws: (any Error).self) { _ = try await test.read(channel) }
            await #expect(throws: (any Error).self) {
                _ = try await test.archive.evidence(of: channel, sequence: 0)
            }
            #expect(throws: VaultError.forgotten(channel)) {
                _ = try test.vault.lookupHash([1], domain: "message", channel: channel)
            }
        }
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows
        -> [Value]
    {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}

/// Files that an operator keeps: a dump, a copy of the database's files, the write-ahead log.
private struct Backup {
    let files: [String]

    static func take(of test: TestArchive, named name: String) async throws -> Backup {
        let folder = test.folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let rows = try await test.pool.withConnection { connection in
            try await connection.script("checkpoint")
            return try await connection.query(
                """
                select current_setting('data_directory') as directory,
                    (select oid::bigint from pg_database where datname = current_database()) as oid
                """)
        }
        let row = try #require(rows.first)
        let directory = try row.text("directory")
        let base = "\(directory)/base/\(try row.int64("oid"))"
        var files: [String] = []
        for source in [base, "\(directory)/pg_wal"] {
            for name in try FileManager.default.contentsOfDirectory(atPath: source) {
                let target = folder.appendingPathComponent(
                    "\(source == base ? "base" : "wal")-\(name)")
                // The server may remove one meanwhile.
                try? FileManager.default.copyItem(
                    atPath: "\(source)/\(name)", toPath: target.path)
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: target.path, isDirectory: &isFolder),
                    !isFolder.boolValue
                {
                    files.append(target.path)
                }
            }
        }
        let dump = folder.appendingPathComponent("dump.sql").path
        let process = Process()
        process.executableURL = try await TestServer.program("pg_dump")
        process.arguments = ["--file", dump, test.database.url]
        _ = try await TestServer.output(of: process)
        files.append(dump)
        return Backup(files: files)
    }
}
