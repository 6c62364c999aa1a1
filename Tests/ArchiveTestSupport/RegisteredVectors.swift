import Archive
import Foundation
import MAM
import Postgres
import TestSupport
import Vault

/// All channels of the vectors in one archive, and what has to be there in the end.
package struct RegisteredVectors: Sendable {
    package let channels: [(vector: ChannelVector, number: ChannelNumber)]

    package init(_ channels: [(vector: ChannelVector, number: ChannelNumber)]) {
        self.channels = channels
    }

    package static func register(in test: TestArchive, now: Date) async throws -> Self {
        var channels: [(ChannelVector, ChannelNumber)] = []
        for vector in try ChannelVector.all() {
            channels.append((vector, try await test.register(vector, now: now)))
        }
        return RegisteredVectors(channels)
    }

    /// The messages that can be followed: those before the first that never came.
    package static func reachable(_ vector: ChannelVector) -> [ChannelVector.Message] {
        let lost = (vector.missing ?? []) + (vector.incomplete ?? [])
        let followed = vector.messages.prefix(lost.min() ?? vector.messages.count)
        return Array(followed) + (vector.conflicting ?? [])
    }

    package var messageCount: Int {
        channels.reduce(0) { $0 + Self.reachable($1.vector).count }
    }

    /// What is lost, doubled or not as it should be, a line each: nothing, if all is well.
    package func discrepancies(
        in archive: Archive, besides others: Set<ChannelNumber> = []
    ) async throws -> [String] {
        var found: [String] = []
        for (vector, channel) in channels where !others.contains(channel) {
            let read = try await archive.readAll(of: channel)
            let expected = Self.reachable(vector)
            if read.count != expected.count {
                found.append("\(vector.name): \(read.count) messages, not \(expected.count)")
            }
            for message in expected
            where !read.contains(where: { message.contents.contains($0.message.contentTrytes) }) {
                found.append("\(vector.name): no message of leaf \(message.index)")
            }
            let sequences = read.map(\.stored.sequence).sorted()
            if sequences != (0..<Int64(read.count)).map({ $0 }) {
                found.append("\(vector.name): the sequences are \(sequences)")
            }
            // The recorded traffic has one reattachment, of a message of this channel.
            let attachments = read.map(\.stored.attachments).reduce(0, +)
            let rows = try await archive.attachmentRows(of: channel)
            let wanted = expected.count + (vector.name == "attacked" ? 1 : 0)
            if attachments != wanted || rows != wanted {
                found.append(
                    "\(vector.name): \(attachments) attachments in \(rows) rows, not \(wanted)")
            }
        }
        return found
    }
}

extension Archive {
    /// All stored messages of a channel in the order of the chain, decrypted.
    package func readAll(of channel: ChannelNumber) async throws -> [(
        stored: StoredMessage, message: Message
    )] {
        let keys = try await sideKeys(of: channel)
        var range = MessageRange()
        range.order = .position
        var stored: [StoredMessage] = []
        var next: MessageKey?
        repeat {
            let page = try await messages(
                of: channel, range, after: next, limit: Archive.messageBatchLimit)
            stored += page.messages
            next = page.next
        } while next != nil
        let requests = stored.map {
            ReadRequest(
                payload: $0.head.payload, root: $0.head.root,
                sideKey: $0.sideKey.flatMap { keys[$0] })
        }
        return try zip(stored, MessageReader.read(requests, .alreadyVerified)).map {
            ($0, try $1.get())
        }
    }

    fileprivate func attachmentRows(of channel: ChannelNumber) async throws -> Int {
        try await pool.withConnection {
            Int(
                try await $0.query(
                    "select count(*) as rows from attachment where channel = $1",
                    [.int64(channel.rawValue)])[0].int64("rows"))
        }
    }
}
