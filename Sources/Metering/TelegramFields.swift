/// What the lines of a telegram say, as they are read (DSMR P1; e-MUCS P1 for Belgium).
struct TelegramFields {
    private(set) var time: MeterTime?
    private(set) var version: Int?
    private(set) var meter: UInt64 = 0
    private(set) var tariff: Int?
    private(set) var powerImported: Int64?
    private(set) var powerExported: Int64?
    private(set) var voltages = SIMD4<Int32>(repeating: -1)
    private(set) var counters = CounterValues.none
    /// By the number of the M-Bus channel.
    private var connected = ConnectedFields()

    /// A line is none that a meter writes.
    private(set) var isMalformed = false
    /// A value stands there twice, and differs.
    private(set) var isContradictory = false

    /// Whether it says anything that readings are made of.
    var hasValues: Bool {
        powerImported != nil || powerExported != nil || counters != .none
    }

    /// Reads the line at `start`, which is not empty.
    ///
    /// - Returns: Where the next one begins.
    mutating func read(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var line = TelegramLine(start: start)
        if let code = line.code(bytes) {
            read(code, &line, bytes)
        } else {
            isMalformed = true
        }
        let end = ByteScanning.firstIndex(of: 0x0A, in: bytes, from: line.index)
        if !Self.isClosed(bytes, from: start, to: end) { isMalformed = true }
        return min(end + 1, bytes.count)
    }

    private static func isClosed(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Bool {
        var last = end - 1
        if last > start, bytes[last] == 0x0D { last -= 1 }
        return last > start && bytes[last] == UInt8(ascii: ")")
    }

    private mutating func read(
        _ code: TelegramLine.Code, _ line: inout TelegramLine, _ bytes: Span<UInt8>
    ) {
        switch code.value {
        case TelegramLine.value(1, 8, 0): count(.imported, &line, bytes)
        case TelegramLine.value(1, 8, 1): count(.importedTariff1, &line, bytes)
        case TelegramLine.value(1, 8, 2): count(.importedTariff2, &line, bytes)
        case TelegramLine.value(2, 8, 0): count(.exported, &line, bytes)
        case TelegramLine.value(2, 8, 1): count(.exportedTariff1, &line, bytes)
        case TelegramLine.value(2, 8, 2): count(.exportedTariff2, &line, bytes)
        case TelegramLine.value(1, 7, 0):
            if !Self.set(&powerImported, line.quantity(bytes), &isContradictory) {
                noteUnread(line, bytes)
            }
        case TelegramLine.value(2, 7, 0):
            if !Self.set(&powerExported, line.quantity(bytes), &isContradictory) {
                noteUnread(line, bytes)
            }
        case TelegramLine.value(32, 7, 0): voltage(0, &line, bytes)
        case TelegramLine.value(52, 7, 0): voltage(1, &line, bytes)
        case TelegramLine.value(72, 7, 0): voltage(2, &line, bytes)
        case TelegramLine.value(1, 0, 0):
            guard let value = line.time(bytes) else { return noteUnread(line, bytes) }
            if let time, time != value { isContradictory = true }
            time = time ?? value
        case TelegramLine.value(0, 2, 8), TelegramLine.value(96, 1, 4):
            // Belgium writes 50217: version 5.0, and that of its own document.
            guard let number = line.quantity(bytes) else { return noteUnread(line, bytes) }
            version = Int(number / (number > 99_999 ? 1_000_000 : 1000))
        case TelegramLine.value(96, 14, 0):
            guard let number = line.quantity(bytes) else { return noteUnread(line, bytes) }
            tariff = Int(number / 1000)
        case TelegramLine.value(96, 1, 1) where code.channel == 0: meter = line.name(bytes)
        default:
            guard code.channel > 0 else { return }
            if !connected.read(code, &line, bytes) { noteUnread(line, bytes) }
        }
    }

    private mutating func count(
        _ counter: Counter, _ line: inout TelegramLine, _ bytes: Span<UInt8>
    ) {
        guard let value = line.quantity(bytes) else { return noteUnread(line, bytes) }
        if let known = counters[counter] {
            if known != value { isContradictory = true }
        } else {
            counters[counter] = value
        }
    }

    /// - Returns: False where there is no value.
    private static func set(
        _ field: inout Int64?, _ value: Int64?, _ isContradictory: inout Bool
    ) -> Bool {
        guard let value else { return false }
        if let known = field, known != value { isContradictory = true }
        field = field ?? value
        return true
    }

    private mutating func voltage(
        _ phase: Int, _ line: inout TelegramLine, _ bytes: Span<UInt8>
    ) {
        guard let value = line.quantity(bytes) else { return noteUnread(line, bytes) }
        voltages[phase] = Int32(clamping: value / 100)
    }

    /// A value that cannot be read; an empty one is none.
    private mutating func noteUnread(_ line: TelegramLine, _ bytes: Span<UInt8>) {
        if !line.isEmpty(bytes) { isMalformed = true }
    }

    /// - Parameter sentAt: What the message says of when it was made.
    /// - Returns: Nil where nothing tells the time.
    func reading(sentAt: Int64?, _ check: Reading.Check) -> Reading? {
        guard let seconds = time?.seconds(near: sentAt) ?? sentAt else { return nil }
        var reading = Reading(seconds: seconds, check: check, counters: counters)
        reading.version = version
        reading.meter = meter
        reading.tariff = tariff
        reading.powerImported = powerImported
        reading.powerExported = powerExported
        reading.voltages = voltages
        connected.tell(&reading)
        return reading
    }
}
