/// What a telegram says of the meters connected by M-Bus, by their channels 1 to 4.
struct ConnectedFields {
    private static let channels = 1...4

    /// Types of devices (EN 13757-3).
    private enum Kind: UInt8 {
        case gas = 3
        case water = 7
    }

    private struct Value {
        var time: MeterTime
        var count: Int64
        /// Belgium's code for gas whose volume is not corrected by its temperature.
        var isGas: Bool
    }

    private var kinds = SIMD8<UInt8>()
    private var meters = SIMD8<UInt64>()
    private var first: Value?
    private var second: Value?
    private var third: Value?
    private var fourth: Value?

    /// - Returns: False where a value cannot be read; true also for lines that do not matter.
    mutating func read(
        _ code: TelegramLine.Code, _ line: inout TelegramLine, _ bytes: Span<UInt8>
    ) -> Bool {
        guard Self.channels.contains(code.channel) else { return true }
        switch code.value {
        case TelegramLine.value(24, 1, 0):
            guard let kind = line.quantity(bytes) else { return false }
            kinds[code.channel] = UInt8(clamping: kind / 1000)
        case TelegramLine.value(96, 1, 0), TelegramLine.value(96, 1, 1):
            meters[code.channel] = line.name(bytes)
        case TelegramLine.value(24, 2, 1), TelegramLine.value(24, 2, 3):
            // A connection without a meter behind it tells a time that there is not.
            guard let time = line.time(bytes) else { return true }
            guard line.opensNext(bytes), let count = line.quantity(bytes) else { return false }
            guard line.isVolume(bytes) else { return true }
            set(
                code.channel,
                Value(
                    time: time, count: count, isGas: code.value == TelegramLine.value(24, 2, 3)))
        case TelegramLine.value(24, 3, 0):
            guard let time = line.time(bytes) else { return true }
            guard line.opensSecondLine(bytes) else { return true }
            guard let count = line.quantity(bytes) else { return false }
            set(code.channel, Value(time: time, count: count, isGas: false))
        default: break
        }
        return true
    }

    private mutating func set(_ channel: Int, _ value: Value) {
        switch channel {
        case 1: first = first ?? value
        case 2: second = second ?? value
        case 3: third = third ?? value
        default: fourth = fourth ?? value
        }
    }

    /// Of several meters of a kind that which was read last counts, and of these the one on the
    /// highest channel: when a meter is swapped, the new one gets a channel of its own.
    func tell(_ reading: inout Reading) {
        tell(first, 1, &reading)
        tell(second, 2, &reading)
        tell(third, 3, &reading)
        tell(fourth, 4, &reading)
    }

    private func tell(_ value: Value?, _ channel: Int, _ reading: inout Reading) {
        guard let value else { return }
        let connected = Reading.Connected(
            seconds: value.time.seconds(near: reading.seconds), meter: meters[channel])
        switch value.isGas ? .gas : Kind(rawValue: kinds[channel]) {
        case .gas where connected.seconds >= reading.gas?.seconds ?? .min:
            reading.gas = connected
            reading.counters[.gas] = value.count
        case .water where connected.seconds >= reading.water?.seconds ?? .min:
            reading.water = connected
            reading.counters[.water] = value.count
        default: break
        }
    }
}
