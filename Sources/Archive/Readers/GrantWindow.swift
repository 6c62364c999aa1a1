import Foundation
import Postgres

/// Which of a channel's messages a grant is about: those within all bounds that it has.
///
/// Bounds in time are about when the archive took a message in. What a message claims of its own
/// time is anybody's word, so nothing is given because of it.
package struct GrantWindow: Sendable, Hashable {
    /// Taken in at this time or later.
    package var seenFrom: Date?
    /// Taken in before.
    package var seenUntil: Date?
    /// This tree or a later one, counted from the registered root.
    package var firstPosition: Int64?
    /// This tree or an earlier one.
    package var lastPosition: Int64?
    /// Claimed on this day (since 1970, UTC) or later: takes away from what the bounds above give,
    /// where what was crawled late came in late.
    var claimedFrom: Int32?

    package init(
        seenFrom: Date? = nil, seenUntil: Date? = nil, firstPosition: Int64? = nil,
        lastPosition: Int64? = nil
    ) {
        self.seenFrom = seenFrom
        self.seenUntil = seenUntil
        self.firstPosition = firstPosition
        self.lastPosition = lastPosition
    }

    /// All there are.
    package static let unlimited = GrantWindow()

    package var isLimited: Bool { self != .unlimited }

    /// Whether a message can lie within.
    var isPossible: Bool {
        if let seenFrom, let seenUntil, seenFrom >= seenUntil { return false }
        if let firstPosition, let lastPosition, firstPosition > lastPosition { return false }
        return true
    }

    func contains(_ message: ReadMark) -> Bool {
        if let seenFrom, message.firstSeenAt < seenFrom { return false }
        if let seenUntil, message.firstSeenAt >= seenUntil { return false }
        if let firstPosition, message.position < firstPosition { return false }
        if let lastPosition, message.position > lastPosition { return false }
        if let claimedFrom {
            guard let claimedDay = message.claimedDay, claimedDay >= claimedFrom else {
                return false
            }
        }
        return true
    }
}

/// Windows as parameters of a statement.
enum WindowColumns {
    static let count = 5

    /// Null each for no limit.
    static func parameters(_ windows: [GrantWindow]?) -> [PostgresValue] {
        guard let windows else { return [PostgresValue](repeating: .null, count: count) }
        return [
            .timestampArray(windows.map(\.seenFrom)), .timestampArray(windows.map(\.seenUntil)),
            .int64Array(windows.map(\.firstPosition)), .int64Array(windows.map(\.lastPosition)),
            .int32Array(windows.map(\.claimedFrom)),
        ]
    }

    /// Rows of `w` made of the parameters from a number on.
    static func rows(from first: Int) -> String {
        """
        $\(first)::timestamptz[], $\(first + 1)::timestamptz[], $\(first + 2)::bigint[],
            $\(first + 3)::bigint[], $\(first + 4)::integer[]
        """
    }

    static let names = "seen_from, seen_until, first_position, last_position, claimed_from"

    /// Those that a grant has of its own.
    static let stored = """
        seen_from, seen_until, first_position, last_position, null::integer as claimed_from
        """

    /// That a message lies within the window `w`.
    static func contain(_ message: String) -> String {
        """
        (w.seen_from is null or \(message).first_seen_at >= w.seen_from)
            and (w.seen_until is null or \(message).first_seen_at < w.seen_until)
            and (w.first_position is null or \(message).position >= w.first_position)
            and (w.last_position is null or \(message).position <= w.last_position)
            and (w.claimed_from is null or \(message).claimed_day >= w.claimed_from)
        """
    }

    /// That a message lies within one of the windows in the parameters from a number on.
    static func anyContains(_ message: String, from first: Int) -> String {
        """
        ($\(first)::timestamptz[] is null or exists (
            select from unnest(\(rows(from: first))) w (\(names)) where \(contain(message))))
        """
    }

    static func window(_ row: PostgresRow) throws -> GrantWindow {
        var window = GrantWindow(
            seenFrom: try row.optionalTimestamp("seen_from"),
            seenUntil: try row.optionalTimestamp("seen_until"),
            firstPosition: try row.optionalInt64("first_position"),
            lastPosition: try row.optionalInt64("last_position"))
        window.claimedFrom = try row.optionalInt32("claimed_from")
        return window
    }
}
