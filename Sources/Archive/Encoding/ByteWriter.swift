/// Appends the values of a stored record to bytes; integers big-endian.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ byte: UInt8) { bytes.append(byte) }

    mutating func write(_ integer: some FixedWidthInteger) {
        withUnsafeBytes(of: integer.bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Bytes whose count the reader knows.
    mutating func write(_ fixed: [UInt8]) { bytes.append(contentsOf: fixed) }

    /// Bytes after their count, a 32-bit integer.
    mutating func writeCounted(_ counted: [UInt8]) {
        write(UInt32(counted.count))
        bytes.append(contentsOf: counted)
    }
}
