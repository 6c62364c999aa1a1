/// What a meter counts. The values are in thousandths: Wh, and litres.
package enum Counter: Int, CaseIterable, Sendable {
    /// The register without tariffs (1.8.0), which meters with tariffs leave away.
    case imported
    case importedTariff1, importedTariff2
    case exported
    case exportedTariff1, exportedTariff2
    case gas, water

    /// Electricity is counted by one meter; the others are connected to it.
    var isElectricity: Bool { rawValue < Counter.gas.rawValue }

    /// Thousandths an hour that no connection with a P1 port reaches: three phases of 80 A carry
    /// 55 kW, and meters for 100 m³ an hour stand in factories. What counts faster has jumped.
    private static let fastest: Int64 = 100_000

    /// Seconds that are granted besides, since counters step.
    private static let stepSeconds: Int64 = 60

    /// Whether a counter can have gone on so far in so many seconds.
    static func isPlausible(_ gain: Int64, in seconds: Int64) -> Bool {
        guard gain >= 0, seconds >= 0 else { return false }
        let (most, overflow) = (seconds &+ stepSeconds).multipliedReportingOverflow(by: fastest)
        return overflow || gain <= most / 3600
    }
}

/// A value for each counter; -1 where there is none.
package typealias CounterValues = SIMD8<Int64>

extension CounterValues {
    package static let none = CounterValues(repeating: -1)

    package subscript(counter: Counter) -> Int64? {
        get { self[counter.rawValue] < 0 ? nil : self[counter.rawValue] }
        set { self[counter.rawValue] = newValue ?? -1 }
    }
}
