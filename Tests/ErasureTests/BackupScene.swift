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

/// A server with backups, step by step: what each step hands on to the next.
final class BackupScene {
    private static let subject = "household-7/anna"
    private static let reason = "emigrated to Chile in spring"
    private static let label = "meter in Anna's kitchen"
    private static let purpose = "the bill of Anna's electricity"
    private static let readersPurpose = "advice to Anna about her freezer"

    let server: TestServer
    let restored: TestServer
    let test: TestArchive
    /// The archive with a configured copy of its ring.
    let archive: Archive
    let clock = TestClock()
    let ledger: MemoryTangle
    let kept = ["private", "events"]
    let forgotten = ["meter", "rotating"]
    private var channels: [String: ChannelNumber] = [:]
    /// Of the forgotten, and of who is kept: neither may stand in a file.
    private var traces = Traces()
    /// Beginnings of ciphertext, and lookup hashes, of the forgotten's rows.
    private var sealed = Traces()
    /// Hashes under keys that the ring still has.
    private var hashes = Traces()

    init(_ server: TestServer, _ test: TestArchive) async throws {
        self.server = server
        self.test = test
        restored = try server.neighbour("restored")
        let copy = test.folder.appendingPathComponent("copies/keyring").path
        try FileManager.default.createDirectory(
            atPath: test.folder.appendingPathComponent("copies").path,
            withIntermediateDirectories: false)
        #expect(try test.vault.backUp(to: copy).isCurrent)
        archive = Archive(
            pool: test.pool,
            vault: try Vault(ring: test.keyRing, copies: [KeyRingFile(path: copy)]))
        ledger = try MemoryTangle.recorded()
        // The whole tree's key, from which every other derives until something is forgotten.
        let ring = try Data(contentsOf: URL(fileURLWithPath: test.keyRing.path))
        let root = Array(ring.dropLast(32).suffix(32))
        try #require(ring.count == 70 + 41 + 32 && Set(root).count > 10)
        traces.add(bytes: root, as: "the tree's root key")
    }

    private func register(_ name: String) async throws {
        let vector = try ChannelVector.named(name)
        let first = vector.messages[0]
        let isForgotten = forgotten.contains(name)
        let channel = try await archive.register(
            ChannelRegistration(
                root: Root(first.root), mode: vector.mode,
                sideKey: try first.sideKey.map { try SideKey($0) },
                subjects: isForgotten ? [Self.subject] : [],
                label: isForgotten ? Self.label : "a label of another",
                purpose: isForgotten ? Self.purpose : nil), now: clock.now)
        for key in Set(vector.messages.compactMap(\.sideKey)) where key != first.sideKey {
            try await archive.add(SideKey(key), to: channel, now: clock.now)
        }
        _ = try await test.crawler(ledger, clock: clock).crawlUntilIdle()
        if isForgotten {
            // Found by hashes under keys that the ring still has.
            try await archive.setNodeInterface(.public, of: channel)
            while try await archive.workOnNodeLookups(of: channel) {}
        }
        if isForgotten {
            let reader = try await archive.createToken(
                .reader, channels: [channel], purpose: Self.readersPurpose, now: clock.now)
            let caller = try #require(await archive.authenticate(reader.text))
            try await AuditActor.$current.withValue(.token(caller.token)) {
                _ = try await archive.messages(
                    of: channel, MessageRange(), limit: 5, within: caller.scope)
            }
            try await archive.audit.flush()
        }
        channels[name] = channel
        try add(vector)
    }

    private func add(_ vector: ChannelVector) throws {
        let recorded = try RecordedTangle()
        for message in vector.messages {
            try traces.add(Trytes(message.root), as: "a root")
            try traces.add(Trytes(message.nextRoot), as: "a next root")
            traces.add(message.address.trytes, as: "an address")
            traces.add(windowsOf: message.payload, as: "a masked payload")
            if let text = message.text { traces.add(text: text, as: "a text") }
            for hash in message.transactions {
                traces.add(hash.trytes, as: "a transaction's hash")
                let transaction = try #require(recorded.transactions[hash])
                traces.add(transaction.bundle.trytes, as: "a bundle's hash")
            }
            if let key = message.sideKey {
                traces.add(try Trytes(key), as: "a side key")
                traces.add(try Trytes(key).padded(to: 81), as: "a padded side key")
            }
        }
    }

    // MARK: Before

    func fillAndBackUp() async throws {
        try await register("private")
        try await register("meter")
        for text in [
            Self.subject, Self.reason, Self.label, Self.purpose, Self.readersPurpose,
        ] { traces.add(text: text, as: "a word about a person") }
        // What the planner knows of columns lies in the database's files, too.
        try await script("analyze; checkpoint")
        try await server.runProgram(
            "pg_basebackup",
            [
                "--pgdata", restored.data, "--host", server.directory, "--username",
                "postgres", "--checkpoint", "fast", "--wal-method", "none", "--no-sync",
            ])
        try await dump("before")
        // From here on in the write-ahead log alone.
        try await register("events")
        try await register("rotating")
        try await script("analyze; select pg_create_restore_point('before the forget')")
        try await noteSealed()
    }

    /// What the forgotten's rows hold, in all tables.
    private func noteSealed() async throws {
        let columns = try await test.pool.withConnection {
            try await $0.query(
                """
                select table_name::text as table, column_name::text as column
                from information_schema.columns c
                where table_schema = 'public' and data_type = 'bytea'
                    and exists (
                        select from information_schema.columns o
                        where o.table_schema = 'public' and o.table_name = c.table_name
                            and o.column_name = 'channel')
                """)
        }
        try #require(columns.count > 5)
        let numbers = PostgresValue.int64Array(forgotten.compactMap { channels[$0]?.rawValue })
        for column in columns {
            let (table, name) = (try column.text("table"), try column.text("column"))
            let rows = try await test.pool.withConnection {
                try await $0.query(
                    """
                    select substring(\(name) for 24) as value from \(table)
                    where channel = any ($1) and \(name) is not null
                    """, [numbers])
            }
            for row in rows {
                sealed.add(bytes: try row.bytes("value"), as: "\(table).\(name)")
            }
        }
        try #require(sealed.names.count > 200)
        let vault = test.vault
        hashes.add(
            bytes: vault.subjectHash(Array(Self.subject.utf8)), as: "subject.lookup")
        for name in forgotten {
            let root = try Root(ChannelVector.named(name).messages[0].root)
            hashes.add(
                bytes: vault.registrationHash(root.revealPacked()), as: "channel.registration")
        }
    }

    // MARK: The forget

    func forget() async throws {
        let request = try await archive.receiveForgetRequest(
            .subject(Self.subject), reason: Self.reason, now: clock.now)
        let eraser = Eraser(archive: archive, clock: { [clock] in clock.now }, log: .silent)
        _ = try await eraser.execute(request.id)
        try await eraser.complete(atOnce: true)
        let receipt = try receipt(try await archive.forgetRequest(request.id))
        #expect(receipt.final)
        #expect(receipt.ringCopies.isEmpty)
        #expect(receipt.rows["message"] == 24 + 9)
        #expect(receipt.proof.dataFiles.state == .looked)
        #expect(receipt.proof.dataFiles.found == 0)
        _ = try await test.crawler(ledger, clock: clock).crawlUntilIdle()
        try await archive.audit.flush()
        try await dump("after")
        try await archiveTheLog()
    }

    /// Until all that was written is in the archive.
    private func archiveTheLog() async throws {
        let end = try await text("select pg_walfile_name(pg_switch_wal()) as text")
        try await script("checkpoint")
        let deadline = ContinuousClock.now + .seconds(30)
        while !FileManager.default.fileExists(atPath: "\(server.directory)/archive/\(end)") {
            try #require(ContinuousClock.now < deadline, "the log is not archived")
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    // MARK: Everything on disk

    func searchEverything() async throws {
        try await theSearchFindsWhatIsThere()
        let live = try Traces.files(in: [server.data])
        let backups = try Traces.files(in: [
            restored.data, server.directory + "/archive", server.directory + "/dumps",
        ])
        let rings = try Traces.files(in: [test.folder.path])
        let logs = ["server.log", "ops.log"].map { "\(server.directory)/\($0)" }
        // Ring, forget log and their copies; a segment before the base backup and two after.
        #expect(rings.count >= 4)
        #expect(backups.count { $0.contains("/archive/") } >= 3)
        let started = ContinuousClock.now
        let all = try await traces.found(in: live + backups + rings + logs)
        print(
            "searched \(all.bytes >> 20) MiB in \(live.count + backups.count) files for"
                + " \(traces.names.count) sequences in \(ContinuousClock.now - started)")
        #expect(all.places.isEmpty, "\(all.places.joined(separator: "\n"))")
        #expect(all.bytes > 100 << 20)

        // The stated limits: backups and the log hold ciphertext and hashes until they expire.
        for (kind, files) in [
            ("base backup", backups.filter { $0.hasPrefix(restored.data) }),
            ("write-ahead log", backups.filter { $0.contains("/archive/") }),
            ("dump", backups.filter { $0.hasSuffix("before.sql") }),
        ] {
            #expect(try await !sealed.found(in: files).places.isEmpty, "\(kind)")
            #expect(try await !hashes.found(in: files).places.isEmpty, "\(kind)")
        }
        // The database's own files and what is dumped from now on do not.
        let own =
            live.filter { !$0.hasPrefix(server.data + "/pg_wal/") }
            + backups.filter { $0.hasSuffix("after.sql") } + rings + logs
        for traces in [sealed, hashes] {
            let places = try await traces.found(in: own).places
            #expect(places.isEmpty, "\(places.joined(separator: "\n"))")
        }
    }

    /// A search that finds nothing anywhere would pass as well.
    private func theSearchFindsWhatIsThere() async throws {
        #expect(traces.names.count > 10_000)
        let path = test.folder.appendingPathComponent("planted").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var planted: [[UInt8]] = []
        for (number, bytes) in traces.sequences.enumerated() where number.isMultiple(of: 97) {
            planted.append(bytes)
        }
        let content = planted.map { [UInt8](repeating: 0xEE, count: 3) + $0 }.joined()
        try Data(content).write(to: URL(fileURLWithPath: path))
        var search = FileSearch(traces.sequences)
        #expect(await search.look(into: path))
        #expect(search.found.isSuperset(of: planted) && planted.count > 100)
    }

    // MARK: The base backup, recovered to the instant before the forget

    func restore() async throws {
        try restored.add([
            "unix_socket_directories = '@'", "archive_mode = off",
            "restore_command = 'cp \(server.directory)/archive/%f %p'",
            "recovery_target_name = 'before the forget'",
            "recovery_target_action = 'promote'",
        ])
        try restored.makeFile(restored.data + "/recovery.signal")
        try await restored.running {
            let pool = PostgresPool(
                configuration: try PostgresConfiguration(
                    url: restored.url(of: test.database.name)))
            let result: Result<Void, any Error>
            do {
                try await recovered(pool)
                let old = TestArchive(
                    archive: Archive(pool: pool, vault: try Vault(ring: test.keyRing)),
                    database: test.database, keyRing: test.keyRing, folder: test.folder)
                result = .success(try await read(old))
            } catch {
                result = .failure(error)
            }
            await pool.shutdown()
            try result.get()
        }
    }

    private func recovered(_ pool: PostgresPool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            try #require(ContinuousClock.now < deadline, "recovery does not end")
            // It takes no connections for a while.
            let rows = try? await pool.withConnection {
                try await $0.query("select pg_is_in_recovery() as recovering")
            }
            if try rows?.first?.bool("recovering") == false { return }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func read(_ old: TestArchive) async throws {
        // Everything is there again, also what came after the base backup.
        #expect(try await old.rowCount(of: "message") == 24 + 9 + 6 + 3)
        #expect(try await old.rowCount(of: "tombstone") == 0)
        #expect(try await old.rowCount(of: "forget_request") == 0)
        for name in kept {
            let channel = try #require(channels[name])
            let texts = try await old.read(channel).map(\.message.text)
            #expect(texts == (try ChannelVector.named(name).messages.map(\.text)))
            for sequence in 0..<Int64(texts.count) {
                let evidence = try await old.archive.evidence(of: channel, sequence: sequence)
                #expect(!evidence.attachments.isEmpty)
            }
        }
        for name in forgotten { try await givesNothing(try #require(channels[name]), old) }

        // A process compares ring, log and database before it serves anything.
        let report = try await old.pool.withConnection {
            try await Reconciliation(vault: old.vault).run(on: $0)
        }
        #expect(report.channelsForgotten == 2)
        #expect(report.subjectsForgotten == 1)
        #expect(report.rowsDeleted["message"] == 24 + 9)
        #expect(report.tombstonesAdded > 30)
        clock.advance(7200)
        _ = try await old.crawler(ledger, clock: clock).crawlUntilIdle()
        #expect(try await old.rowCount(of: "message") == 6 + 3)
        for name in forgotten {
            let vector = try ChannelVector.named(name)
            await #expect(throws: ArchiveError.forgotten) {
                _ = try await old.register(vector, now: clock.now)
            }
        }
        for name in kept {
            let count = try await old.read(try #require(channels[name])).count
            #expect(count == (try ChannelVector.named(name).messages.count))
        }
    }

    /// Every sealed value of a channel is tried, without anybody who asks first whether it
    /// may be read.
    private func givesNothing(_ channel: ChannelNumber, _ old: TestArchive) async throws {
        await #expect(throws: (any Error).self) { _ = try await old.read(channel) }
        let record = try await old.archive.channel(channel)
        #expect(record.label == nil && record.purpose == nil && record.subjects.isEmpty)
        await #expect(throws: (any Error).self) {
            _ = try await old.archive.sideKeys(of: channel)
        }
        let rows = try await old.pool.withConnection {
            try await $0.query(
                "select sequence, period, sealed_head from message where channel = $1",
                [.int64(channel.rawValue)])
        }
        #expect(!rows.isEmpty)
        for row in rows {
            let period = try row.period("period")
            let (sequence, head) = (try row.int64("sequence"), try row.bytes("sealed_head"))
            #expect(throws: VaultError.forgotten(channel)) {
                _ = try old.vault.open(
                    head,
                    SealedColumn.messageHead.context(channel, period, row: sequence))
            }
        }
        #expect(throws: VaultError.forgotten(channel)) {
            _ = try old.vault.lookupHash([1], domain: "message", channel: channel)
        }
    }

    // MARK: Small

    private func dump(_ name: String) async throws {
        let folder = server.directory + "/dumps"
        if !FileManager.default.fileExists(atPath: folder) { try server.makeFolder(folder) }
        try await server.runProgram(
            "pg_dump", ["--file", "\(folder)/\(name).sql", test.database.url])
    }

    private func script(_ sql: String) async throws {
        try await test.pool.withConnection { try await $0.script(sql) }
    }

    private func text(_ sql: String) async throws -> String {
        let rows = try await test.pool.withConnection { try await $0.query(sql) }
        return try #require(rows.first).text("text")
    }
}
