import Archive
import HTTPServer
import Vault

/// Which way messages are told.
private enum Direction: String, CaseIterable {
    case asc, desc
}

/// What is asked of a channel's messages.
struct MessageQuery: Sendable {
    /// Messages of a page unless asked otherwise.
    static let defaultPage = 100

    let range: MessageRange
    let after: MessageKey?
    /// Nil where the query does not say.
    let limit: Int?

    /// All of a range, in the order in which the archive took it in.
    init(_ range: MessageRange) {
        self.range = range
        after = nil
        limit = nil
    }

    /// - Throws: `RequestError`. The channel is not looked for here, so this tells nothing of
    ///   whether there is one.
    init(_ request: HTTPRequest, of channel: ChannelNumber, _ vault: Vault) throws(RequestError) {
        let query = try RequestQuery(
            request, known: ["after", "from", "to", "limit", "order", "direction"])
        var range = MessageRange()
        range.order = try query.choice("order", MessageOrder.self) ?? .sequence
        range.descending = try query.choice("direction", Direction.self) == .desc
        range.from = try query.time("from")
        range.to = try query.time("to")
        self.range = range
        limit = try query.integer("limit", in: 1...Archive.messageBatchLimit)
        if let cursor = query.text("after") {
            after = try MessageCursor.key(cursor, of: channel, range.order, vault)
        } else {
            after = nil
        }
    }
}
