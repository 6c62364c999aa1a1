import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import MAM
import Ternary
import TestSupport
import Testing
import Vault

/// What is refused at registration, and that a refusal leaves nothing behind.
@Suite struct RegistrationTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    private static func root(_ letter: Character = "R") throws -> Root {
        try Root(String(repeating: letter, count: 81))
    }

    @Test(arguments: [
        "", "A", String(repeating: "A", count: 80), String(repeating: "A", count: 82),
        String(repeating: "a", count: 81), String(repeating: "A", count: 80) + "0",
        String(repeating: "Ä", count: 81), String(repeating: "A", count: 80) + "\n",
    ])
    func aRootOfTheWrongLengthOrAlphabetIsNone(text: String) {
        #expect(throws: TernaryError.self) { try Root(text) }
    }

    @Test func modeAndKeyHaveToFit() async throws {
        try await TestArchive.with { test in
            let before = try await test.snapshot()
            await #expect(throws: ArchiveError.sideKeyMissing) {
                try await test.archive.register(
                    ChannelRegistration(root: Self.root(), mode: .restricted), now: Self.now)
            }
            for mode in [ChannelMode.public, .private] {
                await #expect(throws: ArchiveError.sideKeyNotWanted) {
                    try await test.archive.register(
                        ChannelRegistration(root: Self.root(), mode: mode, sideKey: SideKey("K")),
                        now: Self.now)
                }
            }
            #expect(try await test.snapshot() == before)
        }
    }

    @Test func textsAreBounded() async throws {
        try await TestArchive.with { test in
            let before = try await test.snapshot()
            let limit = ChannelRegistration.labelLimit
            for label in [
                String(repeating: "x", count: limit + 1),
                String(repeating: "é", count: limit / 2 + 1),
            ] {
                await #expect(throws: ArchiveError.labelTooLong(limit: limit)) {
                    try await test.register(Self.root(), label: label, now: Self.now)
                }
            }
            let subjects = [
                "", String(repeating: "s", count: ChannelRegistration.subjectLimit + 1), "a\nb",
                "nul\u{0}", "del\u{7f}",
            ]
            for subject in subjects {
                await #expect(
                    throws: ArchiveError.subjectMalformed(limit: ChannelRegistration.subjectLimit)
                ) {
                    try await test.register(Self.root(), subject: subject, now: Self.now)
                }
            }
            #expect(try await test.snapshot() == before)
            let label = String(repeating: "é", count: limit / 2)
            let channel = try await test.register(
                Self.root(), label: label, subject: "née \u{1F600}", now: Self.now)
            let record = try await test.archive.channel(channel)
            #expect(record.label == label)
            #expect(record.subjects == ["née \u{1F600}"])
        }
    }

    @Test func aRootIsRegisteredOnceWhateverElseIsSaid() async throws {
        try await TestArchive.with { test in
            let channel = try await test.register(Self.root(), now: Self.now)
            await #expect(throws: ArchiveError.alreadyRegistered(channel)) {
                try await test.register(
                    Self.root(), label: "again", subject: "somebody", now: Self.now)
            }
            await #expect(throws: ArchiveError.alreadyRegistered(channel)) {
                try await test.archive.register(
                    ChannelRegistration(root: Self.root(), mode: .public), now: Self.now)
            }
            #expect(try await test.rowCount(of: "channel") == 1)
            // The refusal leaves no person behind either.
            #expect(try await test.rowCount(of: "subject") == 0)
        }
    }

    @Test func ofManyRegistrationsOfOneRootAtOnceOneIsTaken() async throws {
        try await TestArchive.with { test in
            let outcomes = await withTaskGroup(of: Bool.self, returning: [Bool].self) { group in
                for number in 0..<12 {
                    group.addTask {
                        do {
                            _ = try await test.register(
                                Self.root(), subject: "person \(number % 2)", now: Self.now)
                            return true
                        } catch ArchiveError.alreadyRegistered {
                            return false
                        } catch {
                            Issue.record(error)
                            return false
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 }.count == 1)
            let rows = try await [test.rowCount(of: "channel"), test.rowCount(of: "tree")]
            #expect(rows == [1, 1])
        }
    }

    @Test func aForgottenRootIsRefused() async throws {
        try await TestArchive.with { test in
            let channel = try await test.fill("N", count: 2, now: Self.now)
            let roots = try Verified.messages("N", count: 2).map(\.root)
            let request = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: Self.now)
            _ = try await Eraser(archive: test.archive, log: .silent).execute(request.id)
            let before = try await test.snapshot()
            for root in roots {
                await #expect(throws: ArchiveError.forgotten) {
                    try await test.register(root, now: Self.now)
                }
            }
            #expect(try await test.snapshot() == before)
        }
    }

    @Test func noTextOfARefusalHoldsTheRoot() async throws {
        try await TestArchive.with { test in
            let root = try Self.root("Q")
            let secret = String(repeating: "Q", count: 20)
            let registration = ChannelRegistration(root: root, mode: .private)
            _ = try await test.archive.register(registration, now: Self.now)
            do {
                _ = try await test.archive.register(registration, now: Self.now)
                Issue.record("registered twice")
            } catch {
                #expect(!"\(error) \(String(reflecting: error))".contains(secret))
            }
            #expect(!"\(registration) \(String(reflecting: registration))".contains(secret))
        }
    }
}
