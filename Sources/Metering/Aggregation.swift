/// Puts readings together into buckets, in whatever order they come. It takes about a kilobyte a
/// bucket, and a bit for each second of the time that was read, however many readings there are.
package struct Aggregation: Sendable {
    /// How far before and behind the range readings matter: they say what is counted at its
    /// edges. Gas is read once an hour.
    package static let margin: Int64 = 4_200

    /// Seconds between two readings of a meter connected by M-Bus beyond which there is a gap: an
    /// hour, and what it may be late.
    private static let connectedGap: Int64 = 4_200

    /// What is no gap for a meter that sends often, and what is one however seldom it sends:
    /// a quarter of an hour, and what it may be late.
    private static let gapSeconds: ClosedRange<Int64> = 60...1_200

    private struct Samples {
        var readings = 0
        var powerImported = Spread()
        var powerExported = Spread()
    }

    package let grid: BucketGrid
    /// Readings of a moment that there was one of already.
    package private(set) var duplicates = 0
    /// Readings of a time that was not asked for.
    package private(set) var outside = 0

    private var seconds = SecondSet()
    private var samples: [Samples]
    /// Three a bucket; empty until a voltage is told.
    private var voltages: [Spread] = []
    /// By counter; nil until it is told.
    private var tracks: [CounterTrack?] = Array(repeating: nil, count: Counter.allCases.count)
    private var lastBucket = 0

    package init(_ grid: BucketGrid) {
        self.grid = grid
        samples = Array(repeating: Samples(), count: grid.count)
    }

    package mutating func add(_ readings: [Reading]) { for reading in readings { add(reading) } }

    package mutating func add(_ reading: Reading) {
        guard reading.seconds >= grid.start - Self.margin,
            reading.seconds <= grid.end + Self.margin
        else {
            outside += 1
            return
        }
        guard seconds.insert(reading.seconds) else {
            duplicates += 1
            return
        }
        let bucket = grid.index(of: reading.seconds, near: lastBucket)
        if samples.indices.contains(bucket) {
            lastBucket = bucket
            sample(reading, bucket)
        }
        for counter in Counter.allCases where counter.isElectricity {
            guard let value = reading.counters[counter] else { continue }
            count(counter, value, reading.meter, at: reading.seconds)
        }
        if let gas = reading.gas, let value = reading.counters[.gas] {
            count(.gas, value, gas.meter, at: gas.seconds)
        }
        if let water = reading.water, let value = reading.counters[.water] {
            count(.water, value, water.meter, at: water.seconds)
        }
    }

    private mutating func sample(_ reading: Reading, _ bucket: Int) {
        samples[bucket].readings += 1
        if let power = reading.powerImported { samples[bucket].powerImported.add(power) }
        if let power = reading.powerExported { samples[bucket].powerExported.add(power) }
        for phase in 0..<3 where reading.voltages[phase] >= 0 {
            if voltages.isEmpty {
                voltages = Array(repeating: Spread(), count: 3 * grid.count)
            }
            voltages[3 * bucket + phase].add(Int64(reading.voltages[phase]))
        }
    }

    /// A counter read at the very end of a bucket says what was counted in it, so for counters a
    /// moment belongs to what lies before it.
    private mutating func count(
        _ counter: Counter, _ value: Int64, _ meter: UInt64, at seconds: Int64
    ) {
        guard seconds >= grid.start - Self.margin, seconds <= grid.end + Self.margin else { return }
        let bucket = grid.index(of: seconds - 1, near: lastBucket)
        if tracks[counter.rawValue] == nil {
            tracks[counter.rawValue] = CounterTrack(bucketCount: grid.count)
        }
        tracks[counter.rawValue]?.add(value, meter, at: seconds, in: bucket)
    }

    /// What has come so far.
    package func finished() -> AggregatedReadings {
        let gap = usualGap
        var buckets = grid.edges.indices.dropLast().map { Outline(grid, $0) }
        cover(&buckets, gap)
        for counter in Counter.allCases {
            guard let track = tracks[counter.rawValue] else { continue }
            let limit = counter.isElectricity ? gap : max(gap, Self.connectedGap)
            for (index, course) in track.courses(limit).enumerated() {
                buckets[index].take(counter, course)
            }
        }
        return AggregatedReadings(
            gapSeconds: gap, duplicates: duplicates, outside: outside,
            buckets: buckets.indices.map { index in
                let outline = buckets[index]
                return Bucket(
                    start: outline.start, end: outline.end, readings: samples[index].readings,
                    coveredSeconds: outline.covered, breaks: outline.breaks,
                    gains: outline.gains, gap: outline.gap,
                    powerImported: samples[index].powerImported,
                    powerExported: samples[index].powerExported,
                    voltages: voltages.isEmpty
                        ? [] : Array(voltages[3 * index..<3 * index + 3]))
            })
    }

    /// Three times what is usually between two readings: the next one is missing, and another.
    private var usualGap: Int64 {
        var counts = [Int](repeating: 0, count: Int(Self.gapSeconds.upperBound) + 1)
        var last: Int64?
        var total = 0
        seconds.forEach { moment in
            if let last, moment - last < counts.count {
                counts[Int(moment - last)] += 1
                total += 1
            }
            last = moment
        }
        var seen = 0
        for (interval, count) in counts.enumerated() {
            seen += count
            if total > 0, seen * 2 >= total {
                return min(
                    max(Int64(interval) * 3, Self.gapSeconds.lowerBound),
                    Self.gapSeconds.upperBound)
            }
        }
        return Self.gapSeconds.upperBound
    }

    private func cover(_ buckets: inout [Outline], _ gap: Int64) {
        var last: Int64?
        var bucket = 0
        seconds.forEach { moment in
            defer { last = moment }
            guard let start = last, moment - start <= gap else { return }
            while bucket < grid.count, buckets[bucket].end <= start { bucket += 1 }
            var index = bucket
            while index < grid.count, buckets[index].start < moment {
                let from = max(start, buckets[index].start)
                buckets[index].covered += max(0, min(moment, buckets[index].end) - from)
                index += 1
            }
        }
    }

    /// A bucket on its way.
    private struct Outline {
        let start: Int64
        let end: Int64
        var covered: Int64 = 0
        var breaks = 0
        var gains = CounterValues.none
        var gap: Bucket.Gap?

        init(_ grid: BucketGrid, _ index: Int) {
            start = grid.edges[index]
            end = grid.edges[index + 1]
        }

        mutating func take(_ counter: Counter, _ course: CounterTrack.Course) {
            gains[counter] = course.gain
            breaks += course.breaks
            guard let missed = course.gap else { return }
            var gap = self.gap ?? Bucket.Gap(since: missed.since, gains: .none)
            gap.since = min(gap.since, missed.since)
            gap.gains[counter] = missed.gain
            self.gap = gap
        }
    }
}

/// Buckets, and what was left out of them.
package struct AggregatedReadings: Sendable {
    /// Seconds without a reading from which on there is a gap.
    package let gapSeconds: Int64
    package let duplicates: Int
    package let outside: Int
    package let buckets: [Bucket]
}
