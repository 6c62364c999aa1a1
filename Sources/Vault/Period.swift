import Foundation

/// The stretch of a channel's time that shares a key: a month (UTC), counted from January 1970.
package struct Period: Hashable, Sendable {
    package static let bitCount = 16

    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Not a time: the leaf for values of the channel as a whole, such as its side keys. It is
    /// the last one, which no range of months reaches.
    package static let channel = Period(rawValue: .max)

    /// Of a month as `description` gives it, `2021-05`; nil for anything else.
    package init?(text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 4, parts[1].utf8.count == 2,
            parts.joined().utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            ),
            let year = Int(parts[0]), year >= 1_970, let month = Int(parts[1]),
            (1...12).contains(month)
        else { return nil }
        rawValue = UInt16(min((year - 1_970) * 12 + month - 1, Int(UInt16.max) - 1))
    }

    /// The month after this one; the last one stays.
    package var next: Period { Period(rawValue: min(rawValue, .max - 2) + 1) }

    /// The month of a time in seconds since 1970. What lies before 1970 counts as its first
    /// month, what lies beyond the year 7431 as the last.
    package init(secondsSince1970: Int64) {
        let secondsADay: Int64 = 86_400
        let last = Int64(UInt16.max) - 1
        // Beyond this no month fits; the bound keeps the sums below from overflowing.
        let days = min(max(secondsSince1970 / secondsADay, 0), (last + 1) * 31)
        rawValue = UInt16(min(Self.month(ofDay: days), last))
    }

    /// The month of a time; what is no time (infinite, not a number) is treated like the bounds.
    package init(_ date: Date) {
        let seconds = date.timeIntervalSince1970
        self.init(
            secondsSince1970: Int64(exactly: seconds.rounded(.down)) ?? (seconds > 0 ? .max : 0))
    }

    /// Months since January 1970 of a day since 1 January 1970 (0 or more), in the Gregorian
    /// calendar: years are counted from March, so that the leap day comes last.
    private static func month(ofDay day: Int64) -> Int64 {
        let daysBefore1970: Int64 = 719_468  // from 1 March of year 0
        let daysIn400Years: Int64 = 146_097
        let shifted = day + daysBefore1970
        let era = shifted / daysIn400Years
        let dayOfEra = shifted % daysIn400Years
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        return (era * 400 + yearOfEra) * 12 + monthFromMarch + 2 - 1_970 * 12
    }
}

extension Period: Comparable {
    package static func < (left: Period, right: Period) -> Bool { left.rawValue < right.rawValue }
}

extension Period: CustomStringConvertible {
    /// `2021-05`, or `channel`.
    package var description: String {
        guard self != .channel else { return "channel" }
        let month = String(rawValue % 12 + 1)
        return "\(1_970 + Int(rawValue) / 12)-\(month.count == 1 ? "0" : "")\(month)"
    }
}
