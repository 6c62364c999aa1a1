import CSodium

/// SHA-256 (FIPS 180-4) of bytes that come in parts, for checksums of files.
package struct StreamedDigest {
    private var state = crypto_hash_sha256_state()

    package init() { crypto_hash_sha256_init(&state) }

    package mutating func add(_ bytes: [UInt8]) {
        crypto_hash_sha256_update(&state, bytes, UInt64(bytes.count))
    }

    /// Of what was added so far: 32 bytes.
    package func digest() -> [UInt8] {
        var (copy, digest) = (state, [UInt8](repeating: 0, count: 32))
        crypto_hash_sha256_final(&copy, &digest)
        return digest
    }
}
