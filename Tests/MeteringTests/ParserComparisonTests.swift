import Foundation
import Metering
import Testing

/// The same telegrams read by the parser of PyPI, `dsmr-parser`, on the samples that it publishes.
///
/// `Ops/lib/dsmr-parser` sets both up and prints what to export. Where they are missing, the test
/// is skipped, and says so; with CI=true, where `Ops/test` sets them up, it fails.
@Suite struct ParserComparisonTests {
    private struct Expected: Decodable {
        let name: String
        let telegram: String
        /// By the names of that parser; times in seconds since 1970.
        let values: [String: Double]
    }

    private static let environment = ProcessInfo.processInfo.environment
    private static let python = environment["PERMANODE_DSMR_PYTHON"]
    private static let samples = environment["PERMANODE_DSMR_SAMPLES"]

    @Test(
        .enabled(
            if: python != nil && samples != nil || environment["CI"] == "true",
            "SKIPPED: no dsmr-parser to compare with; see Ops/lib/dsmr-parser"))
    func samplesReadAlike() throws {
        let all = try Self.read(try #require(Self.python), try #require(Self.samples))
        #expect(all.count >= 4)
        var compared = 0
        for sample in all {
            // Of version 2 and 3 the message tells the time.
            let text = message(sample.telegram, timestamp: "1615730966000")
            let (readings, faults) = MeteringTests.read(text)
            #expect(faults.isEmpty, "\(sample.name): \(faults)")
            let reading = try #require(readings.first, "\(sample.name)")
            let ours = Self.values(reading)
            for (name, value) in sample.values {
                let own = try #require(ours[name], "\(sample.name) \(name)")
                #expect(abs(own - value) < 1e-9, "\(sample.name) \(name)")
                compared += 1
            }
            // Nothing is made up either.
            for name in ours.keys where sample.values[name] == nil {
                #expect(
                    name == "P1_MESSAGE_TIMESTAMP" && reading.version == nil,
                    "\(sample.name) \(name)")
            }
        }
        #expect(compared >= 40)
    }

    private static func values(_ reading: Reading) -> [String: Double] {
        var values: [String: Double] = ["P1_MESSAGE_TIMESTAMP": Double(reading.seconds)]
        func set(_ name: String, _ value: Int64?, _ factor: Double = 1000) {
            if let value { values[name] = Double(value) / factor }
        }
        set("ELECTRICITY_USED_TARIFF_1", reading.counters[.importedTariff1])
        set("ELECTRICITY_USED_TARIFF_2", reading.counters[.importedTariff2])
        set("ELECTRICITY_DELIVERED_TARIFF_1", reading.counters[.exportedTariff1])
        set("ELECTRICITY_DELIVERED_TARIFF_2", reading.counters[.exportedTariff2])
        set("CURRENT_ELECTRICITY_USAGE", reading.powerImported)
        set("CURRENT_ELECTRICITY_DELIVERY", reading.powerExported)
        set("ELECTRICITY_ACTIVE_TARIFF", reading.tariff.map { Int64($0) }, 1)
        for phase in 0..<3 where reading.voltages[phase] >= 0 {
            set("INSTANTANEOUS_VOLTAGE_L\(phase + 1)", Int64(reading.voltages[phase]), 10)
        }
        set("GAS", reading.counters[.gas])
        set("GAS_TIME", reading.gas?.seconds, 1)
        return values
    }

    private static func read(_ python: String, _ samples: String) throws -> [Expected] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = ["-c", script, samples]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return try JSONDecoder().decode([Expected].self, from: data)
    }

    private static let script = #"""
        import json, runpy, sys
        from dsmr_parser import telegram_specifications as specifications
        from dsmr_parser.parsers import TelegramParser

        kinds = {
            "TELEGRAM_V2_2": specifications.V2_2, "TELEGRAM_V3": specifications.V3,
            "TELEGRAM_V4_2": specifications.V4, "TELEGRAM_V5": specifications.V5,
        }
        names = [
            "P1_MESSAGE_TIMESTAMP", "ELECTRICITY_USED_TARIFF_1", "ELECTRICITY_USED_TARIFF_2",
            "ELECTRICITY_DELIVERED_TARIFF_1", "ELECTRICITY_DELIVERED_TARIFF_2",
            "CURRENT_ELECTRICITY_USAGE", "CURRENT_ELECTRICITY_DELIVERY",
            "ELECTRICITY_ACTIVE_TARIFF", "INSTANTANEOUS_VOLTAGE_L1",
            "INSTANTANEOUS_VOLTAGE_L2", "INSTANTANEOUS_VOLTAGE_L3",
        ]
        found = []
        module = runpy.run_path(sys.argv[1])
        for name, kind in kinds.items():
            text = module[name]
            telegram = TelegramParser(kind, apply_checksum_validation=True).parse(text)
            values = {}
            for field in names:
                value = getattr(telegram, field, None)
                value = getattr(value, "value", None)
                if value is None: continue
                values[field] = value.timestamp() if hasattr(value, "timestamp") else float(value)
            gas = getattr(telegram, "GAS_METER_READING", None)
            if gas is None:
                for device in getattr(telegram, "MBUS_DEVICES", []):
                    if getattr(device, "MBUS_METER_READING", None) is not None:
                        gas = device.MBUS_METER_READING
            if gas is None: gas = getattr(telegram, "HOURLY_GAS_METER_READING", None)
            if gas is not None:
                values["GAS"] = float(gas.value)
                values["GAS_TIME"] = gas.datetime.timestamp()
            found.append({"name": name, "telegram": text, "values": values})
        print(json.dumps(found))
        """#
}
