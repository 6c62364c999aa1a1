import Archive
import Foundation
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

    private static let known = [
        "after", "from", "to", "seenFrom", "seenTo", "firstPosition", "lastPosition", "limit",
        "order", "direction",
    ]

    let range: MessageRange
    let after: MessageKey?
    /// Nil where the query does not say.
    let limit: Int?

    /// All of a range, or what of it comes after a place.
    init(_ range: MessageRange, after key: MessageKey? = nil) {
        self.range = range
        after = key
        limit = nil
    }

    /// - Throws: `RequestError`. The channel is not looked for here, so this tells nothing of
    ///   whether there is one.
    init(_ request: HTTPRequest, of channel: ChannelNumber, _ vault: Vault) throws(RequestError) {
        let query = try RequestQuery(request, known: Self.known)
        var range = MessageRange()
        range.order = try query.choice("order", MessageOrder.self) ?? .sequence
        range.descending = try query.choice("direction", Direction.self) == .desc
        (range.from, range.to) = try Self.times("from", "to", query)
        (range.seenFrom, range.seenTo) = try Self.times("seenFrom", "seenTo", query)
        range.firstPosition = try query.position("firstPosition")
        range.lastPosition = try query.position("lastPosition")
        if let first = range.firstPosition, let last = range.lastPosition, first > last {
            throw .parameter("lastPosition", wanted: "firstPosition or later")
        }
        self.range = range
        limit = try query.integer("limit", in: 1...Archive.messageBatchLimit)
        if let cursor = query.text("after") {
            after = try MessageCursor.key(cursor, of: channel, range.order, vault)
        } else {
            after = nil
        }
    }

    private static func times(
        _ first: String, _ end: String, _ query: RequestQuery
    ) throws(RequestError) -> (from: Date?, to: Date?) {
        let (from, to) = (try query.time(first), try query.time(end))
        if let from, let to, from >= to { throw .parameter(end, wanted: "later than \(first)") }
        return (from, to)
    }

    /// All of the query but its limit, the same for the same.
    var text: String {
        let times = [range.from, range.to, range.seenFrom, range.seenTo]
            .map { $0.map { Timestamp($0).text } ?? "" }
        let numbers = [
            range.firstPosition, range.lastPosition, after?.sequence, after?.position, after?.leaf,
        ].map { $0.map { String($0) } ?? "" }
        let order = [range.order.rawValue, range.descending ? "desc" : "asc"]
        return (order + times + numbers).joined(separator: " ")
    }
}
