import Foundation
import Postgres
import Vault

/// The rows of a channel's messages that a range, a place and windows of grants leave, in order:
/// a part of a statement, with what it takes from its parameters.
///
/// Only what is asked for stands in it, so that an index is used for it where there is one.
package struct MessageSelection {
    /// `from message m where …`.
    package private(set) var text = "from message m where channel = $1"
    /// `order by …`.
    package let order: String
    package private(set) var parameters: [PostgresValue]

    /// - Parameter windows: what of the channel may be known of; nil for all of it.
    package init(
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
        let (from, to) = (range.from.map(Self.day), range.to.map(Self.day))
        if range.order == .sequence, range.isFiltered {
            addClaims(from: from, to: to)
        } else {
            add("claimed_day >=", from.map { .int32($0) })
            add("claimed_day <=", to.map { .int32($0) })
        }
        add("first_seen_at >=", range.seenFrom.map { .timestamp($0) })
        add("first_seen_at <", range.seenTo.map { .timestamp($0) })
        add("position >=", range.firstPosition.map { .int64($0) })
        add("position <=", range.lastPosition.map { .int64($0) })
        if let windows {
            text += " and \(WindowColumns.anyContains("m", from: parameters.count + 1))"
            parameters += WindowColumns.parameters(windows)
        }
    }

    /// Days whose ends are looked up, some microseconds each: three years.
    private static let daysLookedUp = 1_100

    /// Looks up between which sequences the messages of these days lie, and goes through those and
    /// no others. Left to itself, PostgreSQL goes through the channel from its beginning, or puts all
    /// that these days have into order, for each page anew.
    ///
    /// Where the channel's messages claim more days than are looked up, it is gone through.
    private mutating func addClaims(from: Int32?, to: Int32?) {
        let claimed = "from message where channel = $1 and claimed_day"
        let first = parameter(.int32(from ?? .min))
        let last = parameter(.int32(to ?? .max))
        let days =
            "(select greatest(\(first), min(claimed_day)) as first, "
            + "least(\(last), max(claimed_day)) as last from message where channel = $1) asked"
        func edge(_ aggregate: String, _ direction: String, otherwise: Int64) -> String {
            """
            (select case when last::bigint - first > \(Self.daysLookedUp) then \(otherwise) else (
                select \(aggregate)(edge) from generate_series(first, last) day,
                    lateral (select sequence as edge \(claimed) = day
                        order by sequence \(direction) limit 1) edges) end from \(days))
            """
        }
        // As a sum the day is no condition for an index, so that no other plan is left.
        text += """
             and sequence >= \(edge("min", "asc", otherwise: 0))
            and sequence <= \(edge("max", "desc", otherwise: .max))
            and claimed_day + 0 >= \(first) and claimed_day + 0 <= \(last)
            """
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
