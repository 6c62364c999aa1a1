import CSodium

/// `count` bytes (0 or more) from the system's random source.
package func randomBytes(_ count: Int) -> [UInt8] {
    Sodium.start()
    return [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, written in
        if let base = buffer.baseAddress { randombytes_buf(base, max(count, 0)) }
        written = max(count, 0)
    }
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
package func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && sodium_memcmp(left, right, left.count) == 0
}

/// Zeroes the bytes in a way that the compiler cannot leave out.
///
/// Reaches this array's own storage only: where another copy shares it, that copy keeps it.
package func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { memory in
        if let base = memory.baseAddress { sodium_memzero(base, memory.count) }
    }
}
