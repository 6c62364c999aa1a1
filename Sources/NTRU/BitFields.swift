/// Writes bit fields of up to 16 bits, the most significant bit first, to bytes that are there.
struct BitWriter {
    private var next: UnsafeMutablePointer<UInt8>
    private var pending: UInt32 = 0
    private var pendingCount = 0

    init(_ start: UnsafeMutablePointer<UInt8>) { next = start }

    mutating func write(_ value: UInt16, bits: Int) {
        pending = pending << UInt32(bits) | UInt32(value)
        pendingCount += bits
        while pendingCount >= 8 {
            pendingCount -= 8
            next.pointee = UInt8(truncatingIfNeeded: pending >> UInt32(pendingCount))
            next += 1
        }
    }

    /// Fills the last byte up with zeros.
    mutating func finish() {
        guard pendingCount > 0 else { return }
        write(0, bits: 8 - pendingCount)
    }
}

/// Reads bit fields of up to 16 bits, the most significant bit first.
struct BitReader {
    private var pending: UInt32 = 0
    private var pendingCount = 0

    /// - Parameter next: gives the next byte, where one is needed.
    mutating func read(bits: Int, _ next: () -> UInt8) -> UInt16 {
        while pendingCount < bits {
            pending = pending << 8 | UInt32(next())
            pendingCount += 8
        }
        pendingCount -= bits
        return UInt16(truncatingIfNeeded: pending >> UInt32(pendingCount)) & (1 << bits - 1)
    }
}
