/// The bytes of an integer, the highest first.
func bigEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian, Array.init)
}

extension [UInt8] {
    /// Appends a length (4 bytes, big-endian) and as many bytes, so that what follows cannot be
    /// taken for a part of them.
    mutating func appendField(_ field: some Collection<UInt8>) {
        append(contentsOf: bigEndian(UInt32(truncatingIfNeeded: field.count)))
        append(contentsOf: field)
    }
}
