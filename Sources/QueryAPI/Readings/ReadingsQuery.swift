import Archive
import Foundation
import HTTPServer
import Metering

/// What is asked of a channel's readings.
package struct ReadingsQuery: Sendable {
    /// Unless another is asked for.
    package static let defaultResolution = Resolution.quarter
    package static let defaultTimeZone = "Europe/Amsterdam"

    /// Readings are looked for among the messages that claim a time from so long before the range
    /// on: what was measured just before it, sent by a device whose clock is behind.
    private static let early: TimeInterval = 2 * 3600
    /// And up to so long behind it: devices that wait for their turn send late.
    private static let late: TimeInterval = 6 * 3600

    package let grid: BucketGrid

    /// - Throws: `BucketGridError`.
    package init(
        from start: Date, to end: Date, _ resolution: Resolution?, timeZone: String?
    ) throws(BucketGridError) {
        grid = try BucketGrid(
            from: Self.seconds(start, .down), to: Self.seconds(end, .up),
            resolution ?? Self.defaultResolution, timeZone: timeZone ?? Self.defaultTimeZone)
    }

    /// - Throws: `RequestError`. The channel is not looked for here, so this tells nothing of
    ///   whether there is one.
    init(_ request: HTTPRequest) throws(RequestError) {
        let query = try RequestQuery(request, known: ["from", "to", "resolution", "timeZone"])
        let resolution = try query.choice("resolution", Resolution.self)
        guard let start = try query.time("from") else {
            throw .parameter("from", wanted: "given, and it is needed")
        }
        guard let end = try query.time("to") else {
            throw .parameter("to", wanted: "given, and it is needed")
        }
        do throws(BucketGridError) {
            try self.init(from: start, to: end, resolution, timeZone: query.text("timeZone"))
        } catch {
            throw Self.requestError(error)
        }
    }

    private static func requestError(_ error: BucketGridError) -> RequestError {
        switch error {
        case .unknownTimeZone:
            .parameter("timeZone", wanted: "the name of a time zone such as Europe/Amsterdam")
        case .emptyRange: .parameter("to", wanted: "later than from")
        case .tooManyBuckets:
            .parameter(
                "to",
                wanted: "within \(BucketGrid.bucketLimit) intervals of the resolution and"
                    + " \(BucketGrid.dayLimit) days after from")
        case .outsideYears:
            .parameter("from", wanted: "with to between the years 2000 and 2100")
        }
    }

    private static func seconds(_ date: Date, _ rule: FloatingPointRoundingRule) -> Int64 {
        Int64(date.timeIntervalSince1970.rounded(rule))
    }

    /// What messages claim in which the readings may be.
    package var claims: Range<Date> {
        let start = Date(timeIntervalSince1970: Double(grid.start) - Self.early)
        return start..<Date(timeIntervalSince1970: Double(grid.end) + Self.late)
    }
}
