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

/// Tombstones that are lifted, and what of that survives restored copies.
@Suite struct TombstoneLiftTests {
    private struct Forgotten {
        let test: TestArchive
        let clock: TestClock
        let vector: ChannelVector
        let channel: ChannelNumber

        /// The roots of the chain's trees, the head's next one included.
        var roots: [Root] {
            get throws {
                let texts = vector.messages.map(\.root) + [vector.messages.last?.nextRoot ?? ""]
                return try Array(Set(texts)).sorted().map { try Root($0) }
            }
        }

        var first: Root { get throws { try Root(vector.messages[0].root) } }

        func lift(_ root: Root) async throws {
            try await test.archive.liftTombstone(
                of: root, reason: "a new contract", now: clock.now)
        }

        func register() async throws -> ChannelNumber {
            try await test.register(vector, now: clock.now)
        }

        func crawl() async throws {
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
        }

        func forget(_ scope: ForgetSelector) async throws {
            let request = try await test.archive.receiveForgetRequest(
                scope, shared: .forget, reason: nil, now: clock.now)
            _ = try await Eraser(
                archive: test.archive, clock: { [clock] in clock.now }, log: .silent
            )
            .execute(request.id)
        }

        @discardableResult
        func reconcile(full: Bool = false) async throws -> ReconciliationReport {
            let vault = try Vault(ring: test.keyRing)
            return try await test.pool.withConnection {
                try await Reconciliation(vault: vault).run(on: $0, full: full)
            }
        }

        func isRefused(_ root: Root) async throws -> Bool {
            try await test.pool.withConnection {
                try await test.archive.isForgotten(root, on: $0)
            }
        }

        /// What ring and log held, to be put back.
        func savedRing() throws -> [String: Data] {
            try [test.keyRing.path, test.keyRing.path + ".forgotten"].reduce(into: [:]) {
                $0[$1] = try Data(contentsOf: URL(fileURLWithPath: $1))
            }
        }

        func restore(_ ring: [String: Data]) throws {
            for (path, content) in ring { try content.write(to: URL(fileURLWithPath: path)) }
        }
    }

    /// The channel `meter`, crawled and forgotten.
    private func withForgotten(_ body: (Forgotten) async throws -> Void) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let channel = try await test.fill(channel: vector.name, clock: clock)
            let forgotten = Forgotten(test: test, clock: clock, vector: vector, channel: channel)
            try await forgotten.reconcile()
            try await forgotten.forget(.channel(channel))
            try await body(forgotten)
        }
    }

    @Test func onceLiftedTheChannelIsRegisteredAndFollowedAgain() async throws {
        try await withForgotten { forgotten in
            let archive = forgotten.test.archive
            let roots = try forgotten.roots
            #expect(roots.count > 5)
            for root in roots { try await forgotten.lift(root) }
            for root in roots {
                await #expect(throws: ArchiveError.noSuchTombstone) {
                    try await forgotten.lift(root)
                }
            }
            let again = try await forgotten.register()
            try await forgotten.crawl()
            #expect(try await forgotten.test.read(again).count == 24)
            // What was sealed for the forgotten channel is not readable for that.
            #expect(try forgotten.test.vault.isForgotten(forgotten.channel))
            #expect(try await archive.channel(forgotten.channel).state == .forgotten)
            #expect(try await forgotten.reconcile().isEmpty)
            #expect(try await forgotten.reconcile(full: true).isEmpty)
            #expect(try await forgotten.test.read(again).count == 24)
        }
    }

    @Test func theNextTreesTombstoneStopsAChannelThatWalksIntoIt() async throws {
        try await withForgotten { forgotten in
            try await forgotten.lift(forgotten.first)
            let again = try await forgotten.register()
            try await forgotten.crawl()
            let record = try await forgotten.test.archive.channel(again)
            #expect(record.state == .stalled)
            #expect(record.reason == StallReason.forgotten.rawValue)
            #expect(record.messageCount == 1)
        }
    }

    @Test func aRootWithoutATombstoneHasNoneToLift() async throws {
        try await withForgotten { forgotten in
            let acts = try await forgotten.test.rowCount(of: "audit_entry")
            let records = try forgotten.test.vault.logHead()
            await #expect(throws: ArchiveError.noSuchTombstone) {
                try await forgotten.lift(Root(String(repeating: "Z", count: 81)))
            }
            await #expect(throws: ArchiveError.reasonTooLong(limit: 2000)) {
                try await forgotten.test.archive.liftTombstone(
                    of: forgotten.first, reason: String(repeating: "x", count: 2001),
                    now: forgotten.clock.now)
            }
            #expect(try await forgotten.test.rowCount(of: "audit_entry") == acts)
            #expect(try forgotten.test.vault.logHead() == records)
            #expect(try await forgotten.isRefused(forgotten.first))
        }
    }

    @Test func aLiftStandsInTheAuditLogWithItsReason() async throws {
        try await withForgotten { forgotten in
            try await forgotten.lift(forgotten.first)
            var lifts: [AuditRecord] = []
            try await forgotten.test.archive.auditRecords(AuditFilter()) {
                lifts += $0.filter { $0.entry.kind == "tombstone.lifted" }
            }
            #expect(lifts.count == 1)
            guard case .open(let details) = try #require(lifts.first).details else {
                Issue.record("its details do not open")
                return
            }
            #expect(details["reason"] == "a new contract")
            #expect(details["tombstone"]?.count == 64)
        }
    }

    @Test func whatIsBuriedAgainStandsAgainAndIsLiftedAgain() async throws {
        try await withForgotten { forgotten in
            let roots = try forgotten.roots
            for time in 1...3 {
                for root in roots { try await forgotten.lift(root) }
                let again = try await forgotten.register()
                try await forgotten.crawl()
                #expect(try await forgotten.test.read(again).count == 24)
                try await forgotten.forget(.channel(again))
                for root in roots { #expect(try await forgotten.isRefused(root)) }
                await #expect(throws: ArchiveError.forgotten) {
                    _ = try await forgotten.register()
                }
                let rows = try await forgotten.test.pool.withConnection {
                    try await $0.query("select distinct lifts from lifted_tombstone")
                }
                #expect(try rows.map { try $0.int32("lifts") } == [Int32(time)])
                #expect(try await forgotten.reconcile(full: true).isEmpty)
            }
        }
    }

    /// The states a tombstone goes through, and every pair of an older database, or an older ring
    /// and log, with the newest of the other: the latest of what either knows is what holds.
    @Test(arguments: [false, true], [false, true])
    func theLatestThatAnyCopyKnowsHolds(databaseIsOlder: Bool, full: Bool) async throws {
        let root = try Root(ChannelVector.named("meter").messages[0].root)
        /// Each changes the state, and the root is refused after every other.
        let lift: (Forgotten) async throws -> Void = { try await $0.lift(root) }
        let bury: (Forgotten) async throws -> Void = { forgotten in
            try await forgotten.test.pool.withTransaction { connection in
                try await connection.holdTombstones(.exclusive)
                let count = try await forgotten.test.archive.bury(
                    [root], now: forgotten.clock.now, on: connection)
                #expect(count == 1)
            }
        }
        let changes = [lift, bury, lift]
        for older in 0..<changes.count {
            try await withForgotten { forgotten in
                for change in changes.prefix(older) { try await change(forgotten) }
                let database = try await SavedDatabase.save(forgotten.test)
                let ring = try forgotten.savedRing()
                for newest in older..<changes.count {
                    try await changes[newest](forgotten)
                    // What the copy that stays knows is not lost to it.
                    let newestDatabase = try await SavedDatabase.save(
                        forgotten.test, as: "newest")
                    let newestRing = try forgotten.savedRing()
                    if databaseIsOlder {
                        try await database.restore(forgotten.test)
                    } else {
                        try forgotten.restore(ring)
                    }
                    try await forgotten.reconcile(full: full)
                    let isRefused = try await forgotten.isRefused(root)
                    #expect(isRefused == (newest % 2 == 1), "\(older) to \(newest)")
                    #expect(try await forgotten.reconcile().isEmpty)
                    #expect(try await forgotten.reconcile(full: true).isEmpty)
                    try await newestDatabase.restore(forgotten.test)
                    try forgotten.restore(newestRing)
                }
            }
        }
    }

    @Test func aLostLogIsWrittenAnewWithItsLifts() async throws {
        try await withForgotten { forgotten in
            let roots = try forgotten.roots
            try await forgotten.lift(roots[0])
            unlink(forgotten.test.keyRing.path + ".forgotten")
            let report = try await forgotten.reconcile()
            #expect(report.logWasOlder)
            #expect(report.liftsLogged == 1)
            #expect(report.tombstonesLogged == roots.count - 1)
            #expect(report.tombstonesAdded == 0 && report.tombstonesLifted == 0)
            #expect(try await !forgotten.isRefused(roots[0]))
            #expect(try await forgotten.isRefused(roots[1]))
            // An older database learns of it from the new log.
            try await forgotten.test.pool.withConnection {
                try await $0.script("truncate tombstone; truncate lifted_tombstone")
            }
            let again = try await forgotten.reconcile(full: true)
            #expect(again.tombstonesAdded == roots.count - 1)
            #expect(try await !forgotten.isRefused(roots[0]))
            #expect(try await forgotten.isRefused(roots[1]))
        }
    }

    @Test func liftsAndForgetsAtOnceLeaveLogAndDatabaseInStep() async throws {
        try await withForgotten { forgotten in
            let roots = try forgotten.roots
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<40 {
                    let root = roots[number % 3]
                    group.addTask {
                        if number % 2 == 0 {
                            do {
                                try await forgotten.lift(root)
                            } catch ArchiveError.noSuchTombstone {}
                        } else {
                            try await forgotten.test.pool.withTransaction { connection in
                                try await connection.holdTombstones(.exclusive)
                                _ = try await forgotten.test.archive.bury(
                                    [root], now: forgotten.clock.now, on: connection)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await forgotten.reconcile().isEmpty)
            #expect(try await forgotten.reconcile(full: true).isEmpty)
        }
    }

    /// Roots of partly forgotten trees become tombstones with the whole channel, also where the
    /// database or the log was restored meanwhile.
    @Test(arguments: [false, true])
    func partlyForgottenTreesAreNotLostWithARestoredCopy(databaseIsOlder: Bool) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("meter")
            let channel = try await test.fill(channel: vector.name, clock: clock)
            let forgotten = Forgotten(test: test, clock: clock, vector: vector, channel: channel)
            try await forgotten.reconcile()
            let saved = try await SavedDatabase.save(test)
            let ring = try forgotten.savedRing()
            let month = Period(clock.now)
            try await forgotten.forget(.period(channel, month...month))
            let parts = try await test.rowCount(of: "partly_forgotten_root")
            #expect(parts > 0)
            if databaseIsOlder {
                try await saved.restore(test)
                #expect(try await test.rowCount(of: "partly_forgotten_root") == 0)
            } else {
                try forgotten.restore(ring)
            }
            let report = try await forgotten.reconcile()
            #expect(report.partsAdded == (databaseIsOlder ? parts : 0))
            #expect(report.partsLogged == (databaseIsOlder ? 0 : parts))
            #expect(try await test.rowCount(of: "partly_forgotten_root") == parts)
            #expect(try await forgotten.reconcile(full: true).isEmpty)
            // The test's own vault would refuse a log that went back.
            let archive = Archive(pool: test.pool, vault: try Vault(ring: test.keyRing))
            let request = try await archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await Eraser(archive: archive, clock: { clock.now }, log: .silent)
                .execute(request.id)
            for root in try forgotten.roots {
                #expect(try await forgotten.isRefused(root))
            }
            #expect(try await test.rowCount(of: "partly_forgotten_root") == 0)
            #expect(try await forgotten.reconcile(full: true).isEmpty)
        }
    }
}
