import Metering
import Vault

/// Readings as a JSON document. Energy is told in kWh, power in kW, voltage in V, gas and water in
/// m³: exact decimals, as the meter tells them.
struct ReadingsJSON: ReadingsLayout {
    private var isFirst = true

    var filling: [UInt8] { Array("\n".utf8) }

    func start(_ head: ReadingsHead) -> [UInt8] {
        var text = ReadingsText()
        text.add("{\"channel\":\"")
        text.add(plain: head.channel.text)
        text.add("\",\"resolution\":\"")
        text.add(plain: head.grid.resolution.rawValue)
        text.add("\",\"timeZone\":\"")
        text.add(plain: head.grid.timeZone)
        text.add("\",\"from\":\"")
        text.add(time: head.grid.start)
        text.add("\",\"to\":\"")
        text.add(time: head.grid.end)
        text.add(head.grid.resolution == .raw ? "\",\"readings\":[" : "\",\"buckets\":[")
        return text.bytes
    }

    mutating func readings(_ readings: [Reading]) -> [UInt8] {
        var text = ReadingsText()
        for reading in readings {
            if !isFirst { text.add(",") }
            isFirst = false
            Self.add(reading, to: &text)
        }
        return text.bytes
    }

    func write(
        _ buckets: [Bucket], _ head: ReadingsHead, to sink: ReadingsWriter.Sink
    ) async throws {
        for start in stride(from: 0, to: buckets.count, by: ReadingsWriter.bucketsAtOnce) {
            var text = ReadingsText()
            for index in start..<min(start + ReadingsWriter.bucketsAtOnce, buckets.count) {
                if index > 0 { text.add(",") }
                Self.add(buckets[index], to: &text)
            }
            try await sink(text.bytes)
        }
    }

    func end(_ summary: ReadingsSummary) -> [UInt8] {
        var text = ReadingsText()
        text.add("]")
        if let gap = summary.gapSeconds {
            text.add(",\"gapSeconds\":")
            text.add(gap)
        }
        text.add(",\"messages\":{\"read\":")
        text.add(summary.tally.messages)
        text.add(",\"readings\":")
        text.add(summary.tally.readings)
        text.add(",\"duplicates\":")
        text.add(summary.duplicates + summary.tally.doubled)
        text.add(",\"outside\":")
        text.add(summary.outside)
        for fault in MessageFault.allCases {
            text.add(",\"")
            text.add(plain: fault.rawValue)
            text.add("\":")
            text.add(summary.tally.count(fault))
        }
        text.add("}}\n")
        return text.bytes
    }

    private static func add(_ reading: Reading, to text: inout ReadingsText) {
        text.add("{\"time\":\"")
        text.add(time: reading.seconds)
        text.add("\"")
        addTariffs(reading.counters, to: &text)
        if reading.powerImported != nil || reading.powerExported != nil {
            text.add(",\"power\":{")
            var separator: StaticString = ""
            for (name, value) in [
                ("imported", reading.powerImported), ("exported", reading.powerExported),
            ] as [(StaticString, Int64?)] {
                member(name, value, 1000, &separator, to: &text)
            }
            text.add("}")
        }
        if let tariff = reading.tariff {
            text.add(",\"tariff\":")
            text.add(tariff)
        }
        if reading.voltages.max() >= 0 {
            text.add(",\"voltage\":{")
            var separator: StaticString = ""
            for phase in 0..<3 where reading.voltages[phase] >= 0 {
                member(phases[phase], Int64(reading.voltages[phase]), 10, &separator, to: &text)
            }
            text.add("}")
        }
        add("gas", reading.gas, reading.counters[.gas], to: &text)
        add("water", reading.water, reading.counters[.water], to: &text)
        text.add(
            reading.check == .checksum ? ",\"checksum\":true}" : ",\"checksum\":false}")
    }

    private static let phases: [StaticString] = ["l1", "l2", "l3"]

    private static func add(
        _ name: StaticString, _ connected: Reading.Connected?, _ value: Int64?,
        to text: inout ReadingsText
    ) {
        guard let connected, let value else { return }
        text.add(",\"")
        text.add(name)
        text.add("\":{\"time\":\"")
        text.add(time: connected.seconds)
        text.add("\",\"volume\":")
        text.add(value, per: 1000)
        text.add("}")
    }

    private static func add(_ bucket: Bucket, to text: inout ReadingsText) {
        text.add("{\"start\":\"")
        text.add(time: bucket.start)
        text.add("\",\"end\":\"")
        text.add(time: bucket.end)
        text.add("\",\"quality\":\"")
        text.add(plain: bucket.quality.rawValue)
        text.add("\",\"readings\":")
        text.add(bucket.readings)
        text.add(",\"coveredSeconds\":")
        text.add(bucket.coveredSeconds)
        text.add(",\"breaks\":")
        text.add(bucket.breaks)
        addGains(bucket.gains, to: &text)
        var separator: StaticString = ",\"power\":{"
        for (name, spread) in [
            ("imported", bucket.powerImported), ("exported", bucket.powerExported),
        ] as [(StaticString, Spread)] {
            member(name, spread, 1000, &separator, to: &text)
        }
        if bucket.powerImported.count + bucket.powerExported.count > 0 { text.add("}") }
        separator = ",\"voltage\":{"
        for (name, spread) in zip(phases, bucket.voltages) {
            member(name, spread, 10, &separator, to: &text)
        }
        if bucket.voltages.contains(where: { $0.count > 0 }) { text.add("}") }
        if let gap = bucket.gap {
            text.add(",\"gap\":{\"since\":\"")
            text.add(time: gap.since)
            text.add("\"")
            addGains(gap.gains, to: &text)
            text.add("}")
        }
        text.add("}")
    }

    private static func addGains(_ gains: CounterValues, to text: inout ReadingsText) {
        addTariffs(gains, to: &text)
        for (name, counter) in [("gas", .gas), ("water", .water)] as [(StaticString, Counter)] {
            guard let gain = gains[counter] else { continue }
            text.add(",\"")
            text.add(name)
            text.add("\":")
            text.add(gain, per: 1000)
        }
    }

    private static func addTariffs(_ values: CounterValues, to text: inout ReadingsText) {
        addTariffs(
            "imported", values[.importedTariff1], values[.importedTariff2],
            values.importedTotal, to: &text)
        addTariffs(
            "exported", values[.exportedTariff1], values[.exportedTariff2],
            values.exportedTotal, to: &text)
    }

    private static func addTariffs(
        _ name: StaticString, _ first: Int64?, _ second: Int64?, _ total: Int64?,
        to text: inout ReadingsText
    ) {
        guard total != nil else { return }
        text.add(",\"")
        text.add(name)
        text.add("\":{")
        var separator: StaticString = ""
        member("tariff1", first, 1000, &separator, to: &text)
        member("tariff2", second, 1000, &separator, to: &text)
        member("total", total, 1000, &separator, to: &text)
        text.add("}")
    }

    private static func member(
        _ name: StaticString, _ value: Int64?, _ unit: Int64, _ separator: inout StaticString,
        to text: inout ReadingsText
    ) {
        guard let value else { return }
        text.add(separator)
        separator = ","
        text.add("\"")
        text.add(name)
        text.add("\":")
        text.add(value, per: unit)
    }

    private static func member(
        _ name: StaticString, _ spread: Spread, _ unit: Int64, _ separator: inout StaticString,
        to text: inout ReadingsText
    ) {
        guard let mean = spread.mean else { return }
        text.add(separator)
        text.add("\"")
        text.add(name)
        text.add("\":{")
        separator = ""
        member("mean", mean, unit, &separator, to: &text)
        member("least", spread.least, unit, &separator, to: &text)
        member("largest", spread.largest, unit, &separator, to: &text)
        text.add("}")
    }
}
