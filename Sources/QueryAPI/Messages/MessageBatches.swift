import Archive
import Vault

/// A range of a channel's messages, decrypted batch after batch. While one is sent the next two are
/// decrypted and the one after them is read, so four are held at most.
///
/// Channel, token and grants are asked for with every batch as it is read, and again before it is
/// handed out: the first after a forget, a restriction or a revocation throws.
struct MessageBatches<Part: Sendable>: Sendable {
    typealias Pipeline = MessagePipeline<StoredMessage, MessageKey, Part>

    private let archive: Archive
    private let channel: ChannelRecord
    private let caller: Caller
    private let pipeline: Pipeline
    /// Where more is, or nothing, once the last batch was taken.
    private(set) var end: MessagePlace?

    /// - Parameter source: Where they are read; nil is the primary.
    init(
        archive: Archive, channel: ChannelRecord, query: MessageQuery, caller: Caller,
        batch: Int, from source: MessageSource? = nil, form: @escaping Pipeline.Form
    ) {
        self.archive = archive
        self.channel = channel
        self.caller = caller
        pipeline = MessagePipeline(
            after: query.after, wanted: query.limit,
            reading: MessageReading(archive, channel: channel), form: form
        ) { after, wanted in
            try await archive.messages(
                of: channel.id, query.range, after: after, limit: min(wanted ?? batch, batch),
                within: try await archive.scope(of: caller, channel.id), from: source,
                recorded: false)
        }
    }

    /// What was made of the next batch, which may be empty; nil at the end.
    mutating func next() async throws -> Part? {
        guard end == nil else { return nil }
        let batch = try await pipeline.next()
        if batch.isLast { end = MessagePlace(next: batch.next) }
        let scope = try await archive.scope(of: caller, channel.id)
        _ = try await archive.readable(channel.id, within: scope)
        // Throws where a grant ended meanwhile by which some of them were read.
        try archive.recordRead(batch.messages, of: channel.id, within: scope)
        return batch.part
    }
}

extension Archive {
    /// What a caller may know of now.
    func scope(of caller: Caller, _ channel: ChannelNumber) async throws -> ChannelScope {
        guard let scope = try await self.caller(caller.token, about: channel)?.scope else {
            throw RequestError.unauthenticated(tokenGiven: true)
        }
        return scope
    }
}

/// Where to go on.
struct MessagePlace: Sendable {
    /// Nil where there is nothing more now.
    let next: MessageKey?
}
