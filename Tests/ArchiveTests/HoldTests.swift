import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Testing
import Vault

/// What a legal hold keeps from being forgotten.
@Suite struct HoldTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func withPerson(
        _ body: (TestArchive, _ meter: ChannelNumber, _ other: ChannelNumber) async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            func add(_ letter: Character, _ subject: String) async throws -> ChannelNumber {
                try await test.register(
                    Root(String(repeating: letter, count: 81)), subject: subject, now: Self.now)
            }
            try await body(test, try await add("A", "anna"), try await add("B", "anna"))
        }
    }

    private func refused(_ test: TestArchive, _ scope: ForgetSelector) async throws -> Bool {
        do {
            _ = try await test.archive.receiveForgetRequest(scope, reason: nil, now: Self.now)
            return false
        } catch ArchiveError.onHold {
            return true
        }
    }

    @Test func aHeldChannelHoldsItsPersonButNotHisOtherChannels() async throws {
        try await withPerson { test, meter, other in
            try await test.archive.setHold(.channel(meter), reason: "a claim", now: Self.now)
            #expect(try await refused(test, .channel(meter)))
            #expect(try await refused(test, .subject("anna")))
            #expect(try await !refused(test, .channel(other)))
            try await test.archive.liftHold(.channel(meter), reason: "settled", now: Self.now)
            #expect(try await !refused(test, .channel(meter)))
            #expect(try await !refused(test, .subject("anna")))
        }
    }

    @Test func aHeldPersonHoldsAllHisChannels() async throws {
        try await withPerson { test, meter, other in
            try await test.archive.setHold(.subject("anna"), reason: "a claim", now: Self.now)
            for channel in [meter, other] {
                #expect(try await refused(test, .channel(channel)))
            }
            let holds = try await test.archive.holds()
            #expect(holds.map(\.reason) == ["a claim"])
            #expect(holds.map(\.kind) == [.subject])
        }
    }

    @Test func holdsAreOfThingsThatAreThereAndTheirReasonIsSealed() async throws {
        try await withPerson { test, meter, _ in
            let nowhere = ChannelNumber.random()
            await #expect(throws: ArchiveError.noSuchChannel(nowhere)) {
                try await test.archive.setHold(.channel(nowhere), reason: "x", now: Self.now)
            }
            await #expect(throws: ArchiveError.noSuchSubject) {
                try await test.archive.setHold(.subject("ben"), reason: "x", now: Self.now)
            }
            await #expect(throws: ArchiveError.noSuchHold) {
                try await test.archive.liftHold(.channel(meter), reason: nil, now: Self.now)
            }
            try await test.archive.setHold(.channel(meter), reason: "a secret claim", now: Self.now)
            #expect(try await !test.snapshot().joined().contains("a secret claim"))
            let kinds = try await test.audited().map(\.entry.kind)
            #expect(kinds.last == "hold.set")
        }
    }
}
