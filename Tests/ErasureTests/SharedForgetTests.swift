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

/// Forgetting one person of a household.
@Suite struct SharedForgetTests {
    private struct Household {
        let test: TestArchive
        let clock: TestClock
        /// Anna's and ben's.
        let meter: ChannelNumber
        /// Anna's.
        let own: ChannelNumber
        /// Ben's.
        let other: ChannelNumber

        var eraser: Eraser {
            Eraser(archive: test.archive, clock: { [clock] in clock.now }, log: .silent)
        }

        func request(_ scope: ForgetSelector, _ shared: SharedChannels) async throws
            -> ForgetRequestRecord
        {
            try await test.archive.receiveForgetRequest(
                scope, shared: shared, reason: "moved out", now: clock.now)
        }
    }

    private func withHousehold(_ body: (Household) async throws -> Void) async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let meter = try await test.register(.named("meter"), subject: "anna", now: clock.now)
            let own = try await test.register(.named("private"), subject: "anna", now: clock.now)
            let other = try await test.register(.named("public"), subject: "ben", now: clock.now)
            try await test.archive.changeSubjects(
                of: meter, adding: ["ben"], removing: [], now: clock.now)
            _ = try await test.crawler(MemoryTangle.recorded(), clock: clock).crawlUntilIdle()
            try await body(
                Household(test: test, clock: clock, meter: meter, own: own, other: other))
        }
    }

    @Test func withoutAWordAboutTheSharedChannelNothingIsDone() async throws {
        try await withHousehold { house in
            let archive = house.test.archive
            let plan = try await archive.planForget(.subject("anna"))
            #expect(plan.channels == 2)
            #expect(plan.shared == [house.meter.text])
            await #expect(throws: ArchiveError.sharedChannels([house.meter])) {
                _ = try await house.request(.subject("anna"), .refuse)
            }
            #expect(try await archive.forgetRequests().isEmpty)
            #expect(try await house.test.read(house.meter).count == 24)
            // Who has no channel with others is forgotten as ever.
            try await archive.changeSubjects(
                of: house.meter, adding: [], removing: ["ben"], now: house.clock.now)
            #expect(try await archive.planForget(.subject("anna")).shared.isEmpty)
            let request = try await house.request(.subject("anna"), .refuse)
            let receipt = try receipt(await house.eraser.execute(request.id))
            #expect(receipt.channels == 2)
            #expect(receipt.sharedForgotten == 0 && receipt.sharedKept == 0)
        }
    }

    @Test func takenAlongTheSharedChannelIsForgottenForAll() async throws {
        try await withHousehold { house in
            let request = try await house.request(.subject("anna"), .forget)
            let done = try await house.eraser.execute(request.id)
            let receipt = try receipt(done)
            #expect(receipt.channels == 2)
            #expect(receipt.sharedForgotten == 1 && receipt.sharedKept == 0)
            #expect(receipt.remaining == 0)
            for channel in [house.meter, house.own] {
                #expect(try house.test.vault.isForgotten(channel))
                #expect(try await house.test.archive.channel(channel).state == .forgotten)
            }
            #expect(try await house.test.rowCount(of: "channel_subject") == 1)
            #expect(try await house.test.archive.channel(house.other).subjects == ["ben"])
            #expect(try await house.test.read(house.other).count == 6)
            let ben = try await house.test.archive.subject("ben")
            #expect(
                try await house.test.archive.scope(ofSubject: ben) == .only([house.other]))
            await #expect(throws: ArchiveError.noSuchSubject) {
                _ = try await house.test.archive.subject("anna")
            }
        }
    }

    @Test func leftTheSharedChannelIsTheOthersAlone() async throws {
        try await withHousehold { house in
            let archive = house.test.archive
            let anna = try await archive.subject("anna")
            let plan = try await archive.planForget(.subject("anna"), shared: .leave)
            #expect(plan.channels == 1)
            #expect(plan.shared == [house.meter.text])
            let saved = try await SavedDatabase.save(house.test)
            let request = try await house.request(.subject("anna"), .leave)
            let receipt = try receipt(await house.eraser.execute(request.id))
            #expect(receipt.channels == 1)
            #expect(receipt.sharedForgotten == 0 && receipt.sharedKept == 1)

            func check() async throws {
                #expect(try house.test.vault.isForgotten(anna))
                #expect(try house.test.vault.isForgotten(house.own))
                #expect(try await archive.channel(house.own).state == .forgotten)
                let meter = try await archive.channel(house.meter)
                #expect(meter.subjects == ["ben"] && meter.state == .following)
                #expect(try await house.test.read(house.meter).count == 24)
                await #expect(throws: ArchiveError.noSuchSubject) {
                    _ = try await archive.subject("anna")
                }
            }
            try await check()
            // Nor does an older database make it hers again.
            try await saved.restore(house.test)
            _ = try await house.test.pool.withConnection {
                try await Reconciliation(vault: house.test.vault).run(on: $0)
            }
            try await check()
        }
    }

    @Test func aPersonWhoseChannelsAreAllSharedIsForgottenAndTheyStay() async throws {
        try await withHousehold { house in
            try await house.test.archive.changeSubjects(
                of: house.own, adding: ["ben"], removing: [], now: house.clock.now)
            let anna = try await house.test.archive.subject("anna")
            let request = try await house.request(.subject("anna"), .leave)
            let receipt = try receipt(await house.eraser.execute(request.id))
            #expect(receipt.channels == 0 && receipt.sharedKept == 2)
            #expect(try house.test.vault.isForgotten(anna))
            #expect(try await house.test.read(house.meter).count == 24)
        }
    }

    @Test func aChannelThatBecomesSharedMeanwhileHoldsTheRequestUp() async throws {
        try await withHousehold { house in
            let archive = house.test.archive
            let request = try await house.request(.subject("ben"), .leave)
            let own = try await archive.receiveForgetRequest(
                .channel(house.own), reason: nil, now: house.clock.now)
            try await archive.changeSubjects(
                of: house.own, adding: ["carl"], removing: [], now: house.clock.now)
            #expect(
                try await archive.openForgetRequests(now: house.clock.now).map(\.id)
                    == [request.id])
            await #expect(throws: ArchiveError.sharedChannels([house.own])) {
                _ = try await house.eraser.execute(own.id)
            }
            #expect(try await archive.channel(house.own).state == .following)
            // Said anew, it goes; what waited is done with it.
            let anew = try await house.request(.channel(house.own), .forget)
            #expect(anew.id != own.id)
            _ = try await house.eraser.execute(anew.id)
            #expect(
                try await Set(archive.openForgetRequests(now: house.clock.now).map(\.id))
                    == [request.id, own.id])
            let late = try receipt(await house.eraser.execute(own.id))
            #expect(late.remaining == 0)
        }
    }

    @Test func twoOfAHouseholdForgottenAtOnceLeaveNothingOfTheirs() async throws {
        try await withHousehold { house in
            let first = try await house.request(.subject("anna"), .forget)
            let second = try await house.request(.subject("ben"), .forget)
            async let one = house.eraser.execute(first.id)
            async let two = house.eraser.execute(second.id)
            for record in try await [one, two] {
                #expect(try receipt(record).remaining == 0)
            }
            for channel in [house.meter, house.own, house.other] {
                #expect(try house.test.vault.isForgotten(channel))
            }
            for table in ["subject", "channel_subject", "message", "tree"] {
                #expect(try await house.test.rowCount(of: table) == 0)
            }
        }
    }

    @Test func retentionAndPeriodsOfASharedChannelAreAsOfAnyOther() async throws {
        try await withHousehold { house in
            let month = Period(house.clock.now)
            let request = try await house.request(.period(house.meter, month...month), .forget)
            let receipt = try receipt(await house.eraser.execute(request.id))
            #expect(receipt.rows["message"] == 24)
            #expect(receipt.sharedForgotten == nil)
            let meter = try await house.test.archive.channel(house.meter)
            #expect(meter.subjects == ["anna", "ben"])
            try await house.test.archive.setRetention(
                Retention(months: 1), of: house.meter, now: house.clock.now)
            house.clock.advance(100 * 86_400)
            #expect(try await house.test.archive.beginRetention(now: house.clock.now) == 1)
            let open = try await house.test.archive.openForgetRequests(now: house.clock.now)
            #expect(open.map(\.kind) == [.retention])
            _ = try await house.eraser.execute(try #require(open.first).id)
        }
    }
}
