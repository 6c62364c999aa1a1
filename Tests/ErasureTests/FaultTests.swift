import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import Synchronization
import TestSupport
import Testing
import Vault

/// A forget cut off between any two things that it makes durable.
@Suite struct FaultTests {
    private struct CutOff: Error {}

    /// Of a forget that is cut off at a point when it comes there for the first time.
    private static func settings(cutAt point: EraserSettings.FaultPoint, _ reached: Once)
        -> EraserSettings
    {
        var settings = EraserSettings()
        settings.faultPoint = { here in
            guard here == point, reached.set() else { return }
            throw CutOff()
        }
        return settings
    }

    enum Scope: CaseIterable {
        case channel, part, person
    }

    /// Points that come after the keys are destroyed.
    private static let afterShredding: Set<EraserSettings.FaultPoint> = [
        .shredded, .markedShredded, .deletingBatch, .rowsDeleted, .markedDeleted,
    ]

    @Test(arguments: EraserSettings.FaultPoint.allCases, Scope.allCases)
    func cutOffAnywhereItIsFinishedWithOneReceipt(
        _ point: EraserSettings.FaultPoint, _ scope: Scope
    ) async throws {
        let isPart = scope == .part
        try await TestArchive.with { test in
            let clock = TestClock()
            let other = try await test.fill(channel: "public", clock: clock)
            let channel = try await test.fill(channel: "meter", subject: "anna", clock: clock)
            let months = try #require(ClosedRange<Period>(text: "2027-01"))
            let selector: ForgetSelector =
                switch scope {
                case .channel: .channel(channel)
                case .part: .period(channel, months)
                case .person: .subject("anna")
                }
            let request = try await test.archive.receiveForgetRequest(
                selector, reason: "moved out", now: clock.now)
            let reached = Once()
            let cut = Eraser(
                archive: test.archive, settings: Self.settings(cutAt: point, reached),
                clock: { clock.now }, log: .silent)
            await #expect(throws: CutOff.self) {
                _ = try await cut.execute(request.id)
                try await cut.complete(atOnce: true)
            }
            if Self.afterShredding.contains(point) {
                // Whatever date the receipt will give, pseudonym and reason are gone by then, too.
                let own: ChannelNumber? =
                    switch scope {
                    case .channel: nil
                    case .part: request.id
                    case .person: request.target
                    }
                if let own { #expect(try test.vault.isForgotten(own)) }
            }

            let eraser = Eraser(archive: test.archive, clock: { clock.now }, log: .silent)
            _ = try await eraser.execute(request.id)
            try await eraser.complete(atOnce: true)
            let done = try await test.archive.forgetRequest(request.id)
            let receipt = try receipt(done)
            #expect(done.state == .done)
            #expect(receipt.final)
            #expect(receipt.rows["message"] == 24)
            #expect(receipt.rows["attachment"] == 24)
            #expect(receipt.tombstones == (isPart ? 24 : 25))
            #expect(receipt.proof.derivationsSucceeded == 0)
            #expect(try await test.rowCount(of: "forget_request") == 1)
            #expect(try await test.archive.openForgetRequests().isEmpty)
            #expect(try await test.archive.incompleteForgetRequests().isEmpty)
            #expect(try await test.rowCount(of: "message") == 6)
            #expect(try await test.read(other).count == 6)

            // Doing it again changes nothing.
            _ = try await eraser.execute(request.id)
            try await eraser.complete(atOnce: true)
            #expect(try await test.archive.forgetRequest(request.id).receipt == done.receipt)
        }
    }
}

/// A flag that is set once.
private final class Once: Sendable {
    private let flag = Mutex(false)

    /// Whether it was not set before.
    func set() -> Bool {
        flag.withLock { flag in
            defer { flag = true }
            return !flag
        }
    }
}
