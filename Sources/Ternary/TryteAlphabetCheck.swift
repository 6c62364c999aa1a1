extension TryteAlphabet {
    /// Whether all of the bytes are characters of the alphabet.
    package static func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highest = 0x80 * ones
        var place = 0
        // Eight at a time. With no byte beyond ASCII a sum or difference of two bytes never reaches
        // the next one, and its highest bit says how they compare.
        while place + 8 <= bytes.count {
            let eight = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let fromA = eight &+ (0x80 - 0x41) * ones
            let beyondZ = eight &+ (0x80 - 0x5B) * ones
            let nine = highest &- (eight ^ 0x39 * ones)
            guard eight & highest == 0, (fromA & ~beyondZ | nine) & highest == highest else {
                return false
            }
            place += 8
        }
        return bytes[place...].allSatisfy { value(of: $0) != nil }
    }
}
