import Foundation
import Metering

/// What a meter says in a message, in words.
struct MeterGist {
    private let reading: Reading

    /// Nil for what is no telegram of a meter.
    init?(_ text: String) {
        var reader = MeterMessageReader()
        var readings: [Reading] = []
        var tally = MessageTally()
        reader.read(Array(text.utf8), into: &readings, &tally)
        guard let last = readings.last else { return nil }
        reading = last
    }

    /// Power, and what the counters stand at.
    var line: String {
        var parts: [String] = []
        if let given = reading.powerExported, given > 0 {
            parts.append("\(Self.thousandths(given)) kW fed in")
        } else if let taken = reading.powerImported {
            parts.append("\(Self.thousandths(taken)) kW taken")
        }
        if let imported = reading.counters.importedTotal {
            parts.append("\(Self.thousandths(imported)) kWh imported")
        }
        if let exported = reading.counters.exportedTotal, exported > 0 {
            parts.append("\(Self.thousandths(exported)) kWh exported")
        }
        return parts.joined(separator: " · ")
    }

    /// Everything, as terms and values.
    var html: HTML {
        func row(_ name: String, _ value: Int64?, _ unit: String) -> HTML? {
            value.map { value -> HTML in
                "<dt>\(name)</dt><dd class=\"number\">\(Self.thousandths(value)) \(unit)</dd>"
            }
        }
        let voltages = (0..<3).compactMap { phase -> HTML? in
            guard reading.voltages[phase] >= 0 else { return nil }
            let volts = String(format: "%.1f", Double(reading.voltages[phase]) / 10)
            return "<dt>Voltage, phase \(phase + 1)</dt><dd class=\"number\">\(volts) V</dd>"
        }
        let time = Timestamp(Date(timeIntervalSince1970: Double(reading.seconds)))
        return """
            <section class="card" aria-labelledby="meter"><h2 id="meter">What the meter says</h2>
            <dl class="counts">
            <dt>Measured</dt><dd class="end">\(PageWords.time(time))</dd>
            \(row("Power taken", reading.powerImported, "kW"))
            \(row("Power fed in", reading.powerExported, "kW"))
            \(row("Imported, low tariff", reading.counters[.importedTariff1], "kWh"))
            \(row("Imported, normal tariff", reading.counters[.importedTariff2], "kWh"))
            \(row("Exported, low tariff", reading.counters[.exportedTariff1], "kWh"))
            \(row("Exported, normal tariff", reading.counters[.exportedTariff2], "kWh"))
            \(row("Gas", reading.counters[.gas], "m³"))
            \(row("Water", reading.counters[.water], "m³"))
            \(voltages)
            <dt>Checksum</dt><dd class="number">\(reading.check == .checksum ? "right" : "none")</dd>
            </dl></section>
            """
    }

    /// W as kW, Wh as kWh, litres as m³.
    private static func thousandths(_ value: Int64) -> String {
        let rest = String(value.magnitude % 1000)
        return (value < 0 ? "-" : "") + PageWords.count(value.magnitude / 1000) + "."
            + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
