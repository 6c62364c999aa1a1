import Foundation
import Metering

/// A DSMR 5 telegram of a made-up household's meter, as its P1 port sends it.
package struct Telegram: Sendable {
    /// When the meter measured.
    package let time: Date
    /// Imported kWh under the low tariff.
    package let energy: Double
    /// Imported kW now.
    package let power: Double

    /// Of the normal tariff.
    package var energyNormal = 1842.275
    /// kWh given to the grid, under both tariffs.
    package var exported = 0.0
    package var exportedNormal = 0.0
    /// kW given to the grid now.
    package var powerExported = 0.0
    package var isNormalTariff = false
    /// m³.
    package var gas = 1467.204

    package init(time: Date, energy: Double, power: Double) {
        self.time = time
        self.energy = energy
        self.power = power
    }

    /// `/` and the meter's name, an empty line, OBIS lines, `!` and CRC, each ended by CRLF.
    ///
    /// - Parameter zone: Europe/Amsterdam, whose local time a meter tells.
    package func text(zone: TimeZone) -> String {
        let local = Self.local(time, zone)
        let lines = [
            "/ISK5\\2M550T-1012", "", "1-3:0.2.8(50)", "0-0:1.0.0(\(local))",
            "0-0:96.1.1(\(Self.identification("E0047000000000021")))",
            "1-0:1.8.1(\(Self.digits(energy, 6, 3))*kWh)",
            "1-0:1.8.2(\(Self.digits(energyNormal, 6, 3))*kWh)",
            "1-0:2.8.1(\(Self.digits(exported, 6, 3))*kWh)",
            "1-0:2.8.2(\(Self.digits(exportedNormal, 6, 3))*kWh)",
            "0-0:96.14.0(\(isNormalTariff ? "0002" : "0001"))",
            "1-0:1.7.0(\(Self.digits(power, 2, 3))*kW)",
            "1-0:2.7.0(\(Self.digits(powerExported, 2, 3))*kW)",
            "0-0:96.7.21(00004)", "0-0:96.7.9(00002)", "1-0:32.32.0(00001)",
            "1-0:32.36.0(00000)", "0-0:96.13.0()", "1-0:32.7.0(230.0*V)",
            "1-0:31.7.0(\(Self.digits(power * 1000 / 230, 3, 0))*A)",
            "1-0:21.7.0(\(Self.digits(power, 2, 3))*kW)",
            "1-0:22.7.0(\(Self.digits(powerExported, 2, 3))*kW)",
            "0-1:24.1.0(003)", "0-1:96.1.0(\(Self.identification("G0038000000000019")))",
            "0-1:24.2.1(\(local))(\(Self.digits(gas, 5, 3))*m3)", "!",
        ]
        let body = lines.joined(separator: "\r\n")
        return body + Self.hex(CRC16.checksum(of: Array(body.utf8)), 4) + "\r\n"
    }

    /// The value of an OBIS line of a whole telegram; nil where the line is missing or the CRC
    /// is wrong.
    package static func value(_ obis: String, in telegram: String) -> String? {
        guard let end = telegram.utf8.lastIndex(of: UInt8(ascii: "!")) else { return nil }
        let rest = telegram.utf8.index(after: end)
        let stated = telegram[rest...].trimmingCharacters(in: .whitespacesAndNewlines)
        guard UInt16(stated, radix: 16) == CRC16.checksum(of: Array(telegram.utf8[..<rest])) else {
            return nil
        }
        let line = telegram.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(obis)(") }
        return line.map { String($0.dropFirst(obis.count + 1).dropLast()) }
    }

    /// `YYMMDDhhmmss` and S in summer, W in winter.
    private static func local(_ time: Date, _ zone: TimeZone) -> String {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        let parts = calendar.dateComponents(
            [.year, .month, .day, .hour, .minute, .second], from: time)
        let numbers = [
            (parts.year ?? 0) % 100, parts.month ?? 0, parts.day ?? 0, parts.hour ?? 0,
            parts.minute ?? 0, parts.second ?? 0,
        ]
        return numbers.map { padded(String($0), 2) }.joined()
            + (zone.isDaylightSavingTime(for: time) ? "S" : "W")
    }

    /// Meters tell their ASCII names in hex.
    private static func identification(_ name: String) -> String {
        name.utf8.map { hex(UInt16($0), 2) }.joined()
    }

    private static func digits(_ value: Double, _ whole: Int, _ fraction: Int) -> String {
        padded(
            String(format: "%.\(fraction)f", value), whole + (fraction == 0 ? 0 : fraction + 1))
    }

    private static func hex(_ value: UInt16, _ count: Int) -> String {
        padded(String(value, radix: 16, uppercase: true), count)
    }

    private static func padded(_ text: String, _ count: Int) -> String {
        String(repeating: "0", count: max(0, count - text.count)) + text
    }
}
