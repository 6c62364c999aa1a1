/// Finds whole telegrams in what a P1 port sends: each begins with `/` at the start of a line and
/// ends with the line of `!` (DSMR 5.0.2 P1, section 6). What comes between, and what is cut, is
/// left out.
package struct TelegramSplitter: Sendable {
    /// Bytes of a telegram at most: ten times what meters send.
    package static let byteLimit = 16 << 10

    /// Telegrams that were cut or too long.
    package private(set) var droppedCount = 0

    private var telegram: [UInt8] = []
    private var isInside = false
    private var isAtLineStart = true
    private var isLastLine = false

    package init() {}

    /// - Returns: The telegrams that ended in `bytes`, with their last line end.
    package mutating func add(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var whole: [[UInt8]] = []
        for byte in bytes {
            if isAtLineStart, byte == UInt8(ascii: "/") {
                if isInside { droppedCount += 1 }
                telegram = []
                isInside = true
                isLastLine = false
            } else if isAtLineStart, byte == UInt8(ascii: "!") {
                isLastLine = true
            }
            isAtLineStart = byte == UInt8(ascii: "\n")
            guard isInside else { continue }
            guard telegram.count < Self.byteLimit else {
                droppedCount += 1
                isInside = false
                continue
            }
            telegram.append(byte)
            if isLastLine, isAtLineStart {
                whole.append(telegram)
                isInside = false
            }
        }
        return whole
    }

    /// Nothing more comes.
    /// - Returns: A telegram whose last line has no end.
    package mutating func finish() -> [UInt8]? {
        defer { isInside = false }
        guard isInside else { return nil }
        guard isLastLine else {
            droppedCount += 1
            return nil
        }
        return telegram
    }
}
