import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Testing
import Vault

/// Channels that are the data of several people.
@Suite struct SubjectsTests {
    private static let now = Date(timeIntervalSince1970: 1_800_000_000)

    /// A channel of anna's and ben's, and one of anna's alone.
    private func withHousehold(
        _ body: (TestArchive, _ shared: ChannelNumber, _ own: ChannelNumber) async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            let shared = try await test.archive.register(
                ChannelRegistration(
                    root: Root(String(repeating: "A", count: 81)), mode: .private,
                    subjects: ["ben", "anna", "ben"]), now: Self.now)
            let own = try await test.register(
                Root(String(repeating: "B", count: 81)), subject: "anna", now: Self.now)
            try await body(test, shared, own)
        }
    }

    private func scope(_ test: TestArchive, _ pseudonym: String) async throws -> Set<ChannelNumber>
    {
        let subject = try await test.archive.subject(pseudonym)
        guard case .only(let channels) = try await test.archive.scope(ofSubject: subject) else {
            return []
        }
        return channels
    }

    @Test func eachOfAChannelsPeopleSeesIt() async throws {
        try await withHousehold { test, shared, own in
            #expect(try await test.archive.channel(shared).subjects == ["anna", "ben"])
            #expect(try await test.archive.channels().map(\.subjectCount).sorted() == [1, 2])
            #expect(try await scope(test, "anna") == [shared, own])
            #expect(try await scope(test, "ben") == [shared])
            for (person, channels) in [("anna", [shared, own]), ("ben", [shared])] {
                let token = try await test.archive.createToken(
                    .subject, subject: person, now: Self.now)
                let caller = try await test.archive.authenticate(token.text)
                #expect(caller?.scope == .only(Set(channels)))
            }
            // Nothing of them stands in the clear.
            let stored = try await test.snapshot().joined()
            #expect(!stored.contains("anna") && !stored.contains("ben"))
        }
    }

    @Test func peopleAreAddedAndTakenOff() async throws {
        try await withHousehold { test, shared, own in
            try await test.archive.changeSubjects(
                of: shared, adding: ["carl", "ben"], removing: ["anna"], now: Self.now)
            #expect(try await test.archive.channel(shared).subjects == ["ben", "carl"])
            #expect(try await scope(test, "anna") == [own])
            #expect(try await scope(test, "carl") == [shared])
            // Again it changes nothing, and is not recorded.
            try await test.archive.changeSubjects(
                of: shared, adding: ["carl"], removing: ["anna"], now: Self.now)
            #expect(try await test.archive.channel(shared).subjects == ["ben", "carl"])
            let acts = try await test.audited().filter { $0.entry.kind.contains("subject") }
            #expect(
                acts.map(\.entry.kind) == ["channel.subject-removed", "channel.subject-added"])
            // It goes with the person.
            let people = try await [
                test.archive.subject("anna"), test.archive.subject("carl"),
            ]
            #expect(acts.map(\.entry.leaf) == people)
            #expect(acts.allSatisfy { $0.details == .open(["channel": shared.text]) })
            try await test.archive.changeSubjects(
                of: shared, adding: [], removing: ["ben", "carl"], now: Self.now)
            #expect(try await test.archive.channel(shared).subjects.isEmpty)
        }
    }

    @Test func whoIsNotThereOrHeldIsNotTakenOff() async throws {
        try await withHousehold { test, shared, own in
            let before = try await test.snapshot()
            await #expect(throws: ArchiveError.noSuchSubject) {
                try await test.archive.changeSubjects(
                    of: shared, adding: ["dora"], removing: ["nobody"], now: Self.now)
            }
            let nowhere = ChannelNumber.random()
            await #expect(throws: ArchiveError.noSuchChannel(nowhere)) {
                try await test.archive.changeSubjects(
                    of: nowhere, adding: ["dora"], removing: [], now: Self.now)
            }
            await #expect(throws: ArchiveError.subjectMalformed(limit: 128)) {
                try await test.archive.changeSubjects(
                    of: shared, adding: ["a\u{0}"], removing: [], now: Self.now)
            }
            let crowd = (0..<31).map { "person \($0)" }
            await #expect(throws: ArchiveError.tooManySubjects(limit: 32)) {
                try await test.archive.changeSubjects(
                    of: shared, adding: crowd, removing: [], now: Self.now)
            }
            await #expect(throws: ArchiveError.tooManySubjects(limit: 32)) {
                _ = try await test.archive.register(
                    ChannelRegistration(
                        root: Root(String(repeating: "C", count: 81)), mode: .private,
                        subjects: crowd + ["x", "y"]), now: Self.now)
            }
            #expect(try await test.snapshot() == before)
            for hold in [HoldSelector.subject("anna"), .channel(shared)] {
                try await test.archive.setHold(hold, reason: "a claim", now: Self.now)
                await #expect(throws: ArchiveError.onHold) {
                    try await test.archive.changeSubjects(
                        of: shared, adding: [], removing: ["anna"], now: Self.now)
                }
                try await test.archive.liftHold(hold, reason: nil, now: Self.now)
            }
            #expect(try await test.snapshot() == before)
            // A hold on a channel is none of those whose data it is not.
            try await test.archive.setHold(.channel(own), reason: "a claim", now: Self.now)
            try await test.archive.changeSubjects(
                of: own, adding: [], removing: ["ben"], now: Self.now)
        }
    }

    @Test func manyChangesAtOnceLeaveTheHouseholdThatWasWanted() async throws {
        try await withHousehold { test, shared, own in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<24 {
                    group.addTask {
                        let names = ["anna", "ben", "p\(number % 3)", "q\(number % 5)"].shuffled()
                        try await test.archive.changeSubjects(
                            of: number % 2 == 0 ? shared : own, adding: names, removing: [],
                            now: Self.now)
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await test.archive.channel(shared).subjectCount == 10)
            #expect(try await test.archive.channel(own).subjectCount == 10)
        }
    }

    @Test(arguments: [SharedChannels.refuse, .forget, .leave])
    func holdsOfOthersStandWhereTheirChannelsWouldGo(shared mode: SharedChannels) async throws {
        try await withHousehold { test, shared, own in
            func outcome(_ scope: ForgetSelector, _ mode: SharedChannels) async throws -> String {
                do {
                    let taken = try await test.archive.receiveForgetRequest(
                        scope, shared: mode, reason: nil, now: Self.now)
                    return taken.state.rawValue
                } catch let error as ArchiveError {
                    return error.code
                }
            }
            try await test.archive.setHold(.subject("ben"), reason: "a claim", now: Self.now)
            #expect(
                try await outcome(.subject("anna"), mode)
                    == (mode == .leave ? "approved" : "archive.on-hold"))
            #expect(try await outcome(.channel(shared), .forget) == "archive.on-hold")
            #expect(try await outcome(.channel(own), .forget) == "approved")
            try await test.archive.liftHold(.subject("ben"), reason: nil, now: Self.now)
            try await test.archive.setHold(.channel(shared), reason: "a claim", now: Self.now)
            #expect(try await outcome(.subject("anna"), mode) == "archive.on-hold")
            #expect(try await outcome(.subject("ben"), mode) == "archive.on-hold")
        }
    }
}
