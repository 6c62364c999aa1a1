import Archive

/// A range of a channel's messages, decrypted batch after batch; no more than one is held.
///
/// Every batch asks for the channel and the token anew, so the first after a forget, a
/// restriction or a revocation throws.
struct MessageBatches: Sendable {
    private let archive: Archive
    private let channel: ChannelRecord
    private let range: MessageRange
    private let caller: Caller
    private let batch: Int
    private var reading: MessageReading
    private var after: MessageKey?
    /// Messages still wanted; nil for all there are.
    private var wanted: Int?
    private var isOver = false

    init(
        archive: Archive, channel: ChannelRecord, query: MessageQuery, caller: Caller,
        batch: Int
    ) {
        self.archive = archive
        self.channel = channel
        self.caller = caller
        self.batch = batch
        range = query.range
        after = query.after
        wanted = query.limit
        reading = MessageReading(archive, channel: channel)
    }

    /// The next batch as NDJSON, which may be empty; nil at the end.
    mutating func next() async throws -> [UInt8]? {
        guard !isOver else { return nil }
        guard let scope = try await archive.caller(caller.token)?.scope else {
            throw RequestError.unauthenticated(tokenGiven: true)
        }
        let (stored, next) = try await archive.messages(
            of: channel.id, range, after: after, limit: min(wanted ?? batch, batch), within: scope)
        after = next
        wanted = wanted.map { $0 - stored.count }
        isOver = next == nil || wanted == 0
        return try await reading.lines(of: stored)
    }
}
