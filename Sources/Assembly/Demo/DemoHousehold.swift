import Foundation

/// A made-up household with solar panels: what it takes from the grid and gives to it, as its meter
/// counts. The same moments give the same readings.
struct DemoHousehold {
    /// When nothing comes from the meter, in minutes of the day: its gateway is off.
    static let outage = 13 * 60 + 10..<14 * 60 + 25

    /// kWh, of the low tariff at night and at weekends, and of the normal one.
    private var imported = (low: 4210.318, normal: 3877.902)
    private var exported = (low: 310.447, normal: 1122.084)
    /// m³.
    private var gas = 2210.503
    private var time: Date
    private let calendar: Calendar

    /// - Parameter zone: Where it stands.
    init(from time: Date, zone: TimeZone) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = zone
        self.calendar = calendar
        self.time = time
    }

    /// Goes on to a time, and says what the meter tells then.
    mutating func telegram(at next: Date) -> Telegram {
        let hours = max(0, next.timeIntervalSince(time)) / 3600
        time = next
        let parts = calendar.dateComponents([.weekday, .hour, .minute], from: next)
        let hour = Double(parts.hour ?? 0) + Double(parts.minute ?? 0) / 60
        let minute = Int(next.timeIntervalSince1970 / 60)
        let power = Self.load(hour, minute) - Self.sun(hour, minute)
        let isLow = [1, 7].contains(parts.weekday) || hour < 7 || hour >= 23
        let (taken, given) = (max(0, power), max(0, -power))
        if isLow {
            imported.low += taken * hours
            exported.low += given * hours
        } else {
            imported.normal += taken * hours
            exported.normal += given * hours
        }
        gas +=
            hours * (0.08 + 0.5 * Self.around(7.5, 1.2, hour) + 0.35 * Self.around(18.5, 2, hour))
        var telegram = Telegram(time: next, energy: imported.low, power: taken)
        telegram.energyNormal = imported.normal
        telegram.exported = exported.low
        telegram.exportedNormal = exported.normal
        telegram.powerExported = given
        telegram.isNormalTariff = !isLow
        telegram.gas = gas
        return telegram
    }

    /// Whether the gateway is off at a time.
    func isOut(at time: Date) -> Bool {
        let parts = calendar.dateComponents([.hour, .minute], from: time)
        return Self.outage.contains((parts.hour ?? 0) * 60 + (parts.minute ?? 0))
    }

    /// kW: what is always on, a fridge, people in the morning and the evening, and a kettle.
    private static func load(_ hour: Double, _ minute: Int) -> Double {
        let fridge = (minute / 21) % 2 == 0 ? 0.085 : 0
        let people =
            0.55 * around(7.4, 0.7, hour) + 0.3 * around(12.5, 0.6, hour)
            + 1.25 * around(18.6, 1.2, hour) + 0.4 * around(21.5, 1, hour)
        let washing = (10.2..<11.6).contains(hour) ? 0.35 + 1.6 * noise(minute / 9) : 0
        let kettle = people > 0.15 && noise(minute) > 0.94 ? 1.9 : 0
        return 0.16 + fridge + people * (0.75 + 0.5 * noise(minute / 4)) + washing * 0.5 + kettle
    }

    /// kW: a day of late autumn, with clouds.
    private static func sun(_ hour: Double, _ minute: Int) -> Double {
        let height = (hour - 8.1) / 8.6
        guard (0...1).contains(height) else { return 0 }
        let share = Double(minute % 18) / 18
        let clouds = noise(minute / 18 + 7) * (1 - share) + noise(minute / 18 + 8) * share
        return 3.4 * pow(sin(.pi * height), 1.4) * (0.4 + 0.6 * clouds)
    }

    private static func around(_ middle: Double, _ width: Double, _ hour: Double) -> Double {
        exp(-pow((hour - middle) / width, 2))
    }

    /// 0 to 1, the same for the same number.
    private static func noise(_ number: Int) -> Double {
        var bits = UInt64(truncatingIfNeeded: number) &* 0x9e37_79b9_7f4a_7c15
        bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
        bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
        return Double((bits ^ (bits >> 31)) >> 11) / Double(1 << 53)
    }
}
