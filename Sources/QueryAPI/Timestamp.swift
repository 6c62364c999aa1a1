import Foundation
import Metering

/// A time in a document: RFC 3339 in UTC with milliseconds, `2021-03-14T15:09:26.535Z`.
package struct Timestamp: Hashable, Sendable {
    package let date: Date

    package init(_ date: Date) { self.date = date }

    /// Reads any RFC 3339 time from the year 0 to 9999; digits beyond milliseconds are dropped.
    ///
    /// A space is read as the `+` of an offset, because that is what a `+` in a query means.
    package init?(text: String) {
        var fields = TimeFields(text)
        guard let milliseconds = fields.milliseconds() else { return nil }
        date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    /// Years before 0 and after 9999 are written as the first and last moment between.
    package var text: String {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the text.
    func write(to bytes: inout [UInt8]) {
        let milliseconds = (date.timeIntervalSince1970 * 1000).rounded()
        let clamped = milliseconds.isNaN ? 0 : min(max(milliseconds, Self.first), Self.last)
        Self.write(Int64(clamped), to: &bytes)
    }

    private static let first: Double = -62_167_219_200_000
    private static let last: Double = 253_402_300_799_999

    private static func write(_ milliseconds: Int64, to bytes: inout [UInt8]) {
        let day = CivilCalendar.floorDivide(milliseconds, 86_400_000)
        let rest = milliseconds - day * 86_400_000
        let (year, month, dayOfMonth) = CivilCalendar.civil(day: day)
        append(year, 1000, then: "-", to: &bytes)
        append(month, 10, then: "-", to: &bytes)
        append(dayOfMonth, 10, then: "T", to: &bytes)
        append(rest / 3_600_000, 10, then: ":", to: &bytes)
        append(rest / 60_000 % 60, 10, then: ":", to: &bytes)
        append(rest / 1000 % 60, 10, then: ".", to: &bytes)
        append(rest % 1000, 100, then: "Z", to: &bytes)
    }

    /// - Parameter weight: of the first digit.
    private static func append(
        _ number: Int64, _ weight: Int64, then separator: Unicode.Scalar, to bytes: inout [UInt8]
    ) {
        var weight = weight
        while weight > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(number / weight % 10))
            weight /= 10
        }
        bytes.append(UInt8(ascii: separator))
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = Timestamp(text: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a time of RFC 3339")
        }
        self = time
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// Takes a text of RFC 3339 apart (RFC 3339, 5.6).
private struct TimeFields {
    /// The longest text that is looked at: nine digits of a fraction and an offset.
    private static let lengthLimit = 40

    private var rest: ArraySlice<UInt8>

    init(_ text: String) {
        rest = Array(text.utf8.prefix(Self.lengthLimit + 1))[...]
        if rest.count > Self.lengthLimit { rest = [] }
    }

    /// Since 1970; nil where the text is no such time.
    mutating func milliseconds() -> Int64? {
        guard let year = number(4), take("-") != nil,
            let month = number(2), (1...12).contains(month), take("-") != nil,
            let day = number(2), (1...CivilCalendar.days(year: year, month: month)).contains(day),
            take("T", "t") != nil,
            let hour = number(2), hour < 24, take(":") != nil,
            let minute = number(2), minute < 60, take(":") != nil,
            // 60 is a leap second, which counts as the first of the next minute.
            let second = number(2), second <= 60,
            let fraction = self.fraction(), let offset = self.offset(), rest.isEmpty
        else { return nil }
        let minutes =
            (CivilCalendar.day(year: year, month: month, day: day) * 24 + hour) * 60 + minute
        return (minutes - offset) * 60_000 + second * 1000 + fraction
    }

    private mutating func number(_ width: Int) -> Int64? {
        guard rest.count >= width else { return nil }
        var value: Int64 = 0
        for byte in rest.prefix(width) {
            guard let digit = Self.digit(byte) else { return nil }
            value = value * 10 + digit
        }
        rest = rest.dropFirst(width)
        return value
    }

    private mutating func take(_ wanted: Unicode.Scalar...) -> UInt8? {
        guard let byte = rest.first, wanted.contains(Unicode.Scalar(byte)) else { return nil }
        rest = rest.dropFirst()
        return byte
    }

    /// Milliseconds; 0 where there is no fraction.
    private mutating func fraction() -> Int64? {
        guard take(".") != nil else { return 0 }
        let digits = rest.prefix { Self.digit($0) != nil }.compactMap(Self.digit)
        guard !digits.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count)
        return (digits + [0, 0]).prefix(3).reduce(0) { $0 * 10 + $1 }
    }

    /// Minutes that the time is ahead of UTC.
    private mutating func offset() -> Int64? {
        guard let sign = take("Z", "z", "+", "-", " ") else { return nil }
        if sign | 0x20 == UInt8(ascii: "z") { return 0 }
        guard let hours = number(2), hours < 24, take(":") != nil,
            let minutes = number(2), minutes < 60
        else { return nil }
        return (sign == UInt8(ascii: "-") ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func digit(_ byte: UInt8) -> Int64? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            ? Int64(byte - UInt8(ascii: "0")) : nil
    }
}
