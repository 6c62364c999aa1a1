/// Prometheus's text exposition format 0.0.4.
enum MetricsText {
    static func render(_ families: [Metrics.Family]) -> String {
        var text = ""
        for family in families {
            let help = escaped(family.help, quotes: false)
            text += "# HELP \(family.name) \(help)\n# TYPE \(family.name) "
            switch family.instrument {
            case .counter(let counter):
                text += "counter\n"
                append(counter, family.name, to: &text)
            case .gauge(let gauge):
                text += "gauge\n"
                append(gauge, family.name, to: &text)
            case .histogram(let histogram):
                text += "histogram\n"
                append(histogram, family.name, to: &text)
            }
        }
        return text
    }

    private static func append(_ counter: Counter, _ name: String, to text: inout String) {
        for (index, value) in counter.snapshot().enumerated()
        where value > 0 || !counter.space.hasOther(at: index) {
            text += name + labels(counter.space, index) + " \(value)\n"
        }
    }

    private static func append(_ gauge: Gauge, _ name: String, to text: inout String) {
        for (index, value) in gauge.snapshot().enumerated()
        where value != nil || !(gauge.omitsUnset || gauge.space.hasOther(at: index)) {
            text += name + labels(gauge.space, index) + " \(number(value ?? 0))\n"
        }
    }

    private static func append(_ histogram: Histogram, _ name: String, to text: inout String) {
        for (index, series) in histogram.snapshot().enumerated()
        where series.total > 0 || !histogram.space.hasOther(at: index) {
            var cumulative: UInt64 = 0
            for (bound, count) in zip(histogram.bounds + [.infinity], series.counts) {
                cumulative &+= count
                let set = labels(histogram.space, index, bound: bound)
                text += "\(name)_bucket\(set) \(cumulative)\n"
            }
            let set = labels(histogram.space, index)
            text += "\(name)_sum\(set) \(number(series.sum))\n"
            text += "\(name)_count\(set) \(series.total)\n"
        }
    }

    private static func labels(_ space: LabelSpace, _ index: Int, bound: Double? = nil) -> String {
        var pairs = zip(space.labels, space.values(at: index)).map { label, value in
            label.name + "=\"" + escaped(value, quotes: true) + "\""
        }
        if let bound { pairs.append("le=\"" + number(bound) + "\"") }
        return pairs.isEmpty ? "" : "{" + pairs.joined(separator: ",") + "}"
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return String(value)
    }
}
