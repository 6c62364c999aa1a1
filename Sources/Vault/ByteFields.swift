/// The bytes of an integer, the highest first.
func bigEndian<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian, Array.init)
}

extension [UInt8] {
    /// Appends a length (4 bytes, big-endian) and as many bytes, so that what follows cannot be
    /// taken for a part of them.
    mutating func appendField(_ field: some Collection<UInt8>) {
        appendInteger(UInt32(truncatingIfNeeded: field.count))
        append(contentsOf: field)
    }

    /// The highest byte first.
    mutating func appendInteger(_ value: some FixedWidthInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// A field with the bytes of an integer.
    mutating func appendField<Integer: FixedWidthInteger>(integer: Integer) {
        appendInteger(UInt32(Integer.bitWidth / 8))
        appendInteger(integer)
    }
}
