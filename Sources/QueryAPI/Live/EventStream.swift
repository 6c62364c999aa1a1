import Archive
import HTTPServer

/// One listener's stream: first what came after its cursor, read for it alone, then what comes,
/// read once for all. Whoever runs it ends it when the channel, the token or a grant does.
struct EventStream: Sendable {
    private static let heartbeat = Array(":\n\n".utf8)

    let archive: Archive
    let feeds: LiveFeeds
    let channel: ChannelRecord
    let caller: Caller
    /// The listener has everything up to this sequence.
    let last: Int64

    /// Ends when the service stops.
    ///
    /// - Throws: Why the listener is dropped; what keeps messages from being read or written.
    func run(_ writer: any HTTPBodyWriter) async throws {
        let listener = Listener()
        var last = last
        // A feed begins where its first listener is, and does not wait for one who is far behind.
        if last < channel.messageCount - 1 { last = try await catchUp(after: last, writer) }
        while await !feeds.join(listener, channel, after: last) {
            last = try await catchUp(after: last, writer)
        }
        let joined = last
        let result: Result<Void, any Error>
        do {
            result = .success(try await listen(listener, after: joined, writer))
        } catch {
            result = .failure(error)
        }
        await feeds.leave(listener, channel.id)
        try result.get()
    }

    /// Tells what is there after a sequence.
    ///
    /// - Returns: Up to which sequence all was told that the listener may know of.
    private func catchUp(after last: Int64, _ writer: any HTTPBodyWriter) async throws -> Int64 {
        // Before anything is read: what is there by now will be read.
        let count = try await archive.messageCounts(of: [channel.id])[channel.id] ?? 0
        let key = MessageKey(sequence: last, position: 0, leaf: 0)
        var batches = MessageBatches(
            archive: archive, channel: channel, query: MessageQuery(MessageRange(), after: key),
            caller: caller, batch: Archive.messageBatchLimit
        ) { [channel, vault = archive.vault] reading, messages in
            try await reading.events(of: messages, in: channel.id, vault)
        }
        var end = max(last, count - 1)
        while let batch = try await batches.next() {
            try await writer.write(batch.flatMap(\.event))
            end = max(end, batch.last?.stored.sequence ?? end)
        }
        return end
    }

    private func listen(
        _ listener: Listener, after last: Int64, _ writer: any HTTPBodyWriter
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tell(listener, after: last, writer) }
            // A writer may be waiting for a reader who takes nothing.
            group.addTask { try await listener.dropped() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func tell(
        _ listener: Listener, after last: Int64, _ writer: any HTTPBodyWriter
    ) async throws {
        var last = last
        while true {
            switch try await listener.next() {
            case .end: return
            case .heartbeat: try await writer.write(Self.heartbeat)
            case .messages(let messages):
                let news = messages.filter {
                    $0.stored.sequence > last && caller.scope.allows($0.stored, of: channel.id)
                }
                last = max(last, messages.last?.stored.sequence ?? last)
                guard !news.isEmpty else { continue }
                try archive.recordRead(
                    news.map(\.stored), of: channel.id, within: caller.scope)
                try await writer.write(news.flatMap(\.event))
            }
        }
    }
}
