import Synchronization

/// The process's metrics, and their text for Prometheus.
///
/// Every label value is known when a metric is registered, so the number of series is
/// bounded from the start and cannot be driven up from outside.
package final class Metrics: Sendable {
    /// Lines of samples the exposition may have. A scrape stays well below a megabyte.
    package static let defaultMaximumSeries = 5000

    /// The media type of `text()`.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Instrument: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
    }

    struct Family: Sendable {
        let name: String
        let help: String
        let instrument: Instrument
    }

    private struct State {
        var families: [String: Family] = [:]
        /// Every sample name in use: a histogram takes four.
        var sampleNames: Set<String> = []
        var seriesCount = 0
    }

    private let maximumSeries: Int
    private let state = Mutex(State())

    package init(maximumSeries: Int = Metrics.defaultMaximumSeries) {
        self.maximumSeries = maximumSeries
    }

    /// Registers a counter, or gives the one that is registered in the same shape.
    package func counter(
        _ name: String, help: String, labels: [MetricLabel] = []
    ) throws(MetricsError) -> Counter {
        let space = try labelSpace(name, labels)
        let family = try register(name, help: help, samples: [name], lines: space.count) {
            .counter(Counter(space))
        }
        guard case .counter(let counter) = family.instrument, counter.space == space else {
            throw .nameTaken(name)
        }
        return counter
    }

    /// Registers a gauge, or gives the one that is registered in the same shape.
    ///
    /// - Parameter omitsUnset: Series that were never set are left out of the text.
    package func gauge(
        _ name: String, help: String, labels: [MetricLabel] = [], omitsUnset: Bool = false
    ) throws(MetricsError) -> Gauge {
        let space = try labelSpace(name, labels)
        let family = try register(name, help: help, samples: [name], lines: space.count) {
            .gauge(Gauge(space, omitsUnset: omitsUnset))
        }
        guard case .gauge(let gauge) = family.instrument, gauge.space == space else {
            throw .nameTaken(name)
        }
        return gauge
    }

    /// Registers a histogram, or gives the one that is registered in the same shape.
    ///
    /// - Parameter bounds: Upper bounds, inclusive, rising; +Inf is added.
    package func histogram(
        _ name: String, help: String, bounds: [Double] = Histogram.secondsBounds,
        labels: [MetricLabel] = []
    ) throws(MetricsError) -> Histogram {
        let rising = zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }
        guard !bounds.isEmpty, bounds.allSatisfy(\.isFinite), rising else {
            throw .invalidBuckets(metric: name)
        }
        let space = try labelSpace(name, labels)
        let samples = [name, name + "_bucket", name + "_sum", name + "_count"]
        let (lines, overflow) = space.count.multipliedReportingOverflow(by: bounds.count + 3)
        guard !overflow else { throw .tooManySeries(metric: name, limit: maximumSeries) }
        let family = try register(name, help: help, samples: samples, lines: lines) {
            .histogram(Histogram(space, bounds: bounds))
        }
        guard case .histogram(let histogram) = family.instrument,
            histogram.space == space, histogram.bounds == bounds
        else { throw .nameTaken(name) }
        return histogram
    }

    /// All metrics in the text exposition format 0.0.4, by name.
    package func text() -> String {
        let families = state.withLock { Array($0.families.values) }
        return MetricsText.render(families.sorted { $0.name < $1.name })
    }

    private func register(
        _ name: String, help: String, samples: [String], lines: Int,
        make: () -> Instrument
    ) throws(MetricsError) -> Family {
        let result: Result<Family, MetricsError> = state.withLock { state in
            if let existing = state.families[name] { return .success(existing) }
            guard state.sampleNames.isDisjoint(with: samples) else {
                return .failure(.nameTaken(name))
            }
            guard lines <= maximumSeries - state.seriesCount else {
                return .failure(.tooManySeries(metric: name, limit: maximumSeries))
            }
            let family = Family(name: name, help: help, instrument: make())
            state.families[name] = family
            state.sampleNames.formUnion(samples)
            state.seriesCount += lines
            return .success(family)
        }
        return try result.get()
    }

    private func labelSpace(
        _ metric: String, _ labels: [MetricLabel]
    ) throws(MetricsError) -> LabelSpace {
        guard Self.isName(metric, colons: true) else { throw .invalidName(metric) }
        var seen: Set<String> = []
        for label in labels {
            // `le` is the histogram's own, and two underscores are Prometheus's.
            guard Self.isName(label.name, colons: false), label.name != "le",
                !label.name.hasPrefix("__")
            else { throw .invalidName(label.name) }
            guard seen.insert(label.name).inserted else {
                throw .duplicateLabel(metric: metric, label: label.name)
            }
        }
        guard let space = LabelSpace(labels, limit: maximumSeries) else {
            throw .tooManySeries(metric: metric, limit: maximumSeries)
        }
        return space
    }

    private static func isName(_ name: String, colons: Bool) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first)
        else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            case UInt8(ascii: ":"): colons
            default: false
            }
        }
    }
}
