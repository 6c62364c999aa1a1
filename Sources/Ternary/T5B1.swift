/// Five trits to a signed byte, first trit least significant (tangle, *Transaction*).
package enum T5B1 {
    /// Bytes that `tritCount` trits take.
    package static func byteCount(tritCount: Int) -> Int { (tritCount + 4) / 5 }

    package static func pack(_ trits: some Collection<Trit>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount(tritCount: trits.count))
        var value = 0
        var place = 1
        for trit in trits {
            value += Int(trit) * place
            place *= 3
            if place == 243 {
                bytes.append(UInt8(bitPattern: Int8(truncatingIfNeeded: value)))
                value = 0
                place = 1
            }
        }
        if place > 1 { bytes.append(UInt8(bitPattern: Int8(truncatingIfNeeded: value))) }
        return bytes
    }

    /// - Throws: `wrongLength` unless `bytes` is just what `tritCount` trits take,
    ///   `notFiveTrits` for a byte outside -121...121, `excessTrits` for trits beyond the end.
    package static func unpack(
        _ bytes: some Collection<UInt8>, tritCount: Int
    ) throws(TernaryError) -> [Trit] {
        guard tritCount >= 0, bytes.count == byteCount(tritCount: tritCount) else {
            throw .wrongLength(
                expected: byteCount(tritCount: max(0, tritCount)), actual: bytes.count)
        }
        var trits: [Trit] = []
        trits.reserveCapacity(bytes.count * 5)
        for (offset, byte) in bytes.enumerated() {
            var rest = Int(Int8(bitPattern: byte))
            guard (-121...121).contains(rest) else { throw .notFiveTrits(offset: offset) }
            for _ in 0..<5 {
                let trit = (rest + 121) % 3 - 1
                trits.append(Trit(trit))
                rest = (rest - trit) / 3
            }
        }
        guard trits[tritCount...].allSatisfy({ $0 == 0 }) else { throw .excessTrits }
        trits.removeLast(trits.count - tritCount)
        return trits
    }
}
