/// What a telegram says at a moment.
package struct Reading: Sendable, Hashable {
    /// Whether the telegram is as the meter sent it.
    package enum Check: UInt8, Sendable {
        /// Its checksum is right.
        case checksum
        /// It has none: before version 4, and where a device cuts it off. It is whole by its form.
        case none
    }

    /// A meter connected by M-Bus: when it was read last, and what it counted until then.
    package struct Connected: Sendable, Hashable {
        /// Seconds since 1970 in UTC.
        package var seconds: Int64
        /// Stands for the meter; 0 if it is not named.
        package var meter: UInt64

        package init(seconds: Int64, meter: UInt64) {
            self.seconds = seconds
            self.meter = meter
        }
    }

    /// Seconds since 1970 in UTC.
    package var seconds: Int64
    /// 42 for 4.2; nil before version 4, and where the meter does not tell.
    package var version: Int?
    package var check: Check
    /// Stands for the electricity meter, whose name is personal data; 0 if it is not named.
    package var meter: UInt64
    /// The tariff in force, 1 or 2.
    package var tariff: Int?
    /// W.
    package var powerImported: Int64?
    /// W.
    package var powerExported: Int64?
    /// Tenths of a volt by phase; -1 where there is none.
    package var voltages: SIMD4<Int32>
    package var counters: CounterValues
    package var gas: Connected?
    package var water: Connected?

    package init(seconds: Int64, check: Check, counters: CounterValues = .none) {
        self.seconds = seconds
        self.check = check
        self.counters = counters
        meter = 0
        voltages = SIMD4(repeating: -1)
    }
}

extension Reading: CustomStringConvertible {
    /// Without values, which are personal data.
    package var description: String { "<reading>" }
}
