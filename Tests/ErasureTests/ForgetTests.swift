import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import MAM
import Postgres
import Synchronization
import Ternary
import TestSupport
import Testing
import Vault

/// Forgetting on a real database.
@Suite struct ForgetTests {
    /// The channels `meter` and `private` of one subject and `public` of nobody, crawled.
    private func withCrawled(
        _ body: (TestArchive, TestClock, _ meter: ChannelNumber, _ other: ChannelNumber)
            async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let meter = try await test.register(
                .named("meter"), subject: "household-7", now: clock.now)
            _ = try await test.register(.named("private"), subject: "household-7", now: clock.now)
            let other = try await test.register(.named("public"), now: clock.now)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            try await body(test, clock, meter, other)
        }
    }

    private func eraser(_ test: TestArchive, _ clock: TestClock) -> Eraser {
        Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
    }

    @Test func aSubjectsChannelsAreGoneAndOthersStay() async throws {
        try await withCrawled { test, clock, meter, other in
            let plan = try await test.archive.planForget(.subject("household-7"))
            #expect(plan.channels == 2)
            #expect(plan.rows["message"] == 30)

            let request = try await test.archive.receiveForgetRequest(
                .subject("household-7"), reason: "moved away", now: clock.now)
            let done = try await eraser(test, clock).execute(request.id)
            #expect(done.state == .done)
            let receipt = try receipt(done)
            #expect(receipt.channels == 2)
            #expect(receipt.rows["message"] == 30)
            #expect(receipt.tombstones == 32)
            #expect(receipt.unreadable == 0)

            await #expect(throws: ArchiveError.noSuchChannel(meter)) {
                _ = try await test.archive.messages(of: meter, MessageRange(), limit: 10)
            }
            await #expect(throws: ArchiveError.noSuchSubject) {
                _ = try await test.archive.subject("household-7")
            }
            #expect(try await test.read(other).count == 6)
            #expect(try await test.archive.channel(meter).state == .forgotten)
        }
    }

    @Test func noRowOfAForgottenChannelIsLeftInAnyTable() async throws {
        try await withCrawled { test, clock, meter, _ in
            let request = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            let tables = try await test.pool.withConnection {
                try await $0.query(
                    """
                    select table_name::text as name from information_schema.columns
                    where table_schema = 'public' and column_name = 'channel'
                    """)
            }.map { try $0.text("name") }
            #expect(tables.count >= 6)
            for table in tables where table != "forget_target" {
                let rows = try await test.pool.withConnection {
                    try await $0.query(
                        "select count(*) as rows from \(table) where channel = $1",
                        [.int64(meter.rawValue)])
                }
                #expect(try rows.first?.int64("rows") == 0, "\(table)")
            }
        }
    }

    /// Grants and their purposes, what a consent channel said, who read what for.
    @Test func whatReadersMayGoesWithTheChannels() async throws {
        try await withCrawled { test, clock, meter, other in
            let ledger = MemoryTangle()
            let provider = try Hash(String(repeating: "P", count: 81))
            var chain = try WrittenChain("C", on: ledger)
            try chain.write(MyHome.added(provider), at: clock.now)
            try chain.write(MyHome.authorised(provider, "advice on heating"), at: clock.now)
            var registration = ChannelRegistration(
                root: chain.root, mode: .private, subjects: ["household-7"])
            registration.isConsent = true
            let consent = try await test.archive.register(registration, now: clock.now)
            _ = try await test.crawler(ledger, clock: clock).crawlUntilIdle()
            #expect(try await test.rowCount(of: "consent_event") == 2)
            let token = try await test.archive.createToken(
                .reader, channels: [meter, other], purpose: "the bill of a household",
                address: provider, now: clock.now)
            let caller = try #require(await test.archive.authenticate(token.text))
            try await AuditActor.$current.withValue(.token(caller.token)) {
                let read = try await test.archive.messages(
                    of: meter, MessageRange(), limit: 10, within: caller.scope)
                #expect(read.messages.count == 10)
            }
            try await test.archive.audit.flush()
            let request = try await test.archive.receiveForgetRequest(
                .subject("household-7"), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            try await eraser(test, clock).complete(atOnce: true)
            let receipt = try receipt(try await test.archive.forgetRequest(request.id))
            #expect(receipt.rows["access_grant"] == 1)
            #expect(receipt.rows["consent_event"] == 2)
            #expect(receipt.rows["recipient"] == 1)
            #expect(receipt.proof.dataFiles.found == 0)
            #expect(try await test.rowCount(of: "consent_event") == 0)
            #expect(try await test.archive.grants().map(\.channel) == [other])
            for channel in [meter, consent] {
                try await test.archive.auditRecords(AuditFilter(leaf: channel)) { records in
                    #expect(records.allSatisfy { $0.details == .forgotten })
                }
            }
            let after = try #require(await test.archive.authenticate(token.text))
            #expect(!after.scope.isLimited(to: other))
            await #expect(throws: ArchiveError.noSuchChannel(meter)) {
                _ = try await test.archive.channel(meter, within: after.scope)
            }
            // A registered consent channel leaves nothing that names the person.
            let rows = try await test.pool.withConnection {
                try await $0.query(
                    "select count(*) as rows from channel where consent_of is not null or device is not null"
                )
            }
            #expect(try rows.first?.int64("rows") == 0)
        }
    }

    @Test func keyEpochsThatCameByThemselvesGoWithTheChannel() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("rotating-ntru")
            let provider = try #require(vector.provider)
            try await test.add(
                TestProvider(seed: provider.seed, address: provider.iotaAddress), now: clock.now)
            let channel = try await test.register(vector, keys: 1, now: clock.now)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            #expect(try await test.archive.keyEpochs(of: channel).count == 2)
            #expect(try await test.archive.planForget(.channel(channel)).rows["side_key"] == 2)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            try await eraser(test, clock).complete()
            let receipt = try receipt(try await test.archive.forgetRequest(request.id))
            #expect(receipt.rows["side_key"] == 2)
            #expect(receipt.proof.dataFiles.found == 0)
            #expect(try await test.rowCount(of: "side_key") == 0)
            // Nobody's data.
            #expect(try await test.archive.providerKeys().count == 1)
        }
    }

    @Test func neitherTheRootNorALaterOneIsRegisteredAgain() async throws {
        try await withCrawled { test, clock, meter, _ in
            let vector = try ChannelVector.named("meter")
            let request = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            let last = try #require(vector.messages.last)
            for root in [vector.messages[0].root, vector.messages[5].root, last.nextRoot] {
                let registration = ChannelRegistration(
                    root: try Root(root), mode: .restricted, sideKey: try SideKey("SOMESIDEKEY"))
                await #expect(throws: ArchiveError.forgotten) {
                    _ = try await test.archive.register(registration, now: clock.now)
                }
            }
        }
    }

    @Test func aChainThatLeadsToAForgottenRootIsNotFollowed() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let vector = try ChannelVector.named("public")
            let source = try MemoryTangle.recorded()
            let late = try await test.archive.register(
                ChannelRegistration(root: Root(vector.messages[3].root), mode: .public),
                now: clock.now)
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
            let request = try await test.archive.receiveForgetRequest(
                .channel(late), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)

            let early = try await test.register(vector, now: clock.now)
            _ = try await test.crawler(source, clock: clock).crawlUntilIdle()
            let record = try await test.archive.channel(early)
            #expect(record.messageCount == 3)
            #expect(record.state == .stalled)
            #expect(record.reason == StallReason.forgotten.rawValue)
        }
    }

    @Test func aCrawlerThatHeldTheLeaseCanWriteNothingMore() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let channel = try await test.register(.named("meter"), now: clock.now)
            let assignment = try #require(
                try await test.archive.acquireLeases(
                    owner: "slow", limit: 1, duration: 60, now: clock.now
                ).first)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await eraser(test, clock).execute(request.id)
            let outcomes = try await test.archive.commit(
                [CrawlFindings(lease: assignment.lease)], now: clock.now)
            #expect(outcomes == [.fenced])
        }
    }

    /// Stops at every step in turn, as a crash would, and starts over.
    @Test func whateverStepACrashComesAtTheNextStartFinishes() async throws {
        for fatal in 1...8 {
            try await withCrawled { test, clock, meter, other in
                let request = try await test.archive.receiveForgetRequest(
                    .subject("household-7"), reason: "moved", now: clock.now)
                let steps = Mutex(0)
                let eraser = eraser(test, clock)
                let crashing = Task {
                    try await eraser.execute(request.id) { _ in
                        let step = steps.withLock { count in
                            count += 1
                            return count
                        }
                        if step == fatal { withUnsafeCurrentTask { $0?.cancel() } }
                    }
                }
                let result = await crashing.result
                #expect(throws: (any Error).self) { try result.get() }
                let open = try await test.archive.openForgetRequests()
                #expect(open.count <= 1)
                let done = try await eraser.execute(request.id)
                #expect(done.state == .done)
                let receipt = try receipt(done)
                #expect(receipt.rows["message"] == 30, "crashed at step \(fatal)")
                #expect(receipt.tombstones == 32)
                #expect(try await test.archive.openForgetRequests().isEmpty)
                #expect(try await test.read(other).count == 6)
            }
        }
    }

    @Test func twoThatForgetTheSameAtOnceLeaveOneReceipt() async throws {
        try await withCrawled { test, clock, meter, _ in
            let first = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: nil, now: clock.now)
            let second = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: "again", now: clock.now)
            #expect(first.id == second.id)
            let eraser = eraser(test, clock)
            async let one = eraser.execute(first.id)
            async let two = eraser.execute(first.id)
            let records = try await [one, two]
            #expect(records.map(\.receipt)[0] == records.map(\.receipt)[1])
            #expect(try receipt(records[0]).rows["message"] == 24)
        }
    }

    @Test func whatCannotBeOpenedDoesNotKeepTheRestFromBeingForgotten() async throws {
        try await withCrawled { test, clock, meter, _ in
            try await test.pool.withConnection {
                _ = try await $0.execute(
                    """
                    update message set sealed_head = '\\x00' where channel = $1 and sequence = 3
                    """, [.int64(meter.rawValue)])
            }
            let request = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: nil, now: clock.now)
            let done = try await eraser(test, clock).execute(request.id)
            let receipt = try receipt(done)
            #expect(receipt.unreadable == 1)
            #expect(receipt.rows["message"] == 24)
        }
    }

    @Test func theReceiptTellsNoRootAddressKeyOrReason() async throws {
        try await withCrawled { test, clock, meter, _ in
            let vector = try ChannelVector.named("meter")
            let request = try await test.archive.receiveForgetRequest(
                .channel(meter), reason: "emigrated to Chile", now: clock.now)
            let done = try await eraser(test, clock).execute(request.id)
            let text = String(decoding: try receipt(done).canonical, as: UTF8.self)
            #expect(!text.contains(meter.text))
            for message in vector.messages {
                for secret in [message.root, message.nextRoot, message.address.description] {
                    #expect(!text.contains(secret))
                }
            }
            #expect(!text.contains("SOMESIDEKEY"))
            #expect(!text.contains("Chile"))
        }
    }
}

func receipt(_ record: ForgetRequestRecord) throws -> Receipt {
    try SignedReceipt(text: Array(try #require(record.receipt).utf8)).receipt()
}
