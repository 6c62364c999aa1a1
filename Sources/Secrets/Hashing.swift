import CSodium

/// The lengths of digest in use, in bytes.
package enum DigestCount: Int, Sendable {
    case sixteen = 16
    case thirtyTwo = 32
    case sixtyFour = 64
}

/// Keyed BLAKE2b (RFC 7693), a message authentication code by itself.
package enum KeyedHash {
    private static let maximumKeyCount = 64

    /// - Parameter key: 32 bytes, as a rule. One of more than 64 is hashed to 64 first.
    package static func blake2b(
        _ input: [UInt8], key: SecretBytes, count: DigestCount = .thirtyTwo
    ) -> [UInt8] {
        guard key.count <= maximumKeyCount else {
            let short = key.withBytes { digest($0, key: .init(start: nil, count: 0), .sixtyFour) }
            return blake2b(input, key: SecretBytes(copying: short), count: count)
        }
        return input.withUnsafeBytes { input in
            key.withBytes { key in digest(input, key: key, count) }
        }
    }

    fileprivate static func digest(
        _ input: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, _ count: DigestCount
    ) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: count.rawValue)
        _ = crypto_generichash_blake2b(
            &digest, digest.count,
            input.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(input.count),
            key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count)
        return digest
    }
}

/// Hashes without a key, for checksums and fingerprints of what is public or has a key's entropy.
package enum Digest {
    package static func blake2b(
        _ input: UnsafeRawBufferPointer, count: DigestCount = .thirtyTwo
    ) -> [UInt8] {
        KeyedHash.digest(input, key: .init(start: nil, count: 0), count)
    }

    package static func blake2b(_ input: [UInt8], count: DigestCount = .thirtyTwo) -> [UInt8] {
        input.withUnsafeBytes { blake2b($0, count: count) }
    }

    package static func sha256(_ input: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        _ = crypto_hash_sha256(&digest, input, UInt64(input.count))
        return digest
    }

    /// SHA-256 (FIPS 180-4) into memory that has room for 32 bytes, without copies on the way.
    package static func sha256(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer
    ) {
        _ = crypto_hash_sha256(
            output.assumingMemoryBound(to: UInt8.self),
            input.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(input.count))
    }
}
