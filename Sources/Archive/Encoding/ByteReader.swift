/// Reads what `ByteWriter` wrote; every count is checked against what is left.
struct ByteReader {
    /// The bytes end too early, or go on where they should end.
    struct Mismatch: Error {}

    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func read(_ count: Int) throws(Mismatch) -> [UInt8] {
        guard count >= 0, count <= rest.count else { throw Mismatch() }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func skip(_ count: Int) throws(Mismatch) {
        guard count >= 0, count <= rest.count else { throw Mismatch() }
        rest = rest.dropFirst(count)
    }

    mutating func read<Integer: FixedWidthInteger>(_: Integer.Type) throws(Mismatch) -> Integer {
        var integer: Integer = 0
        let count = Integer.bitWidth / 8
        guard count <= rest.count else { throw Mismatch() }
        for byte in rest.prefix(count) {
            integer = integer << 8 | Integer(truncatingIfNeeded: byte)
        }
        rest = rest.dropFirst(count)
        return integer
    }

    mutating func readCounted() throws(Mismatch) -> [UInt8] {
        try read(Int(try read(UInt32.self)))
    }

    mutating func readRest() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }

    func finish() throws(Mismatch) {
        guard rest.isEmpty else { throw Mismatch() }
    }
}
