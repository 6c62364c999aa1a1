import Archive
import Metering

/// What a channel's meter tells, batch after batch: while one is put to use the next two are decrypted
/// and the one after them is read.
///
/// Channel, token and grants are asked for with every batch as it is read, and again before it is
/// handed out: the first after a forget, a restriction or a revocation throws.
package struct ChannelReadings: Sendable {
    private typealias Pipeline = MessagePipeline<SealedMessage, ClaimKey, ReadingBatch>

    private let archive: Archive
    private let channel: ChannelRecord
    private let caller: Caller?
    private let pipeline: Pipeline
    private var isOver = false

    /// - Parameters:
    ///   - caller: For whom they are; nil for who needs no token.
    ///   - source: Where messages are read; nil is the primary.
    package init(
        archive: Archive, channel: ChannelRecord, query: ReadingsQuery, caller: Caller? = nil,
        from source: MessageSource? = nil
    ) {
        self.archive = archive
        self.channel = channel
        self.caller = caller
        let claims = query.claims
        pipeline = Pipeline(
            after: nil, wanted: nil, reading: MessageReading(archive, channel: channel),
            form: { try await $0.readings(of: $1, claimedWithin: claims, in: archive) },
            source: { after, _ in
                try await archive.sealedMessages(
                    of: channel.id, claimedWithin: claims, after: after,
                    limit: Archive.messageBatchLimit,
                    within: try await Self.scope(of: caller, archive, channel), from: source)
            })
    }

    /// The next batch, which may be empty; nil at the end.
    ///
    /// - Throws: As `MessageReading.documents`, and as `Archive.sealedMessages`.
    package mutating func next() async throws -> ReadingBatch? {
        guard !isOver else { return nil }
        let batch = try await pipeline.next()
        isOver = batch.isLast
        let scope = try await Self.scope(of: caller, archive, channel)
        if caller != nil { _ = try await archive.readable(channel.id, within: scope) }
        // Throws where a grant ended meanwhile by which some of them were read.
        try archive.recordRead(batch.part.marks, of: channel.id, within: scope)
        return batch.part
    }

    private static func scope(
        of caller: Caller?, _ archive: Archive, _ channel: ChannelRecord
    ) async throws -> ChannelScope {
        guard let caller else { return .all }
        return try await archive.scope(of: caller, channel.id)
    }
}
