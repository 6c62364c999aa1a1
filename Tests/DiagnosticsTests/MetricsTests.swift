import Diagnostics
import Dispatch
import Testing

@Suite struct MetricsTests {
    private enum Outcome: String, CaseIterable { case ok, failed }

    @Test func theTextIsTheExpositionFormat() throws {
        let metrics = Metrics()
        let looks = try metrics.counter(
            "permanode_looks_total", help: "Looks at\nan address \\ \"chain\".",
            labels: [MetricLabel("outcome", Outcome.self)])
        let open = try metrics.gauge("permanode_connections", help: "Open connections.")
        let seconds = try metrics.histogram(
            "permanode_query_seconds", help: "Time of a query.", bounds: [0.5, 1])
        looks.add(1, "ok")
        looks.add(2, "ok")
        open.set(4)
        open.add(-1.5)
        seconds.observe(0.5)
        seconds.observe(.milliseconds(750))
        seconds.observe(9)
        #expect(
            metrics.text() == """
                # HELP permanode_connections Open connections.
                # TYPE permanode_connections gauge
                permanode_connections 2.5
                # HELP permanode_looks_total Looks at\\nan address \\\\ "chain".
                # TYPE permanode_looks_total counter
                permanode_looks_total{outcome="ok"} 3
                permanode_looks_total{outcome="failed"} 0
                # HELP permanode_query_seconds Time of a query.
                # TYPE permanode_query_seconds histogram
                permanode_query_seconds_bucket{le="0.5"} 1
                permanode_query_seconds_bucket{le="1.0"} 2
                permanode_query_seconds_bucket{le="+Inf"} 3
                permanode_query_seconds_sum 10.25
                permanode_query_seconds_count 3

                """)
    }

    @Test func labelValuesAreEscaped() throws {
        let metrics = Metrics()
        let counter = try metrics.counter(
            "c_total", help: "h", labels: [MetricLabel("path", values: ["a\"b\\c\nd"])])
        counter.add(1, "a\"b\\c\nd")
        #expect(metrics.text().contains(#"c_total{path="a\"b\\c\nd"} 1"#))
    }

    @Test func valuesNobodyListedCountAsOther() throws {
        let metrics = Metrics()
        let counter = try metrics.counter(
            "c_total", help: "h",
            labels: [MetricLabel("a", values: ["x", "y"]), MetricLabel("b", values: ["z"])])
        #expect(!metrics.text().contains("other"))
        for number in 0..<1000 { counter.add(1, "x", "foreign \(number)") }
        counter.add(1, "y")
        counter.add(1, "x", "z", "one too many")
        #expect(counter.value("x", "other") == 1000)
        #expect(counter.value("y", "other") == 1)
        #expect(counter.value("x", "z") == 1)
        let lines = metrics.text().split(separator: "\n").filter { $0.hasPrefix("c_total{") }
        #expect(
            lines == [
                "c_total{a=\"x\",b=\"z\"} 1", "c_total{a=\"x\",b=\"other\"} 1000",
                "c_total{a=\"y\",b=\"z\"} 0", "c_total{a=\"y\",b=\"other\"} 1",
            ])
    }

    @Test func aGaugeKeepsASeriesThatWentBackToZero() throws {
        let metrics = Metrics()
        let gauge = try metrics.gauge(
            "g", help: "h", labels: [MetricLabel("state", values: ["a"])])
        gauge.set(1, "unlisted")
        gauge.set(0, "unlisted")
        #expect(metrics.text().contains("g{state=\"other\"} 0.0"))
    }

    @Test func oddNumbersAreWrittenAsPrometheusReadsThem() throws {
        let metrics = Metrics()
        let gauge = try metrics.gauge("g", help: "h")
        for (value, text) in [
            (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e-7, "1e-07"),
        ] {
            gauge.set(value)
            #expect(metrics.text().hasSuffix("g \(text)\n"))
        }
        let histogram = try metrics.histogram("h", help: "h", bounds: [1])
        histogram.observe(.nan)
        histogram.observe(.infinity)
        #expect(metrics.text().hasSuffix("h_sum +Inf\nh_count 1\n"))
    }

    @Test func theSameShapeGivesTheSameMetricAndAnotherIsRefused() throws {
        let metrics = Metrics()
        let first = try metrics.counter("c_total", help: "h")
        first.add()
        #expect(try metrics.counter("c_total", help: "h").value() == 1)
        #expect(throws: MetricsError.nameTaken("c_total")) {
            try metrics.gauge("c_total", help: "h")
        }
        #expect(throws: MetricsError.nameTaken("c_total")) {
            try metrics.counter("c_total", help: "h", labels: [MetricLabel("a", values: ["x"])])
        }
        _ = try metrics.histogram("h", help: "h", bounds: [1])
        #expect(throws: MetricsError.nameTaken("h")) {
            try metrics.histogram("h", help: "h", bounds: [2])
        }
        #expect(throws: MetricsError.nameTaken("h_count")) {
            try metrics.counter("h_count", help: "h")
        }
    }

    @Test(arguments: ["", "1a", "a-b", "a b", "ä", "a\n"])
    func namesTheFormatDoesNotKnowAreRefused(name: String) {
        let metrics = Metrics()
        #expect(throws: MetricsError.invalidName(name)) {
            try metrics.counter(name, help: "h")
        }
        #expect(throws: MetricsError.invalidName(name)) {
            try metrics.counter("c", help: "h", labels: [MetricLabel(name, values: [])])
        }
    }

    @Test func reservedAndRepeatedLabelsAreRefused() {
        let metrics = Metrics()
        for name in ["le", "__x", "a:b"] {
            #expect(throws: MetricsError.invalidName(name)) {
                try metrics.counter("c", help: "h", labels: [MetricLabel(name, values: [])])
            }
        }
        let label = MetricLabel("a", values: ["x"])
        #expect(throws: MetricsError.duplicateLabel(metric: "c", label: "a")) {
            try metrics.counter("c", help: "h", labels: [label, label])
        }
    }

    @Test(arguments: [[], [1, 1], [2, 1], [1, .infinity], [.nan]] as [[Double]])
    func bucketsThatDoNotRiseAreRefused(bounds: [Double]) {
        #expect(throws: MetricsError.invalidBuckets(metric: "h")) {
            try Metrics().histogram("h", help: "h", bounds: bounds)
        }
    }

    @Test func theNumberOfSeriesIsBounded() throws {
        let metrics = Metrics(maximumSeries: 10)
        _ = try metrics.counter("a", help: "h", labels: [MetricLabel("l", values: ["x", "y"])])
        _ = try metrics.histogram("b", help: "h", bounds: [1, 2])
        _ = try metrics.gauge("c", help: "h")
        _ = try metrics.gauge("d", help: "h")
        #expect(throws: MetricsError.tooManySeries(metric: "e", limit: 10)) {
            try metrics.gauge("e", help: "h")
        }
        let wide = (0..<20).map { MetricLabel("l\($0)", values: (0..<20).map(String.init)) }
        #expect(throws: MetricsError.tooManySeries(metric: "f", limit: 10)) {
            try metrics.counter("f", help: "h", labels: wide)
        }
    }

    @Test func manyThreadsLoseNothing() throws {
        let metrics = Metrics()
        let counter = try metrics.counter("c", help: "h")
        let gauge = try metrics.gauge("g", help: "h")
        let histogram = try metrics.histogram("s", help: "h", bounds: [1])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<2000 {
                counter.add()
                gauge.add(1)
                histogram.observe(0.5)
            }
        }
        #expect(counter.value() == 16_000)
        #expect(gauge.value() == 16_000)
        #expect(metrics.text().contains("s_bucket{le=\"1.0\"} 16000\n"))
        #expect(metrics.text().contains("s_sum 8000.0\n"))
    }

    @Test func aCounterNeverFalls() throws {
        let counter = try Metrics().counter("c", help: "h")
        counter.add(5)
        counter.add(-3)
        #expect(counter.value() == 5)
    }
}
