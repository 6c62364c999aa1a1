import Foundation
import Postgres
import Vault

/// The rows of a channel's messages that a range, a place and windows of grants leave, in order:
/// a part of a statement, with what it takes from its parameters.
///
/// Only what is asked for stands in it, so that an index is used for it where there is one.
struct MessageSelection {
    /// `from message m where …`.
    private(set) var text = "from message m where channel = $1"
    /// `order by …`.
    let order: String
    private(set) var parameters: [PostgresValue]

    /// - Parameter windows: what of the channel may be known of; nil for all of it.
    init(
        _ channel: ChannelNumber, _ range: MessageRange, after key: MessageKey?,
        _ windows: [GrantWindow]?
    ) {
        parameters = [.int64(channel.rawValue)]
        let columns =
            range.order == .sequence ? ["sequence"] : ["position", "leaf", "sequence"]
        let direction = range.descending ? "desc" : "asc"
        order = "order by " + columns.map { "\($0) \(direction)" }.joined(separator: ", ")
        if let key {
            let places =
                range.order == .sequence
                ? [key.sequence] : [key.position, key.leaf, key.sequence]
            let values = places.map { parameter(.int64($0)) }.joined(separator: ", ")
            text +=
                " and (\(columns.joined(separator: ", ")))"
                + " \(range.descending ? "<" : ">") (\(values))"
        }
        // The day alone; the exact time decides when a row is opened.
        add("claimed_day >=", range.from.map { .int32(Self.day($0)) })
        add("claimed_day <=", range.to.map { .int32(Self.day($0)) })
        add("first_seen_at >=", range.seenFrom.map { .timestamp($0) })
        add("first_seen_at <", range.seenTo.map { .timestamp($0) })
        add("position >=", range.firstPosition.map { .int64($0) })
        add("position <=", range.lastPosition.map { .int64($0) })
        if let windows {
            text += " and \(WindowColumns.anyContains("m", from: parameters.count + 1))"
            parameters += WindowColumns.parameters(windows)
        }
    }

    /// Adds a parameter to those of the statement, and says how it is named there.
    mutating func parameter(_ value: PostgresValue) -> String {
        parameters.append(value)
        return "$\(parameters.count)"
    }

    private mutating func add(_ condition: String, _ value: PostgresValue?) {
        guard let value else { return }
        text += " and \(condition) \(parameter(value))"
    }

    static func day(_ date: Date) -> Int32 {
        Int32(clamping: Int64((date.timeIntervalSince1970 / 86400).rounded(.down)))
    }
}
