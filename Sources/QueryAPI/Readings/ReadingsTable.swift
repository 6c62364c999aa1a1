import Metering

/// Readings as a table in CSV (RFC 4180), in the units of `ReadingsJSON`. It holds numbers, times
/// and words of this program alone: nothing that needs quotes, nothing that is a formula.
struct ReadingsTable: ReadingsLayout {
    private static let counters: StaticString =
        "importedTariff1,importedTariff2,importedTotal,exportedTariff1,exportedTariff2,exportedTotal"

    var filling: [UInt8] { [] }

    func start(_ head: ReadingsHead) -> [UInt8] {
        var text = ReadingsText()
        if head.grid.resolution == .raw {
            text.add("time,")
            text.add(Self.counters)
            text.add(",powerImported,powerExported,tariff,voltageL1,voltageL2,voltageL3")
            text.add(",gasTime,gas,waterTime,water,checksum\r\n")
        } else {
            text.add("start,end,quality,readings,coveredSeconds,breaks,")
            text.add(Self.counters)
            for name in ["powerImported", "powerExported", "voltageL1", "voltageL2", "voltageL3"] {
                text.add(plain: ",\(name)Mean,\(name)Least,\(name)Largest")
            }
            text.add(",gas,water,gapSince\r\n")
        }
        return text.bytes
    }

    mutating func readings(_ readings: [Reading]) -> [UInt8] {
        var text = ReadingsText()
        for reading in readings {
            text.add(time: reading.seconds)
            Self.add(reading.counters, to: &text)
            Self.cell(reading.powerImported, 1000, to: &text)
            Self.cell(reading.powerExported, 1000, to: &text)
            Self.cell(reading.tariff.map { Int64($0) }, 1, to: &text)
            for phase in 0..<3 {
                let voltage = Int64(reading.voltages[phase])
                Self.cell(voltage < 0 ? nil : voltage, 10, to: &text)
            }
            for (connected, counter) in [(reading.gas, Counter.gas), (reading.water, .water)] {
                text.add(",")
                if let connected { text.add(time: connected.seconds) }
                Self.cell(reading.counters[counter], 1000, to: &text)
            }
            text.add(reading.check == .checksum ? ",true\r\n" : ",false\r\n")
        }
        return text.bytes
    }

    func write(
        _ buckets: [Bucket], _ head: ReadingsHead, to sink: ReadingsWriter.Sink
    ) async throws {
        for start in stride(from: 0, to: buckets.count, by: ReadingsWriter.bucketsAtOnce) {
            var text = ReadingsText()
            let end = min(start + ReadingsWriter.bucketsAtOnce, buckets.count)
            for bucket in buckets[start..<end] { Self.add(bucket, to: &text) }
            try await sink(text.bytes)
        }
    }

    func end(_ summary: ReadingsSummary) -> [UInt8] { [] }

    private static func add(_ bucket: Bucket, to text: inout ReadingsText) {
        text.add(time: bucket.start)
        text.add(",")
        text.add(time: bucket.end)
        text.add(",")
        text.add(plain: bucket.quality.rawValue)
        text.add(",")
        text.add(bucket.readings)
        text.add(",")
        text.add(bucket.coveredSeconds)
        text.add(",")
        text.add(bucket.breaks)
        add(bucket.gains, to: &text)
        add(bucket.powerImported, 1000, to: &text)
        add(bucket.powerExported, 1000, to: &text)
        for phase in 0..<3 {
            let isTold = bucket.voltages.indices.contains(phase)
            add(isTold ? bucket.voltages[phase] : nil, 10, to: &text)
        }
        cell(bucket.gains[.gas], 1000, to: &text)
        cell(bucket.gains[.water], 1000, to: &text)
        text.add(",")
        if let gap = bucket.gap { text.add(time: gap.since) }
        text.add("\r\n")
    }

    private static func add(_ values: CounterValues, to text: inout ReadingsText) {
        cell(values[.importedTariff1], 1000, to: &text)
        cell(values[.importedTariff2], 1000, to: &text)
        cell(values.importedTotal, 1000, to: &text)
        cell(values[.exportedTariff1], 1000, to: &text)
        cell(values[.exportedTariff2], 1000, to: &text)
        cell(values.exportedTotal, 1000, to: &text)
    }

    private static func add(_ spread: Spread?, _ unit: Int64, to text: inout ReadingsText) {
        let values = spread.flatMap { spread in
            spread.mean.map { (mean: $0, least: spread.least, largest: spread.largest) }
        }
        cell(values?.mean, unit, to: &text)
        cell(values?.least, unit, to: &text)
        cell(values?.largest, unit, to: &text)
    }

    private static func cell(_ value: Int64?, _ unit: Int64, to text: inout ReadingsText) {
        text.add(",")
        if let value { text.add(value, per: unit) }
    }
}
