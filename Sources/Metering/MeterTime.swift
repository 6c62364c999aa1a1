/// The time that a meter tells: local time of Europe/Amsterdam, `YYMMDDhhmmss`, and from
/// version 4 on `S` for summer or `W` for winter, which keeps both hours of the autumn change
/// apart (DSMR P1, *TST*).
package struct MeterTime: Sendable, Hashable {
    /// Seconds since 1970 that the digits would be in UTC.
    let civilSeconds: Int64
    /// Nil where the meter does not tell.
    let isSummer: Bool?

    private static let secondsPerHour: Int64 = 3600
    private static let secondsPerDay: Int64 = 86400

    /// - Parameter text: 12 digits and perhaps a letter, of the years 2000 to 2099; nil for
    ///   all else. Meters without a device behind them tell `63…`, whose month there is not.
    init?(_ text: Span<UInt8>) {
        guard text.count == 12 || text.count == 13 else { return nil }
        var fields: (Int64, Int64, Int64, Int64, Int64, Int64) = (0, 0, 0, 0, 0, 0)
        func pair(_ index: Int) -> Int64? {
            let tens = text[index] &- UInt8(ascii: "0")
            let ones = text[index + 1] &- UInt8(ascii: "0")
            return tens <= 9 && ones <= 9 ? Int64(tens * 10 + ones) : nil
        }
        guard let year = pair(0), let month = pair(2), let day = pair(4), let hour = pair(6),
            let minute = pair(8), let second = pair(10)
        else { return nil }
        fields = (2000 + year, month, day, hour, minute, second)
        guard (1...12).contains(month), day >= 1,
            day <= CivilCalendar.days(year: fields.0, month: month), hour < 24, minute < 60,
            second < 60
        else { return nil }
        civilSeconds =
            CivilCalendar.day(year: fields.0, month: month, day: day) * Self.secondsPerDay
            + hour * Self.secondsPerHour + minute * 60 + second
        guard text.count == 13 else {
            isSummer = nil
            return
        }
        switch text[12] {
        case UInt8(ascii: "S"): isSummer = true
        case UInt8(ascii: "W"): isSummer = false
        default: return nil
        }
    }

    /// Seconds since 1970 in UTC.
    ///
    /// - Parameter reference: About when it was told: of two hours that look alike, the later
    ///   one that is not after it is meant; without it the first.
    package func seconds(near reference: Int64?) -> Int64 {
        let summer = civilSeconds - 2 * Self.secondsPerHour
        let winter = civilSeconds - Self.secondsPerHour
        switch isSummer {
        case true?: return summer
        case false?: return winter
        case nil:
            guard Self.isSummer(at: summer) else { return winter }
            guard !Self.isSummer(at: winter), let reference else { return summer }
            return winter <= reference ? winter : summer
        }
    }

    /// Whether it is summer time in the European Union: from 1:00 UTC on the last Sunday of March
    /// to the same of October (Directive 2000/84/EC). There are no such meters from before.
    package static func isSummer(at seconds: Int64) -> Bool {
        let day = CivilCalendar.floorDivide(seconds, secondsPerDay)
        let year = CivilCalendar.civil(day: day).year
        return seconds >= change(year, month: 3) && seconds < change(year, month: 10)
    }

    private static func change(_ year: Int64, month: Int64) -> Int64 {
        let last = CivilCalendar.day(year: year, month: month, day: 31)
        // 1 January 1970 was a Thursday, the fifth day of a week that begins with Sunday.
        let sunday = last - (last + 4) % 7
        return sunday * secondsPerDay + secondsPerHour
    }
}
