import Failures
// For the rules of time zones.
import Foundation

/// Why there are no buckets.
package enum BucketGridError: Failure, Equatable {
    case unknownTimeZone
    case emptyRange
    case tooManyBuckets
    case outsideYears

    package var code: String {
        switch self {
        case .unknownTimeZone: "metering.unknown-time-zone"
        case .emptyRange: "metering.empty-range"
        case .tooManyBuckets: "metering.too-many-buckets"
        case .outsideYears: "metering.outside-years"
        }
    }

    package var operation: String { "divide time" }

    package var publicText: String {
        switch self {
        case .unknownTimeZone: "there is no such time zone; Europe/Amsterdam is one"
        case .emptyRange: "the range ends before it begins"
        case .tooManyBuckets:
            "the range has more than \(BucketGrid.bucketLimit) buckets, or days"
                + " \(BucketGrid.dayLimit); ask for a coarser resolution or in parts"
        case .outsideYears: "the range does not lie between the years 2000 and 2100"
        }
    }
}

/// Buckets of time, one after the other without holes, each of a local day or a part of it.
package struct BucketGrid: Sendable {
    /// A year of quarters and some. Each takes half a kilobyte.
    package static let bucketLimit = 40_000
    /// Ten years. A bit for each second of them is some 40 MB.
    package static let dayLimit = 3_660
    /// Seconds since 1970 between which meters tell times.
    private static let years: Range<Int64> = 946_684_800..<4_102_444_800

    /// Seconds since 1970 at which buckets begin, and the last one's end: at least two.
    package let edges: [Int64]
    package let resolution: Resolution
    package let timeZone: String

    package var count: Int { edges.count - 1 }
    package var start: Int64 { edges[0] }
    package var end: Int64 { edges[edges.count - 1] }

    /// Covers the time from `start` to `end`, in seconds since 1970, with whole buckets.
    ///
    /// - Parameters:
    ///   - resolution: Not `raw`, which makes one bucket of it all.
    ///   - timeZone: By its name in the IANA's database; its days are divided.
    package init(
        from start: Int64, to end: Int64, _ resolution: Resolution, timeZone name: String
    ) throws(BucketGridError) {
        guard start < end else { throw .emptyRange }
        guard Self.years.contains(start), Self.years.contains(end) else { throw .outsideYears }
        guard let zone = Self.zone(name) else { throw .unknownTimeZone }
        guard (end - start) / 86400 <= Self.dayLimit else { throw .tooManyBuckets }
        self.resolution = resolution
        timeZone = name
        let step: Int64? =
            switch resolution {
            case .raw: end - start
            case .quarter: 900
            case .hour: 3600
            case .day: nil
            }
        if let step, (end - start) / step > Self.bucketLimit { throw .tooManyBuckets }
        if resolution == .raw {
            edges = [start, end]
            return
        }
        var edges: [Int64] = []
        var day = Self.startOfDay(start, zone)
        while day < end {
            let next = Self.startOfNextDay(after: day, zone)
            for edge in stride(from: day, to: next, by: Int(step ?? next - day))
            where edge < end && min(edge + (step ?? next - day), next) > start {
                edges.append(edge)
            }
            if next >= end {
                let last = edges.last ?? day
                edges.append(min(last + (step ?? next - day), next))
            }
            day = next
        }
        guard edges.count <= Self.bucketLimit + 1 else { throw .tooManyBuckets }
        self.edges = edges
    }

    /// The bucket that holds a moment; -1 for what lies before, `count` for what lies behind.
    ///
    /// - Parameter guess: Where it may well be.
    func index(of seconds: Int64, near guess: Int) -> Int {
        if seconds < start { return -1 }
        if seconds >= end { return count }
        if guess >= 0, guess < count, edges[guess] <= seconds {
            if seconds < edges[guess + 1] { return guess }
            if guess + 1 < count, seconds < edges[guess + 2] { return guess + 1 }
        }
        var (low, high) = (0, count)
        while low + 1 < high {
            let middle = (low + high) / 2
            if edges[middle] <= seconds { low = middle } else { high = middle }
        }
        return low
    }

    /// Names of places alone: abbreviations and offsets have no rules, or several.
    private static func zone(_ name: String) -> TimeZone? {
        guard name == "UTC" || name.contains("/"), name.utf8.count <= nameLimit,
            name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return TimeZone(identifier: name)
    }

    /// The longest name of the database has 32 characters.
    private static let nameLimit = 40

    private static func startOfDay(_ seconds: Int64, _ zone: TimeZone) -> Int64 {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let day = calendar.startOfDay(for: Date(timeIntervalSince1970: Double(seconds)))
        return Int64(day.timeIntervalSince1970)
    }

    /// Of the longest day that there is, the middle of the next is a day and a half away.
    private static func startOfNextDay(after day: Int64, _ zone: TimeZone) -> Int64 {
        let next = startOfDay(day + 36 * 3600, zone)
        return next > day ? next : day + 86400
    }
}
