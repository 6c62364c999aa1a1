/// Looks at eight bytes at once. A byte below a bound borrows from its topmost bit when the bound
/// is subtracted; borrows go upwards, so that the lowest byte found is right.
enum ByteScanning {
    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// Topmost bits of the bytes that are `byte`; the lowest that is set is right.
    static func equal(_ byte: UInt8, in eight: UInt64) -> UInt64 {
        below(1, eight ^ (ones &* UInt64(byte)))
    }

    /// Topmost bits of the bytes below `bound`, at most 128; the lowest that is set is right.
    static func below(_ bound: UInt64, _ eight: UInt64) -> UInt64 {
        (eight &- ones &* bound) & ~eight & (ones << 7)
    }

    /// The place of the first `byte` from `start` on; the end if there is none.
    static func firstIndex(of byte: UInt8, in bytes: Span<UInt8>, from start: Int) -> Int {
        var index = start
        let raw = bytes.bytes
        while index + 8 <= bytes.count {
            let eight = UInt64(
                littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = equal(byte, in: eight)
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count, bytes[index] != byte { index += 1 }
        return index
    }
}
