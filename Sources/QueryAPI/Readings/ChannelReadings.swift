import Archive
import Metering

/// What a channel's meter tells, batch after batch, for who needs no token: while one is put to
/// use the next is decrypted and the one after that is read.
package struct ChannelReadings: Sendable {
    private let pipeline: MessagePipeline<ReadingBatch>
    private var isOver = false

    package init(archive: Archive, channel: ChannelRecord, query: ReadingsQuery) {
        let range = query.messages
        pipeline = MessagePipeline(
            after: nil, wanted: nil, reading: MessageReading(archive, channel: channel),
            form: { try await $0.readings(of: $1) },
            source: { after, _ in
                try await archive.messages(
                    of: channel.id, range, after: after, limit: Archive.messageBatchLimit)
            })
    }

    /// The next batch, which may be empty; nil at the end.
    ///
    /// - Throws: As `MessageReading.documents`, and as `Archive.messages`.
    package mutating func next() async throws -> ReadingBatch? {
        guard !isOver else { return nil }
        let batch = try await pipeline.next()
        isOver = batch.isLast
        return batch.part
    }
}
