import Ternary

/// Reads what `ByteWriter` wrote; every count is checked against what is left.
struct ByteReader {
    /// The bytes end too early, or go on where they should end, or are none of what they should be.
    struct Mismatch: Error {}

    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var leftCount: Int { bytes.count - place }

    /// Passes over the next bytes.
    private mutating func next(_ count: Int) throws(Mismatch) -> Range<Int> {
        guard count >= 0, count <= leftCount else { throw Mismatch() }
        defer { place += count }
        return place..<place + count
    }

    mutating func read(_ count: Int) throws(Mismatch) -> [UInt8] {
        Array(bytes[try next(count)])
    }

    mutating func skip(_ count: Int) throws(Mismatch) { _ = try next(count) }

    mutating func read<Integer: FixedWidthInteger>(_: Integer.Type) throws(Mismatch) -> Integer {
        var integer: Integer = 0
        for byte in bytes[try next(Integer.bitWidth / 8)] {
            integer = integer << 8 | Integer(truncatingIfNeeded: byte)
        }
        return integer
    }

    mutating func readCounted() throws(Mismatch) -> [UInt8] {
        try read(Int(try read(UInt32.self)))
    }

    /// Trytes in t5b1, as many as there is room for, as characters.
    mutating func readTrytes(
        into characters: UnsafeMutableBufferPointer<UInt8>
    ) throws(Mismatch) {
        let packed = try next(T5B1.byteCount(tritCount: 3 * characters.count))
        let isRead = bytes.withUnsafeBufferPointer {
            T5B1.unpackTrytes(UnsafeBufferPointer(rebasing: $0[packed]), into: characters)
        }
        guard isRead else { throw Mismatch() }
    }

    mutating func readRest() -> [UInt8] {
        defer { place = bytes.count }
        return Array(bytes[place...])
    }

    func finish() throws(Mismatch) {
        guard leftCount == 0 else { throw Mismatch() }
    }
}
