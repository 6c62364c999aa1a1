/// Values over a bucket: how many, their sum, and the least and largest.
package struct Spread: Sendable, Hashable {
    package private(set) var count = 0
    package private(set) var sum: Int64 = 0
    package private(set) var least: Int64 = 0
    package private(set) var largest: Int64 = 0

    init() {}

    mutating func add(_ value: Int64) {
        least = count == 0 ? value : min(least, value)
        largest = count == 0 ? value : max(largest, value)
        count += 1
        sum &+= value
    }

    /// Rounded to the nearest; nil without values.
    package var mean: Int64? { count == 0 ? nil : (sum + Int64(count) / 2) / Int64(count) }
}

/// What readings say of a stretch of time.
package struct Bucket: Sendable {
    package enum Quality: String, Sendable, CaseIterable {
        /// Readings all along.
        case complete
        /// A part of the time lies in a gap.
        case partial
        /// Nothing is known.
        case gap
    }

    /// What counters went on by in a gap that ends in this bucket. It is known how much, and
    /// not when, so that it is in no bucket's values.
    package struct Gap: Sendable {
        /// Seconds since 1970 of the last reading before it, the earliest of all counters'.
        package var since: Int64
        package var gains: CounterValues
    }

    /// Seconds since 1970.
    package let start: Int64
    package let end: Int64
    /// Readings in it, each moment once.
    package let readings: Int
    /// Seconds of it that lie between readings without a gap.
    package let coveredSeconds: Int64
    /// How often counters broke off: a meter was swapped, or a value is nonsense.
    package let breaks: Int
    /// What counters went on by.
    package let gains: CounterValues
    package let gap: Gap?
    /// W.
    package let powerImported: Spread
    package let powerExported: Spread
    /// Tenths of a volt, of the three phases.
    package let voltages: [Spread]

    package var quality: Quality {
        if coveredSeconds == end - start { return .complete }
        return coveredSeconds == 0 && readings == 0 ? .gap : .partial
    }
}
