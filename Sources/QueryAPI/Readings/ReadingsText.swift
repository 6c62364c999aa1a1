import Foundation
import Metering

/// Bytes of an answer on their way: numbers and times are written without a text for each.
struct ReadingsText {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// - Parameter text: Nothing that needs escaping where it is to stand.
    mutating func add(plain text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func add(_ number: some BinaryInteger) {
        bytes.append(contentsOf: String(number).utf8)
    }

    /// A number of thousandths, or tenths, as a decimal: 1250 is 1.25.
    mutating func add(_ number: Int64, per unit: Int64) {
        let magnitude = Int64(clamping: number.magnitude)
        if number < 0 { bytes.append(UInt8(ascii: "-")) }
        add(magnitude / unit)
        var rest = magnitude % unit
        guard rest > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var weight = unit / 10
        while rest > 0, weight > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / weight))
            rest %= weight
            weight /= 10
        }
    }

    /// A time in RFC 3339.
    mutating func add(time seconds: Int64) {
        Timestamp(Date(timeIntervalSince1970: Double(seconds))).write(to: &bytes)
    }
}

extension CounterValues {
    /// What was imported, or exported, in all: of the register without tariffs where there is
    /// one, otherwise of both tariffs.
    func total(_ all: Counter, _ first: Counter, _ second: Counter) -> Int64? {
        if let all = self[all] { return all }
        guard self[first] != nil || self[second] != nil else { return nil }
        return (self[first] ?? 0) + (self[second] ?? 0)
    }

    var importedTotal: Int64? { total(.imported, .importedTariff1, .importedTariff2) }
    var exportedTotal: Int64? { total(.exported, .exportedTariff1, .exportedTariff2) }
}
