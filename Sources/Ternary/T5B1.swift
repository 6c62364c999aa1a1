/// Five trits to a signed byte, first trit least significant (tangle, *Transaction*).
package enum T5B1 {
    private static let tritsPerByte = 5
    /// The largest value of five trits.
    private static let largest = 121

    /// Bytes that `tritCount` trits take.
    package static func byteCount(tritCount: Int) -> Int {
        tritCount / tritsPerByte + (tritCount % tritsPerByte > 0 ? 1 : 0)
    }

    /// The bytes of `trits`, zeros filling the last.
    package static func pack(_ trits: some Collection<Trit>) -> [UInt8] {
        let bytes = trits.withContiguousStorageIfAvailable { packed($0) }
        return bytes ?? Array(trits).withUnsafeBufferPointer { packed($0) }
    }

    private static func packed(_ trits: UnsafeBufferPointer<Trit>) -> [UInt8] {
        let count = byteCount(tritCount: trits.count)
        return [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            for index in 0..<count {
                let start = index * tritsPerByte
                var value = 0
                for place in (start..<min(start + tritsPerByte, trits.count)).reversed() {
                    value = value * 3 + Int(trits[place])
                }
                bytes[index] = UInt8(truncatingIfNeeded: value)
            }
            filled = count
        }
    }

    /// - Throws: `wrongLength` unless `bytes` is just what `tritCount` trits take,
    ///   `notFiveTrits` for a byte outside -121...121, `excessTrits` for trits beyond the end.
    package static func unpack(
        _ bytes: some Collection<UInt8>, tritCount: Int
    ) throws(TernaryError) -> [Trit] {
        // Not generic from here on: generic code is slow in another module.
        try unpacked(Array(bytes), tritCount: tritCount)
    }

    /// Whether `unpack` would take `bytes`.
    package static func isReadable(_ bytes: [UInt8], tritCount: Int) -> Bool {
        bytes.withUnsafeBufferPointer { isReadable($0, tritCount: tritCount) }
    }

    static func isReadable(_ bytes: UnsafeBufferPointer<UInt8>, tritCount: Int) -> Bool {
        guard tritCount >= 0, bytes.count == byteCount(tritCount: tritCount) else { return false }
        // Without a way out of the loop it takes many bytes at a time.
        var largestPlace: UInt8 = 0
        for byte in bytes { largestPlace = max(largestPlace, byte &+ UInt8(largest)) }
        guard largestPlace <= 2 * largest else { return false }
        guard let last = bytes.last, tritCount % tritsPerByte > 0 else { return true }
        let largestOfRest = (0..<tritCount % tritsPerByte).reduce(0) { rest, _ in 3 * rest + 1 }
        return abs(Int(Int8(bitPattern: last))) <= largestOfRest
    }

    /// - Throws: what `unpack` would throw; without unpacking `bytes`.
    package static func check(_ bytes: [UInt8], tritCount: Int) throws(TernaryError) {
        guard !isReadable(bytes, tritCount: tritCount) else { return }
        _ = try unpacked(bytes, tritCount: tritCount)
        throw .excessTrits
    }

    private static func unpacked(
        _ bytes: [UInt8], tritCount: Int
    ) throws(TernaryError) -> [Trit] {
        guard tritCount >= 0, bytes.count == byteCount(tritCount: tritCount) else {
            throw .wrongLength(
                expected: byteCount(tritCount: max(0, tritCount)), actual: bytes.count)
        }
        let table = tritTable
        var trits: [Trit] = []
        trits.reserveCapacity(bytes.count * tritsPerByte)
        for (offset, byte) in bytes.enumerated() {
            let place = Int(Int8(bitPattern: byte)) + largest
            guard table.indices.contains(place) else { throw .notFiveTrits(offset: offset) }
            let five = table[place]
            trits.append(five.0)
            trits.append(five.1)
            trits.append(five.2)
            trits.append(five.3)
            trits.append(five.4)
        }
        guard trits[tritCount...].allSatisfy({ $0 == 0 }) else { throw .excessTrits }
        trits.removeLast(trits.count - tritCount)
        return trits
    }

    /// The five trits of -121...121, from index 0 on.
    private static let tritTable: [(Trit, Trit, Trit, Trit, Trit)] = (-largest...largest).map {
        var rest = $0
        var trits: [Trit] = []
        for _ in 0..<tritsPerByte {
            let trit = (rest + largest) % 3 - 1
            trits.append(Trit(trit))
            rest = (rest - trit) / 3
        }
        return (trits[0], trits[1], trits[2], trits[3], trits[4])
    }
}
