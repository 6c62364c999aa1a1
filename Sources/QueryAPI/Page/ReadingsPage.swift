import Archive
import Foundation
import HTTPServer
import Metering
import Vault

/// A day's readings as a table, for who has no use for the plot.
struct ReadingsPage: Sendable {
    /// Bytes of the interface's answer for a day of quarters, many times over.
    private static let answerLimit = 1 << 20

    let archive: Archive
    let readings: ReadingRoutes
    let clock: @Sendable () -> Date

    private struct Answer: Decodable {
        struct Bucket: Decodable {
            struct Energy: Decodable { let total: Double }
            struct Power: Decodable {
                struct Spread: Decodable { let mean: Double }
                let imported: Spread?
                let exported: Spread?
            }
            struct Gap: Decodable {
                let imported: Energy?
                let exported: Energy?
            }

            let start: Timestamp
            let quality: String
            let readings: Int
            let imported: Energy?
            let exported: Energy?
            let power: Power?
            let gap: Gap?
        }

        let buckets: [Bucket]
    }

    @Sendable func response(_ call: Call) async throws -> HTTPResponse {
        let query = try RequestQuery(call.request, known: ["day", "per"])
        let calendar = try Self.calendar()
        let per = try query.choice("per", Resolution.self) ?? .hour
        guard per == .hour || per == .quarter else {
            throw RequestError.parameter("per", wanted: "15m or 1h")
        }
        let asked = try query.text("day").map { text throws(RequestError) in
            guard let day = Self.day(text, calendar) else {
                throw .parameter("day", wanted: "a day of 2000 to 2099, as 2026-11-22")
            }
            return day
        }
        let record = try await archive.readable(call.channel(), within: call.scope)
        let day: Date
        if let asked { day = asked } else { day = try await lastDay(record, call, calendar) }
        let answer = try await answer(day, per, call, calendar)
        let label = record.label ?? record.id.text
        let path = "/channels/\(record.id.text)"
        let name = Self.name(day, calendar)
        func step(_ by: Int, _ text: String) -> HTML? {
            guard let other = calendar.date(byAdding: .day, value: by, to: day) else { return nil }
            return """
                <a class="button" href="\(path)/readings?day=\(Self.name(other, calendar))&amp;per=\(per.rawValue)">\(text)</a>
                """
        }
        return Page(
            "Readings of \(name)", .channels, for: call,
            """
            <p class="crumbs"><a href="/">Channels</a> / <a href="\(path)"><bdi>\(label)</bdi></a> /</p>
            <div class="head"><h1>Readings of \(name)</h1></div>
            <form class="inline" method="get" action="\(path)/readings">
            <div><label for="day">Day</label><input id="day" type="date" name="day" value="\(name)"></div>
            <div><label for="per">Per</label><select id="per" name="per">
            \(Self.option("1h", "hour", per)) \(Self.option("15m", "quarter", per))</select></div>
            <button>Show</button></form>
            <div class="pages">\(step(-1, "Day before"))\(step(1, "Day after"))</div>
            <div class="card flush"><div class="scroll">\(Self.table(answer, calendar, now: clock()))</div></div>
            <p class="hint">Local time of \(ReadingsQuery.defaultTimeZone). What was counted across a gap stands
            where the gap ends, since nobody knows when it was.</p>
            """
        ).response()
    }

    /// The day of the last message; today where there is none.
    private func lastDay(_ record: ChannelRecord, _ call: Call, _ calendar: Calendar) async throws
        -> Date
    {
        let shown = try ShownChannel(archive, record, call)
        let last = try await shown.messages(latestFirst: true, limit: 1).messages.first
        return calendar.startOfDay(for: last?.claimedAt?.date ?? clock())
    }

    /// What the interface answers, by the caller's own leave, and with all it looks after.
    private func answer(
        _ day: Date, _ per: Resolution, _ call: Call, _ calendar: Calendar
    ) async throws -> Answer {
        let end = calendar.date(byAdding: .day, value: 1, to: day) ?? day
        var request = call.request
        request.headers["Accept"] = nil
        request.headers["Accept-Encoding"] = nil
        request.query = HTTPQuery(items: [
            .init(name: "from", value: Timestamp(day).text),
            .init(name: "to", value: Timestamp(end).text),
            .init(name: "resolution", value: per.rawValue),
        ])
        let response = try await readings.readings(
            Call(
                request: request, parameters: call.parameters, caller: call.caller,
                session: call.session))
        let body = try await response.collectedBody(limit: Self.answerLimit)
        return try JSONDecoder().decode(Answer.self, from: Data(body))
    }

    private static func option(_ value: String, _ text: String, _ chosen: Resolution) -> HTML {
        let selected: HTML? = value == chosen.rawValue ? " selected" : nil
        return "<option value=\"\(value)\"\(selected)>\(text)</option>"
    }

    private static func table(_ answer: Answer, _ calendar: Calendar, now: Date) -> HTML {
        func number(_ value: Double?) -> String { value.map { String(format: "%.3f", $0) } ?? "–" }
        let rows = answer.buckets.map { bucket -> HTML in
            let across = bucket.gap.map { gap -> HTML in
                let energy = number((gap.imported?.total ?? 0) + (gap.exported?.total ?? 0))
                return "<span class=\"sub\">\(energy) kWh across the gap before</span>"
            }
            let quality =
                switch bucket.quality {
                case "complete": "complete"
                case "partial": "in part"
                default: bucket.start.date > now ? "to come" : "no readings"
                }
            return """
                <tr><th scope="row" class="clock">\(clock(bucket.start.date, calendar))</th>
                <td class="number">\(number(bucket.imported?.total))</td>
                <td class="number">\(number(bucket.exported?.total))</td>
                <td class="number wide">\(number(bucket.power?.imported?.mean))</td>
                <td class="number wide">\(bucket.readings)</td>
                <td>\(quality)\(across)</td></tr>
                """
        }
        return """
            <table><caption class="aside">Energy and power of the day</caption>
            <thead><tr><th scope="col">From</th><th scope="col" class="number">Imported kWh</th>
            <th scope="col" class="number">Exported kWh</th><th scope="col" class="number wide">Power kW</th>
            <th scope="col" class="number wide">Readings</th><th scope="col">Quality</th></tr></thead>
            <tbody>\(rows)</tbody></table>
            """
    }

    private static func calendar() throws(RequestError) -> Calendar {
        var calendar = Calendar(identifier: .gregorian)
        guard let zone = TimeZone(identifier: ReadingsQuery.defaultTimeZone) else {
            throw .parameter("timeZone", wanted: "known here: install tzdata")
        }
        calendar.timeZone = zone
        return calendar
    }

    private static func day(_ text: String, _ calendar: Calendar) -> Date? {
        guard let time = Timestamp(text: text + "T12:00:00Z") else { return nil }
        let day = calendar.startOfDay(for: time.date)
        return (2000..<2100).contains(calendar.component(.year, from: day)) ? day : nil
    }

    private static func name(_ day: Date, _ calendar: Calendar) -> String {
        let parts = calendar.dateComponents([.year, .month, .day], from: day)
        return String(
            format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    }

    private static func clock(_ time: Date, _ calendar: Calendar) -> String {
        let parts = calendar.dateComponents([.hour, .minute], from: time)
        return String(format: "%02d:%02d", parts.hour ?? 0, parts.minute ?? 0)
    }
}
