import Archive
import HTTPServer
import Vault

/// The live stream of a channel's messages.
struct EventRoutes: Sendable {
    private enum Format: String, CaseIterable {
        case events = "text/event-stream"
    }

    /// Listeners of one token at once.
    static let listenersPerToken = 100
    /// Listeners at once: half of the connections that are served, so that others come in.
    static let listenersTogether = 1_000
    /// After which time a client is to come again whose stream broke off.
    private static let retryMilliseconds = 2_000

    private let archive: Archive
    private let watch: ChannelWatch
    private let feeds: LiveFeeds
    private let places = Places(perToken: listenersPerToken, together: listenersTogether)

    init(archive: Archive, watch: ChannelWatch, feeds: LiveFeeds) {
        self.archive = archive
        self.watch = watch
        self.feeds = feeds
    }

    var routes: [Route] {
        [Route("GET", "/v1/channels/{id}/events", .reader, events)]
    }

    @Sendable private func events(_ call: Call) async throws -> HTTPResponse {
        let channel = try call.channel()
        let format = try call.request.accepted(Format.allCases)
        let query = try RequestQuery(call.request, known: ["after"])
        // A client that comes again sends the query it was made with, and where it got to.
        let last = call.request.headers["Last-Event-ID"].flatMap { $0.isEmpty ? nil : $0 }
        let after = try (last ?? query.text("after")).map { cursor throws(RequestError) in
            try MessageCursor.key(cursor, of: channel, .sequence, archive.vault)
        }
        let record = try await archive.readable(channel, within: call.scope)
        guard let caller = call.caller else {
            throw RequestError.unauthenticated(tokenGiven: false)
        }
        let place = try places.take(caller.token)
        let start =
            after ?? MessageKey(sequence: record.messageCount - 1, position: 0, leaf: 0)
        // An event without data tells nothing, and yet where to go on (HTML, *Server-sent events*):
        // whose stream breaks off before its first message comes again without a hole, too.
        let cursor = try MessageCursor.text(start, of: channel, .sequence, archive.vault)
        let stream = EventStream(
            archive: archive, feeds: feeds, channel: record, caller: caller, last: start.sequence)
        return HTTPResponse(
            status: 200,
            headers: [
                "Content-Type": format.rawValue, "Vary": "Accept",
                // Proxies of a common kind hold streams back unless told not to.
                "X-Accel-Buffering": "no",
            ],
            body: .stream { [watch] writer in
                defer { withExtendedLifetime(place) {} }
                try await writer.write("retry: \(Self.retryMilliseconds)\nid: \(cursor)\n\n")
                try await watch.during(
                    channel, since: record.readersEpoch, by: .init(caller, of: channel)
                ) {
                    try await stream.run(writer)
                }
            })
    }
}
