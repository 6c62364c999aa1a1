/// Finds the telegrams in what a device passed on of its meter's port, and reads them.
///
/// A telegram is `/`, the meter's make, an empty line, lines, `!` and a checksum. A device that
/// splits what it hears at each `!` passes on the checksum of the telegram before, and then a
/// telegram up to where its `!` was.
struct TelegramReader {
    /// Telegrams of one message that are read. Devices send one.
    static let telegramLimit = 4

    /// Where the search goes on.
    private var index = 0
    private var found = 0

    /// The next telegram; nil if there is no more.
    ///
    /// - Parameter sentAt: Seconds since 1970 that the message tells, for telegrams without time.
    mutating func next(
        _ bytes: Span<UInt8>, sentAt: Int64?
    ) -> Result<Reading, MessageFault>? {
        let start = ByteScanning.firstIndex(of: UInt8(ascii: "/"), in: bytes, from: index)
        guard start < bytes.count else {
            defer { found = .max }
            return found == 0 ? .failure(.cut) : nil
        }
        guard found < Self.telegramLimit else {
            index = bytes.count
            return .failure(.merged)
        }
        let isSplit = found == 0 && Self.isRest(bytes.extracting(0..<start))
        found += 1
        return telegram(bytes, from: start, isSplit: isSplit, sentAt: sentAt)
    }

    /// Whether it is what stands behind a telegram's `!`: up to four hex digits and a line's end.
    private static func isRest(_ bytes: Span<UInt8>) -> Bool {
        var digits = 0
        while digits < bytes.count, JSONScanner.hexDigit(bytes[digits]) != nil { digits += 1 }
        guard digits <= 4, digits < bytes.count else { return false }
        for index in digits..<bytes.count where bytes[index] != 0x0D && bytes[index] != 0x0A {
            return false
        }
        return true
    }

    private mutating func telegram(
        _ bytes: Span<UInt8>, from start: Int, isSplit: Bool, sentAt: Int64?
    ) -> Result<Reading, MessageFault> {
        var fields = TelegramFields()
        var line = ByteScanning.firstIndex(of: 0x0A, in: bytes, from: start) + 1
        while line < bytes.count {
            switch bytes[line] {
            case UInt8(ascii: "!"):
                let check = Self.check(bytes, from: start, to: line + 1)
                index = line + 1
                return Self.reading(fields, check, sentAt: sentAt)
            case UInt8(ascii: "/"):
                index = line
                return .failure(.merged)
            case 0x0D, 0x0A, UInt8(ascii: "("):
                // What follows 24.3.0 was read with it.
                line = ByteScanning.firstIndex(of: 0x0A, in: bytes, from: line) + 1
            default: line = fields.read(bytes, from: line)
            }
        }
        index = bytes.count
        guard isSplit, bytes[bytes.count - 1] == 0x0A else { return .failure(.cut) }
        return Self.reading(fields, .success(.none), sentAt: sentAt)
    }

    private static func reading(
        _ fields: TelegramFields, _ check: Result<Reading.Check, MessageFault>, sentAt: Int64?
    ) -> Result<Reading, MessageFault> {
        check.flatMap { check in
            // What a checksum vouches for is as the meter sent it.
            if check == .none {
                if fields.isContradictory { return .failure(.merged) }
                if fields.isMalformed { return .failure(.damaged) }
            }
            guard fields.hasValues else { return .failure(.damaged) }
            guard let reading = fields.reading(sentAt: sentAt, check) else {
                return .failure(.noTime)
            }
            return .success(reading)
        }
    }

    /// What the checksum behind `end` says; leading zeros may be missing.
    private static func check(
        _ bytes: Span<UInt8>, from start: Int, to end: Int
    ) -> Result<Reading.Check, MessageFault> {
        var stated: UInt16 = 0
        var index = end
        while index < min(bytes.count, end + 4), let digit = JSONScanner.hexDigit(bytes[index]) {
            stated = stated << 4 | UInt16(digit)
            index += 1
        }
        guard index > end else { return .success(.none) }
        let telegram = bytes.extracting(start..<end)
        if CRC16.checksum(of: telegram) == stated { return .success(.checksum) }
        // Somebody on the way may have made one character of the two that end a line.
        return checksumOfWholeLines(telegram) == stated
            ? .success(.checksum) : .failure(.damaged)
    }

    private static func checksumOfWholeLines(_ telegram: Span<UInt8>) -> UInt16 {
        var lines: [UInt8] = []
        lines.reserveCapacity(telegram.count + telegram.count / 8)
        for index in telegram.indices {
            if telegram[index] == 0x0A, lines.last != 0x0D { lines.append(0x0D) }
            lines.append(telegram[index])
        }
        return CRC16.checksum(of: lines)
    }
}
