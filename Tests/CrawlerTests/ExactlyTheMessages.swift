import Archive
import ArchiveTestSupport
import Crawler
import Foundation
import MAM
import Postgres
import Ternary
import TestSupport
import Testing
import Vault

/// All channels of the vectors in one archive, and what has to be there in the end.
struct RegisteredVectors {
    let channels: [(vector: ChannelVector, number: ChannelNumber)]

    init(in test: TestArchive, now: Date) async throws {
        var channels: [(ChannelVector, ChannelNumber)] = []
        for vector in try ChannelVector.all() {
            channels.append((vector, try await test.register(vector, now: now)))
        }
        try #require(channels.count > 10)
        self.channels = channels
    }

    /// The messages that can be followed: those before the first that never came.
    static func reachable(_ vector: ChannelVector) -> [ChannelVector.Message] {
        let lost = (vector.missing ?? []) + (vector.incomplete ?? [])
        let followed = vector.messages.prefix(lost.min() ?? vector.messages.count)
        return Array(followed) + (vector.conflicting ?? [])
    }

    var messageCount: Int { channels.reduce(0) { $0 + Self.reachable($1.vector).count } }

    /// Nothing is lost and nothing is doubled: messages, sequences and attachments.
    func expectAll(
        in test: TestArchive, besides others: Set<ChannelNumber> = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        for (vector, number) in channels where !others.contains(number) {
            let comment: Comment = "\(vector.name)"
            let read = try await test.read(number)
            let expected = Self.reachable(vector)
            #expect(read.count == expected.count, comment, sourceLocation: sourceLocation)
            for message in expected {
                let found = read.filter { message.contents.contains($0.message.contentTrytes) }
                #expect(!found.isEmpty, comment, sourceLocation: sourceLocation)
            }
            let sequences = read.map(\.stored.sequence).sorted()
            #expect(
                sequences == (0..<Int64(expected.count)).map { $0 }, comment,
                sourceLocation: sourceLocation)
            let attachments = read.map(\.stored.attachments)
            #expect(
                attachments.reduce(0, +) == expected.count + (vector.name == "attacked" ? 1 : 0),
                comment, sourceLocation: sourceLocation)
            let rows = try await Self.attachmentRows(of: number, in: test)
            #expect(rows == attachments.reduce(0, +), comment, sourceLocation: sourceLocation)
        }
    }

    private static func attachmentRows(of channel: ChannelNumber, in test: TestArchive)
        async throws -> Int
    {
        try await test.pool.withConnection {
            Int(
                try await $0.query(
                    "select count(*) as rows from attachment where channel = $1",
                    [.int64(channel.rawValue)])[0].int64("rows"))
        }
    }
}

/// Waits until a condition holds; a time limit of the test ends the wait.
func eventually(
    within limit: Duration = .seconds(60), _ what: Comment,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !(try await condition()) {
        try #require(ContinuousClock.now < deadline, what)
        try await Task.sleep(for: .milliseconds(5))
    }
}
