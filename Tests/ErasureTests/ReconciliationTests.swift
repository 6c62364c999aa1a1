import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import TestSupport
import Testing
import Vault

/// Database, key ring and forget log, of which some were restored from older copies.
@Suite struct ReconciliationTests {
    private func withCrawled(
        _ body: (TestArchive, TestClock, _ meter: ChannelNumber, _ other: ChannelNumber)
            async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let meter = try await test.register(
                .named("meter"), subject: "household-7", now: clock.now)
            let other = try await test.register(.named("public"), now: clock.now)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            // As every start does.
            let report = try await reconcile(test.vault, test)
            #expect(report.isEmpty)
            try await body(test, clock, meter, other)
        }
    }

    private func forget(_ scope: ForgetSelector, _ test: TestArchive, _ clock: TestClock)
        async throws
    {
        let request = try await test.archive.receiveForgetRequest(
            scope, reason: nil, now: clock.now)
        _ = try await Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            .execute(request.id)
    }

    private func reconcile(
        _ vault: Vault, _ test: TestArchive, full: Bool = false
    ) async throws -> ReconciliationReport {
        try await test.pool.withConnection {
            try await Reconciliation(vault: vault).run(on: $0, full: full)
        }
    }

    private func tombstones(in vault: Vault) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        try vault.readLog(after: nil) {
            if case .tombstone(let hash) = $0.content { found.append(hash) }
        }
        return found
    }

    /// Puts a ring and its log back to an earlier state.
    private struct SavedRing {
        let files: [(path: String, content: Data)]

        init(_ test: TestArchive) throws {
            files = try [test.keyRing.path, test.keyRing.path + ".forgotten"].map {
                ($0, try Data(contentsOf: URL(fileURLWithPath: $0)))
            }
        }

        func restore() throws {
            for (path, content) in files {
                try content.write(to: URL(fileURLWithPath: path))
            }
        }
    }

    private func refusesRoots(_ test: TestArchive, _ clock: TestClock) async throws {
        let vector = try ChannelVector.named("meter")
        let last = try #require(vector.messages.last)
        for root in [vector.messages[0].root, vector.messages[5].root, last.nextRoot] {
            await #expect(throws: ArchiveError.forgotten) {
                _ = try await test.archive.register(
                    ChannelRegistration(
                        root: try Root(root), mode: .restricted,
                        sideKey: try SideKey("SOMESIDEKEY")),
                    now: clock.now)
            }
        }
    }

    @Test func aForgetKeepsDatabaseAndLogInStep() async throws {
        try await withCrawled { test, clock, meter, _ in
            try await forget(.channel(meter), test, clock)
            let stored = try await test.pool.withConnection {
                try await $0.query("select hash from tombstone").map { try $0.bytes("hash") }
            }
            let logged = try tombstones(in: test.vault)
            #expect(!logged.isEmpty)
            #expect(Set(logged) == Set(stored))
            #expect(logged.count == stored.count)
            #expect(try await reconcile(test.vault, test).isEmpty)
            #expect(try await reconcile(test.vault, test, full: true).isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func aDatabaseFromAnOlderBackupForgetsAgain(bySubject: Bool) async throws {
        try await withCrawled { test, clock, meter, other in
            let held: HoldSelector = bySubject ? .subject("household-7") : .channel(meter)
            let asked = try await test.archive.receiveForgetRequest(
                bySubject ? .subject("household-7") : .channel(meter), reason: nil, now: clock.now)
            try await test.archive.setHold(held, reason: "a claim", now: clock.now)
            let saved = try await SavedDatabase.save(test)
            try await test.archive.liftHold(held, reason: nil, now: clock.now)
            let rows = try await test.archive.planForget(.channel(meter)).rows
            #expect(rows["message"] == 24)
            try await forget(
                bySubject ? .subject("household-7") : .channel(meter), test, clock)
            let buried = try await test.rowCount(of: "tombstone")
            try await saved.restore(test)
            #expect(try await test.archive.channel(meter).state != .forgotten)
            #expect(try await test.rowCount(of: "tombstone") == 0)

            let report = try await reconcile(Vault(ring: test.keyRing), test)
            #expect(report.channelsForgotten == 1)
            #expect(report.subjectsForgotten == (bySubject ? 1 : 0))
            #expect(report.tombstonesAdded == buried)
            #expect(report.rowsDeleted == rows.filter { $0.value > 0 })
            #expect(!report.logWasOlder)
            #expect(try await test.archive.holds().isEmpty)
            // What was asked for is not done once more, with a receipt that says otherwise.
            #expect(report.requestsRefused == 1)
            #expect(try await test.archive.forgetRequest(asked.id).state == .refused)
            #expect(try await test.archive.channel(meter).state == .forgotten)
            #expect(
                try await test.archive.planForget(.channel(other)).rows["message"] == 6)
            #expect(try await test.read(other).count == 6)
            try await refusesRoots(test, clock)
            if bySubject {
                await #expect(throws: ArchiveError.noSuchSubject) {
                    _ = try await test.archive.subject("household-7")
                }
            }
            // Nor does a crawl bring anything back.
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            #expect(try await test.rowCount(of: "message") == 6)
            #expect(try await reconcile(test.vault, test).isEmpty)
            #expect(try await reconcile(test.vault, test, full: true).isEmpty)
        }
    }

    @Test(arguments: [false, true])
    func aRingAndALogFromOlderCopiesForgetAgain(bySubject: Bool) async throws {
        try await withCrawled { test, clock, meter, other in
            let subject = try await test.archive.subject("household-7")
            let saved = try SavedRing(test)
            try await forget(
                bySubject ? .subject("household-7") : .channel(meter), test, clock)
            let before = Set(try tombstones(in: test.vault))
            try saved.restore()
            let vault = try Vault(ring: test.keyRing)
            #expect(try !vault.isForgotten(meter), "only the database knows")

            let report = try await reconcile(vault, test)
            #expect(report.logWasOlder)
            #expect(report.keysDestroyed == (bySubject ? 2 : 1))
            #expect(report.tombstonesLogged == before.count)
            #expect(report.tombstonesAdded == 0)
            #expect(try vault.isForgotten(meter))
            #expect(try vault.isForgotten(subject) == bySubject)
            #expect(try !vault.isForgotten(other))
            #expect(try Set(tombstones(in: vault)) == before)
            #expect(try await reconcile(vault, test).isEmpty)
            #expect(try await reconcile(vault, test, full: true).isEmpty)
            #expect(try Vault(ring: test.keyRing).isForgotten(meter))
            #expect(try await test.read(other).count == 6)
        }
    }

    @Test func aLogThatIsLostIsWrittenAnew() async throws {
        try await withCrawled { test, clock, meter, _ in
            try await forget(.channel(meter), test, clock)
            let before = Set(try tombstones(in: test.vault))
            unlink(test.keyRing.path + ".forgotten")
            let vault = try Vault(ring: test.keyRing)
            #expect(vault.notices.count == 1)
            let report = try await reconcile(vault, test)
            #expect(report.logWasOlder)
            #expect(report.keysDestroyed == 0)
            #expect(report.tombstonesLogged == before.count)
            #expect(try Set(tombstones(in: vault)) == before)
            // The new log alone is enough for an older ring.
            var forgotten: [TreePath] = []
            try vault.readLog(after: nil) {
                if case .punctured(let path) = $0.content { forgotten.append(path) }
            }
            #expect(forgotten == [TreePath(meter)])
        }
    }

    /// The ring was put back to an older copy and used so with another database: both logs have
    /// records of the same numbers that say different things.
    @Test func logsThatWentDifferentWaysAreMerged() async throws {
        try await withCrawled { test, clock, meter, other in
            let savedRing = try SavedRing(test)
            try await forget(.channel(meter), test, clock)
            let count = try await test.rowCount(of: "tombstone")
            try savedRing.restore()
            let vault = try Vault(ring: test.keyRing)
            try vault.forget(other)
            for number in 0..<UInt8(count + 5) {
                try vault.logTombstones([[UInt8](repeating: number, count: 32)])
            }
            let report = try await reconcile(vault, test)
            #expect(report.logWasOlder)
            #expect(report.keysDestroyed == 1)
            #expect(report.channelsForgotten == 1)
            #expect(report.tombstonesAdded == count + 5)
            #expect(report.tombstonesLogged == count)
            #expect(try vault.isForgotten(meter) && vault.isForgotten(other))
            #expect(try await test.rowCount(of: "message") == 0)
            #expect(try await reconcile(vault, test, full: true).isEmpty)
        }
    }

    /// What a forget under way has still to delete is its own to count.
    @Test func aForgetUnderWayIsLeftToTheEraser() async throws {
        try await withCrawled { test, clock, meter, _ in
            let rows = try await test.archive.planForget(.channel(meter)).rows
            let request = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: nil, now: clock.now)
            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            let stopped = Task {
                try await eraser.execute(request.id) { step in
                    if case .delete = step { withUnsafeCurrentTask { $0?.cancel() } }
                }
            }
            await #expect(throws: (any Error).self) { _ = try await stopped.value }
            #expect(try test.vault.isForgotten(meter))
            let report = try await reconcile(Vault(ring: test.keyRing), test, full: true)
            #expect(report.rowsDeleted.isEmpty)
            let done = try await eraser.execute(request.id)
            #expect(done.state == .done)
            let receipt = try SignedReceipt(text: Array((done.receipt ?? "").utf8)).receipt()
            #expect(receipt.rows["message"] == rows["message"])
        }
    }

    @Test func aDatabaseOfAnotherRingIsRefused() async throws {
        try await withCrawled { test, _, _, _ in
            let other = KeyRingFile(path: test.keyRing.path + "-other")
            try other.create()
            let vault = try Vault(ring: other)
            try vault.forget(.random())
            await #expect(
                throws: ErasureError.otherRing(
                    database: test.vault.ringIdentifier, own: vault.ringIdentifier)
            ) { _ = try await reconcile(vault, test) }
        }
    }

    @Test func severalThatStartAtOnceAgree() async throws {
        try await withCrawled { test, clock, meter, _ in
            let saved = try await SavedDatabase.save(test)
            try await forget(.channel(meter), test, clock)
            try await saved.restore(test)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { _ = try await reconcile(Vault(ring: test.keyRing), test) }
                }
                try await group.waitForAll()
            }
            #expect(try await test.rowCount(of: "message") == 6)
            #expect(try await reconcile(test.vault, test, full: true).isEmpty)
        }
    }

    /// Rows come back between the deletion and the look for what should be gone.
    @Test func rowsThatComeBackAreDeletedByTheNextAttempt() async throws {
        try await withCrawled { test, clock, meter, _ in
            let request = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: nil, now: clock.now)
            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            _ = try await SavedDatabase.save(test)
            let stopped = Task {
                try await eraser.execute(request.id) { step in
                    if step == .conclude { withUnsafeCurrentTask { $0?.cancel() } }
                }
            }
            await #expect(throws: (any Error).self) { _ = try await stopped.value }
            try await test.pool.withConnection {
                _ = try await $0.execute(
                    "insert into public.message select * from saved.message where channel = $1",
                    [.int64(meter.rawValue)])
            }
            await #expect(throws: ErasureError.notGone(request: request.id, rows: 24, keys: 0)) {
                _ = try await eraser.execute(request.id)
            }
            #expect(try await eraser.execute(request.id).state == .done)
            #expect(try await test.rowCount(of: "message") == 6)
        }
    }

    /// A period that was forgotten comes back with an older ring and log, or with an older
    /// database.
    @Test(arguments: [false, true])
    func aPeriodIsForgottenAgain(databaseIsOlder: Bool) async throws {
        try await withCrawled { test, clock, meter, other in
            let months = try await test.pool.withConnection {
                try await $0.query(
                    "select distinct period from message where channel = $1 order by period",
                    [.int64(meter.rawValue)])
            }.map { Period(rawValue: UInt16(try $0.int32("period"))) }
            let month = try #require(months.first)
            let database = try await SavedDatabase.save(test)
            let ring = try SavedRing(test)
            try await forget(.period(meter, month...month), test, clock)
            let left = try await test.rowCount(of: "message")
            #expect(left < 30)
            if databaseIsOlder { try await database.restore(test) } else { try ring.restore() }
            let vault = try Vault(ring: test.keyRing)
            let report = try await reconcile(vault, test)
            #expect(report.logWasOlder == !databaseIsOlder)
            #expect(try vault.isForgotten(meter, month))
            #expect(try !vault.isForgotten(meter))
            #expect(try await test.rowCount(of: "message") == left)
            #expect(try await reconcile(vault, test).isEmpty)
            #expect(try await reconcile(vault, test, full: true).isEmpty)
            #expect(try await test.read(other).count == 6)
        }
    }
}
