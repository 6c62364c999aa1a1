import Synchronization

/// A number that only grows. Name it `…_total`.
package final class Counter: Sendable {
    let space: LabelSpace
    private let values: Mutex<[UInt64]>

    init(_ space: LabelSpace) {
        self.space = space
        values = Mutex(Array(repeating: 0, count: space.count))
    }

    /// Adds `amount` to the series of `labels`, given in the order in which the labels
    /// were registered. Amounts below 0 count as 0; at `UInt64.max` it stays.
    package func add(_ amount: Int = 1, _ labels: String...) {
        let index = space.index(of: labels)
        values.withLock { values in
            let (sum, overflow) = values[index].addingReportingOverflow(UInt64(max(amount, 0)))
            values[index] = overflow ? .max : sum
        }
    }

    /// The value of one series.
    package func value(_ labels: String...) -> UInt64 {
        let index = space.index(of: labels)
        return values.withLock { $0[index] }
    }

    func snapshot() -> [UInt64] { values.withLock { $0 } }
}

/// A number that goes up and down.
package final class Gauge: Sendable {
    let space: LabelSpace
    /// Whether series that were never set are left out of the text, where they stand as 0 otherwise.
    let omitsUnset: Bool
    /// Nil until first set.
    private let values: Mutex<[Double?]>

    init(_ space: LabelSpace, omitsUnset: Bool) {
        self.space = space
        self.omitsUnset = omitsUnset
        values = Mutex(Array(repeating: nil, count: space.count))
    }

    package func set(_ value: Double, _ labels: String...) {
        let index = space.index(of: labels)
        values.withLock { $0[index] = value }
    }

    package func add(_ amount: Double, _ labels: String...) {
        let index = space.index(of: labels)
        values.withLock { $0[index] = ($0[index] ?? 0) + amount }
    }

    /// Makes one series as if it had never been set.
    package func clear(_ labels: String...) {
        let index = space.index(of: labels)
        values.withLock { $0[index] = nil }
    }

    /// The value of one series, 0 where it was never set.
    package func value(_ labels: String...) -> Double {
        let index = space.index(of: labels)
        return values.withLock { $0[index] ?? 0 }
    }

    func snapshot() -> [Double?] { values.withLock { $0 } }
}

/// How often a measured value fell below each of some fixed bounds.
package final class Histogram: Sendable {
    /// Bounds for durations in seconds, from 1 ms to a minute.
    package static let secondsBounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    struct Series: Sendable {
        /// One a bound, and the last for what exceeds them all; not cumulative.
        var counts: [UInt64]
        var sum: Double
        var total: UInt64 { counts.reduce(0, &+) }
    }

    let space: LabelSpace
    /// Upper bounds, inclusive, rising.
    let bounds: [Double]
    private let series: Mutex<[Series]>

    init(_ space: LabelSpace, bounds: [Double]) {
        self.space = space
        self.bounds = bounds
        let empty = Series(counts: Array(repeating: 0, count: bounds.count + 1), sum: 0)
        series = Mutex(Array(repeating: empty, count: space.count))
    }

    /// Counts `value`; one that is no number is left out, since it would spoil the sum.
    package func observe(_ value: Double, _ labels: String...) {
        observe(value, labels)
    }

    /// Counts a duration in seconds.
    package func observe(_ duration: Duration, _ labels: String...) {
        observe(duration / .seconds(1), labels)
    }

    private func observe(_ value: Double, _ labels: [String]) {
        guard !value.isNaN else { return }
        let index = space.index(of: labels)
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        series.withLock { series in
            series[index].counts[bucket] &+= 1
            series[index].sum += value
        }
    }

    func snapshot() -> [Series] { series.withLock { $0 } }
}
