/// What became of messages.
package struct MessageTally: Sendable, Hashable {
    package private(set) var messages = 0
    package private(set) var readings = 0
    /// Telegrams that stood twice in a message.
    package private(set) var doubled = 0
    /// In the order of `MessageFault.allCases`.
    private var faults = SIMD16<Int>()

    package init() {}

    /// Messages, or telegrams in them, that gave no reading for this reason.
    package func count(_ fault: MessageFault) -> Int {
        MessageFault.allCases.firstIndex(of: fault).map { faults[$0] } ?? 0
    }

    mutating func addMessage() { messages += 1 }
    mutating func addReading() { readings += 1 }
    mutating func addDoubled() { doubled += 1 }

    mutating func add(_ fault: MessageFault) {
        guard let index = MessageFault.allCases.firstIndex(of: fault) else { return }
        faults[index] += 1
    }

    package static func += (tally: inout MessageTally, other: MessageTally) {
        tally.messages += other.messages
        tally.readings += other.readings
        tally.doubled += other.doubled
        tally.faults &+= other.faults
    }
}

/// Reads the messages of a meter's channel: `{"type":"DATA","raw":TELEGRAM,"timestamp":MS}`, or a
/// telegram as it is.
package struct MeterMessageReader {
    /// Bytes of a message that is looked at. A telegram has 1,024 at most (DSMR P1, 5.2.2),
    /// versions with much to tell a few thousand.
    package static let lengthLimit = 64 << 10

    /// What stands in `raw`; kept to be used again.
    private var text: [UInt8] = []

    package init() {}

    /// Adds what a message says to `readings`, and what became of it to `tally`.
    package mutating func read(
        _ content: [UInt8], into readings: inout [Reading], _ tally: inout MessageTally
    ) {
        tally.addMessage()
        do throws(MessageFault) {
            try read(content.span, &readings, &tally)
        } catch {
            tally.add(error)
        }
    }

    private mutating func read(
        _ bytes: Span<UInt8>, _ readings: inout [Reading], _ tally: inout MessageTally
    ) throws(MessageFault) {
        guard bytes.count <= Self.lengthLimit else { throw .tooLong }
        var scanner = JSONScanner()
        scanner.skipSpace(bytes)
        guard scanner.index < bytes.count else { throw .notJSON }
        switch bytes[scanner.index] {
        case UInt8(ascii: "{"):
            let message = try envelope(bytes, &scanner)
            Self.read(
                text.span.extracting(0..<message.count), sentAt: message.sentAt, &readings,
                &tally)
        case UInt8(ascii: "/"): Self.read(bytes, sentAt: nil, &readings, &tally)
        default: throw .notJSON
        }
    }

    private static func read(
        _ text: Span<UInt8>, sentAt: Int64?, _ readings: inout [Reading],
        _ tally: inout MessageTally
    ) {
        var reader = TelegramReader()
        let first = readings.count
        while let result = reader.next(text, sentAt: sentAt) {
            switch result {
            case .success(let reading):
                if readings.count > first, readings.last == reading {
                    tally.addDoubled()
                    continue
                }
                readings.append(reading)
                tally.addReading()
            case .failure(let fault): tally.add(fault)
            }
        }
    }

    private enum Field: CaseIterable {
        case type, raw, timestamp

        var name: StaticString {
            switch self {
            case .type: "type"
            case .raw: "raw"
            case .timestamp: "timestamp"
            }
        }
    }

    /// Reads the members that matter, `raw` into `text`.
    ///
    /// - Returns: Bytes of `raw`, and the time in seconds since 1970.
    private mutating func envelope(
        _ bytes: Span<UInt8>, _ scanner: inout JSONScanner
    ) throws(MessageFault) -> (count: Int, sentAt: Int64?) {
        var isMeters: Bool?
        /// Bytes of it in `text`.
        var raw: Int?
        var milliseconds: Int64??
        scanner.index += 1
        scanner.skipSpace(bytes)
        if scanner.take("}", bytes) { throw .otherMessage }
        repeat {
            scanner.skipSpace(bytes)
            let field = try Self.field(bytes, scanner.string(bytes))
            scanner.skipSpace(bytes)
            guard scanner.take(":", bytes) else { throw .notJSON }
            scanner.skipSpace(bytes)
            let isString = scanner.index < bytes.count && bytes[scanner.index] == UInt8(ascii: "\"")
            switch field {
            case .type where isString:
                guard isMeters == nil else { throw .ambiguous }
                isMeters = try Self.equals("DATA", bytes, scanner.string(bytes))
            case .raw where isString:
                guard raw == nil else { throw .ambiguous }
                let room = bytes.count + JSONScanner.slack
                if text.count < room { text = [UInt8](repeating: 0, count: max(room, 2048)) }
                raw = try scanner.text(bytes, to: &text)
            case .timestamp:
                guard milliseconds == nil else { throw .ambiguous }
                milliseconds = .some(try scanner.integer(bytes))
            case .type, .raw, nil: try scanner.skipValue(bytes)
            }
            scanner.skipSpace(bytes)
        } while scanner.take(",", bytes)
        guard scanner.take("}", bytes) else { throw .notJSON }
        scanner.skipSpace(bytes)
        guard scanner.index == bytes.count else { throw .notJSON }
        guard isMeters == true, let raw else { throw .otherMessage }
        return (raw, milliseconds.flatMap { $0 }.flatMap(Self.seconds))
    }

    /// Of the years 2000 to 2099, as a telegram's; another is a clock that was not set.
    private static func seconds(_ milliseconds: Int64) -> Int64? {
        let seconds = CivilCalendar.floorDivide(milliseconds, 1000)
        return (946_684_800..<4_102_444_800).contains(seconds) ? seconds : nil
    }

    private static func field(
        _ bytes: Span<UInt8>, _ string: (content: Range<Int>, isEscaped: Bool)
    ) throws(MessageFault) -> Field? {
        for field in Field.allCases where try equals(field.name, bytes, string) { return field }
        return nil
    }

    private static func equals(
        _ name: StaticString, _ bytes: Span<UInt8>,
        _ string: (content: Range<Int>, isEscaped: Bool)
    ) throws(MessageFault) -> Bool {
        guard !string.isEscaped else {
            var scanner = JSONScanner()
            scanner.index = string.content.lowerBound - 1
            var text = [UInt8](
                repeating: 0, count: bytes.count - scanner.index + JSONScanner.slack)
            let count = try scanner.text(bytes, to: &text)
            return name.withUTF8Buffer { $0.elementsEqual(text.prefix(count)) }
        }
        guard string.content.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { wanted in
            var place = string.content.lowerBound
            for byte in wanted {
                if bytes[place] != byte { return false }
                place += 1
            }
            return true
        }
    }
}
