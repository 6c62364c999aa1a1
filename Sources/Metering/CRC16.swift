/// CRC-16/ARC: 0x8005 reflected, from 0.
package enum CRC16 {
    package static func checksum(of bytes: [UInt8]) -> UInt16 { checksum(of: bytes.span) }

    /// - Parameter start: The checksum of what comes before.
    package static func checksum(of bytes: Span<UInt8>, after start: UInt16 = 0) -> UInt16 {
        tables.withUnsafeBufferPointer { tables in
            // Every index is a table's number, below 16, times 256 and a byte: 4,095 at most.
            var checksum = start
            var index = 0
            let raw = bytes.bytes
            while index + 16 <= bytes.count {
                let first = raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
                let second = raw.unsafeLoadUnaligned(fromByteOffset: index + 8, as: UInt64.self)
                let early = UInt64(littleEndian: first) ^ UInt64(checksum)
                let late = UInt64(littleEndian: second)
                checksum = 0
                for place in 0..<8 {
                    let byte = Int(truncatingIfNeeded: early >> (8 * UInt64(place)) & 0xff)
                    checksum ^= tables[(15 - place) * 256 + byte]
                }
                for place in 0..<8 {
                    let byte = Int(truncatingIfNeeded: late >> (8 * UInt64(place)) & 0xff)
                    checksum ^= tables[(7 - place) * 256 + byte]
                }
                index += 16
            }
            while index < bytes.count {
                let byte = UInt8(truncatingIfNeeded: checksum) ^ bytes[index]
                checksum = checksum >> 8 ^ tables[Int(byte)]
                index += 1
            }
            return checksum
        }
    }

    /// What a byte does to a checksum when 0...15 more bytes follow it, 256 values each, so that
    /// sixteen bytes are taken at once.
    private static let tables: [UInt16] = {
        var tables: [UInt16] = []
        for byte in 0..<256 {
            var value = UInt16(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xA001 : value >> 1 }
            tables.append(value)
        }
        for index in 256..<4096 {
            let last = tables[index - 256]
            tables.append(last >> 8 ^ tables[Int(last & 0xff)])
        }
        return tables
    }()
}
