import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import Postgres
import TestSupport
import Testing
import Vault

/// Why somebody asked is his, too, whatever became of the request.
@Suite struct ReasonTests {
    @Test func theReasonOfARefusedRequestGoesWithTheChannel() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let archive = test.archive
            let channel = try await test.fill(channel: "meter", clock: clock)
            let month = Period(clock.now)
            let part = try await archive.receiveForgetRequest(
                .period(channel, month...month), reason: "an affair", opening: .received,
                now: clock.now)
            _ = try await archive.advance(
                part.id, .refuse, note: "not his", now: clock.now)
            #expect(try !test.vault.isForgotten(part.id))
            let whole = try await archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await Eraser(archive: archive, clock: { clock.now }, log: .silent)
                .execute(whole.id)
            #expect(try test.vault.isForgotten(part.id))
            let left = try await test.pool.withConnection {
                try await $0.query("select 1 from forget_request where sealed_reason is not null")
            }
            #expect(left.isEmpty)
        }
    }

    @Test func aRequestWhoseTargetIsForgottenCanStillBeRefused() async throws {
        try await TestArchive.with { test in
            let clock = TestClock()
            let archive = test.archive
            let channel = try await test.fill(channel: "meter", clock: clock)
            let month = Period(clock.now)
            let part = try await archive.receiveForgetRequest(
                .period(channel, month...month), reason: nil, opening: .received, now: clock.now)
            let whole = try await archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: clock.now)
            _ = try await Eraser(archive: archive, clock: { clock.now }, log: .silent)
                .execute(whole.id)
            let refused = try await archive.advance(
                part.id, .refuse, note: "done already", now: clock.now)
            #expect(refused.state == .refused)
            #expect(try archive.note(on: refused) == nil)
            // The open ones come first, however many came since.
            #expect(try await archive.forgetRequests(onlyOpen: true).isEmpty)
            #expect(try await archive.forgetRequests().count == 2)
        }
    }
}
