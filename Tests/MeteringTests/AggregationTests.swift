import Foundation
import Metering
import TestSupport
import Testing

@Suite struct AggregationTests {
    /// 2021-03-14T00:00:00Z.
    private static let midnight: Int64 = 1_615_680_000

    private func reading(
        _ seconds: Int64, imported: Int64 = 1_000_000, power: Int64 = 100, meter: UInt64 = 1,
        gas: (seconds: Int64, litres: Int64)? = nil
    ) -> Reading {
        var counters = CounterValues.none
        counters[.importedTariff1] = imported
        if let gas { counters[.gas] = gas.litres }
        var reading = Reading(seconds: seconds, check: .checksum, counters: counters)
        reading.meter = meter
        reading.powerImported = power
        reading.voltages[0] = 2300
        reading.gas = gas.map { Reading.Connected(seconds: $0.seconds, meter: 9) }
        return reading
    }

    private func grid(
        _ start: Int64, _ end: Int64, _ resolution: Resolution = .quarter
    ) throws -> BucketGrid {
        try BucketGrid(from: start, to: end, resolution, timeZone: "Europe/Amsterdam")
    }

    private func buckets(_ readings: [Reading], _ grid: BucketGrid) -> AggregatedReadings {
        var aggregation = Aggregation(grid)
        aggregation.add(readings)
        return aggregation.finished()
    }

    /// Every ten seconds, 1 Wh each, from just before to just behind.
    private func steady(_ start: Int64, _ end: Int64) -> [Reading] {
        stride(from: start - 600, through: end + 600, by: 10).map {
            reading($0, imported: 1_000_000 + ($0 - start) / 10, power: 360)
        }
    }

    @Test func anHourInQuarters() throws {
        let start = Self.midnight
        let result = buckets(steady(start, start + 3600), try grid(start, start + 3600))
        #expect(result.gapSeconds == 60)
        #expect(result.buckets.count == 4)
        for (index, bucket) in result.buckets.enumerated() {
            #expect(bucket.start == start + Int64(index) * 900)
            #expect(bucket.end == bucket.start + 900)
            #expect(bucket.readings == 90)
            #expect(bucket.quality == .complete)
            #expect(bucket.gains[.importedTariff1] == 90)
            #expect(bucket.gains[.importedTariff2] == nil)
            #expect(bucket.powerImported.mean == 360)
            #expect(bucket.voltages[0].mean == 2300)
            #expect(bucket.voltages[1].mean == nil)
            #expect(bucket.gap == nil && bucket.breaks == 0)
        }
    }

    @Test func orderDoesNotMatter() throws {
        var generator = SeededGenerator.announced()
        let start = Self.midnight
        let grid = try grid(start, start + 86400)
        // With holes, a swapped meter and gas.
        var readings = steady(start, start + 86400).filter { $0.seconds % 7200 > 400 }
        for index in readings.indices where readings[index].seconds > start + 40_000 {
            readings[index].meter = 2
            readings[index].counters[.importedTariff1] = readings[index].seconds - start - 40_000
        }
        for index in readings.indices {
            let hour = readings[index].seconds / 3600 * 3600
            readings[index].gas = .init(seconds: hour, meter: 9)
            readings[index].counters[.gas] = (hour - start) / 100 + 5000
        }
        let expected = buckets(readings, grid)
        #expect(expected.buckets.map(\.breaks).reduce(0, +) == 1)
        for _ in 0..<20 {
            var mixed = readings + readings.filter { $0.seconds % 100 == 0 }
            mixed.shuffle(using: &generator)
            let result = buckets(mixed, grid)
            #expect(result.duplicates == mixed.count - readings.count)
            #expect(result.gapSeconds == expected.gapSeconds)
            for (one, other) in zip(result.buckets, expected.buckets) {
                #expect(one.readings == other.readings)
                #expect(one.gains == other.gains)
                #expect(one.breaks == other.breaks)
                #expect(one.coveredSeconds == other.coveredSeconds)
                #expect(one.gap?.since == other.gap?.since)
                #expect(one.gap?.gains == other.gap?.gains)
                #expect(one.powerImported == other.powerImported)
            }
        }
    }

    @Test func duplicatesAreDropped() throws {
        let start = Self.midnight
        let readings = steady(start, start + 900).flatMap { [$0, $0] }
        let result = buckets(readings, try grid(start, start + 900))
        #expect(result.duplicates == readings.count / 2)
        #expect(result.buckets[0].readings == 90)
        #expect(result.buckets[0].gains[.importedTariff1] == 90)
    }

    @Test func aGapIsMarkedAndNotFilled() throws {
        let start = Self.midnight
        // Nothing from 0:10 to 0:50.
        let readings = steady(start, start + 3600).filter {
            !(start + 600 + 1..<start + 3000).contains($0.seconds)
        }
        let result = buckets(readings, try grid(start, start + 3600))
        #expect(result.buckets.map(\.quality) == [.partial, .gap, .gap, .partial])
        #expect(result.buckets.map(\.coveredSeconds) == [600, 0, 0, 600])
        #expect(
            result.buckets.map { $0.gains[.importedTariff1] } == [60, nil, nil, 60])
        #expect(result.buckets.map { $0.powerImported.mean == nil } == [false, true, true, false])
        #expect(result.buckets[3].gap?.since == start + 600)
        #expect(result.buckets[3].gap?.gains[.importedTariff1] == 240)
        #expect(result.buckets[0].gap == nil && result.buckets[1].gap == nil)
        // In a bucket that holds all of it, what was counted is known.
        let day = buckets(readings, try grid(start, start + 3600, .hour))
        #expect(day.buckets[0].gains[.importedTariff1] == 360)
        #expect(day.buckets[0].quality == .partial)
        #expect(day.buckets[0].coveredSeconds == 1200)
    }

    @Test func aMeterThatSendsSeldomHasNoGaps() throws {
        let start = Self.midnight
        let readings = stride(from: start - 900, through: start + 4500, by: 900).map {
            reading($0, imported: 1_000_000 + ($0 - start) / 9)
        }
        let result = buckets(readings, try grid(start, start + 3600))
        #expect(result.gapSeconds == 1200)
        #expect(result.buckets.allSatisfy { $0.quality == .complete && $0.readings == 1 })
        #expect(result.buckets.allSatisfy { $0.gains[.importedTariff1] == 100 })
    }

    @Test func aSwappedMeterBreaksTheCount() throws {
        let start = Self.midnight
        for meter in [UInt64(1), 2, 0] {
            let readings = stride(from: start - 600, through: start + 1500, by: 10).map { time in
                time < start + 450
                    ? reading(time, imported: 5_000_000 + (time - start) / 10)
                    : reading(time, imported: (time - start - 450) / 10, meter: meter)
            }
            let result = buckets(readings, try grid(start, start + 900))
            // 44 until the last of the old one, 45 from the first of the new one.
            #expect(result.buckets[0].gains[.importedTariff1] == 89)
            #expect(result.buckets[0].breaks == 1)
        }
        // A used meter, which goes on higher: told by its name, or by its leap.
        for (meter, value) in [(UInt64(2), Int64(5_000_100)), (1, 9_000_000)] {
            let readings = stride(from: start - 600, through: start + 1500, by: 10).map { time in
                time < start + 450
                    ? reading(time, imported: 5_000_000 + (time - start) / 10)
                    : reading(time, imported: value + (time - start - 450) / 10, meter: meter)
            }
            let result = buckets(readings, try grid(start, start + 900))
            #expect(result.buckets[0].gains[.importedTariff1] == 89)
            #expect(result.buckets[0].breaks == 1)
        }
    }

    @Test func oneNonsensicalValueDoesNotCount() throws {
        let start = Self.midnight
        for value in [Int64(0), 999_999_999] {
            var readings = steady(start, start + 900)
            readings[100].counters[.importedTariff1] = value
            let result = buckets(readings, try grid(start, start + 900))
            #expect(result.buckets[0].gains[.importedTariff1] == 88)
            #expect(result.buckets[0].breaks == 2)
        }
    }

    @Test func hourlyGasStandsWhereItsHourEnds() throws {
        let start = Self.midnight
        let readings = stride(from: start - 600, through: start + 7800, by: 10).map { time in
            let hour = time / 3600 * 3600
            return reading(
                time, imported: time / 10, gas: (hour, 5_000_000 + (hour - start) / 10))
        }
        let hours = buckets(readings, try grid(start, start + 7200, .hour))
        #expect(hours.buckets.map { $0.gains[.gas] } == [360, 360])
        let quarters = buckets(readings, try grid(start, start + 7200))
        #expect(
            quarters.buckets.map { $0.gains[.gas] } == [nil, nil, nil, 360, nil, nil, nil, 360])
        #expect(quarters.buckets.allSatisfy { $0.quality == .complete && $0.gap == nil })
    }

    @Test(arguments: [
        ("2021-03-28", 92), ("2021-03-27", 96), ("2021-10-31", 100), ("2021-10-30", 96),
    ])
    func aLocalDayHasItsQuarters(day: String, count: Int) throws {
        let noon = try Date("\(day)T12:00:00Z", strategy: .iso8601).timeIntervalSince1970
        let days = try grid(Int64(noon), Int64(noon) + 1, .day)
        #expect(days.count == 1)
        let quarters = try grid(days.start, days.end)
        #expect(quarters.count == count)
        #expect(days.end - days.start == Int64(count) * 900)
        #expect(try grid(days.start, days.end, .hour).count == count / 4)
        #expect(Set(zip(quarters.edges, quarters.edges.dropFirst()).map { $1 - $0 }) == [900])
        let energy = buckets(steady(days.start, days.end), days)
        #expect(energy.buckets[0].gains[.importedTariff1] == Int64(count) * 90)
        #expect(energy.buckets[0].quality == .complete)
    }

    @Test func daysAndHoursOfOtherPlaces() throws {
        // Half an hour besides whole ones, and days that do not begin at midnight.
        let india = try BucketGrid(
            from: Self.midnight, to: Self.midnight + 7200, .hour, timeZone: "Asia/Kolkata")
        #expect(india.edges.map { $0 - Self.midnight } == [-1800, 1800, 5400, 9000])
        for name in [
            "America/Sao_Paulo", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "UTC",
        ] {
            let grid = try BucketGrid(
                from: 1_293_840_000, to: 1_451_606_400, .day, timeZone: name)
            let lengths = zip(grid.edges, grid.edges.dropFirst()).map { $1 - $0 }
            #expect(
                lengths.allSatisfy { (82_800...90_000).contains($0) || $0 == 172_800 }, "\(name)")
            #expect(grid.start <= 1_293_840_000 && grid.end >= 1_451_606_400)
            #expect(grid.count > 1800)
        }
    }

    @Test func aRangeIsWidenedToWholeBuckets() throws {
        let grid = try grid(Self.midnight + 1, Self.midnight + 901)
        #expect(grid.edges == [0, 900, 1800].map { Self.midnight + $0 })
    }

    @Test func rangesAreBounded() throws {
        let start = Self.midnight
        func error(
            _ from: Int64, _ to: Int64, _ resolution: Resolution, _ zone: String = "UTC"
        ) -> BucketGridError? {
            do {
                _ = try BucketGrid(from: from, to: to, resolution, timeZone: zone)
                return nil
            } catch { return error }
        }
        #expect(error(start, start, .quarter) == .emptyRange)
        #expect(error(start, start - 1, .day) == .emptyRange)
        #expect(error(start, start + 366 * 86400, .quarter) == nil)
        #expect(error(start, start + 420 * 86400, .quarter) == .tooManyBuckets)
        #expect(error(start, start + 1600 * 86400, .hour) == nil)
        #expect(error(start, start + 1700 * 86400, .hour) == .tooManyBuckets)
        #expect(error(start, start + 3_660 * 86400, .day) == nil)
        #expect(error(start, start + 3_662 * 86400, .day) == .tooManyBuckets)
        #expect(error(start, .max, .day) == .outsideYears)
        #expect(error(.min, start, .day) == .outsideYears)
        for zone in [
            "", "Mars/Olympus", "CET+1", "GMT+25", "../etc/passwd", "EST", "Europe/Amsterdam ",
        ] {
            #expect(error(start, start + 1, .day, zone) == .unknownTimeZone, "\(zone)")
        }
    }

    @Test func theLastReadingIsAtTheEdgeOfWhatIsKnown() throws {
        let start = Self.midnight
        let readings = steady(start, start + 900).filter { $0.seconds <= start + 600 }
        let result = buckets(readings, try grid(start, start + 1800))
        #expect(result.buckets.map(\.quality) == [.partial, .gap])
        #expect(result.buckets[0].gains[.importedTariff1] == 60)
        #expect(buckets([], try grid(start, start + 1800)).buckets.map(\.quality) == [.gap, .gap])
    }
}
