import CSodium

/// Sealing with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): what is opened is what was sealed
/// under that key with that associated data, or an error.
///
/// A sealed value is nonce (24 bytes, random) ‖ ciphertext (as long as the plaintext) ‖ tag (16).
package enum AEAD {
    package static let keyCount = 32
    /// Bytes that sealing adds: nonce and tag.
    package static let overhead = nonceCount + tagCount

    private static let nonceCount = 24
    private static let tagCount = 16

    /// - Throws: `SecretsError.wrongLength` unless the key has 32 bytes.
    package static func seal(
        _ plaintext: [UInt8], key: SecretBytes, associatedData: [UInt8]
    ) throws(SecretsError) -> [UInt8] {
        try seal(plaintext, plaintext.count, key: key, associatedData: associatedData)
    }

    /// - Throws: `SecretsError.wrongLength` unless the key has 32 bytes.
    package static func seal(
        _ plaintext: SecretBytes, key: SecretBytes, associatedData: [UInt8]
    ) throws(SecretsError) -> [UInt8] {
        try plaintext.withStart { start throws(SecretsError) in
            try seal(start, plaintext.count, key: key, associatedData: associatedData)
        }
    }

    /// - Throws: `SecretsError.wrongLength` unless the key has 32 bytes; `wrongKeyOrDamaged`.
    package static func open(
        _ sealed: [UInt8], key: SecretBytes, associatedData: [UInt8]
    ) throws(SecretsError) -> [UInt8] {
        var plaintext = [UInt8](repeating: 0, count: try plaintextCount(sealed))
        try open(sealed, into: &plaintext, key: key, associatedData: associatedData)
        return plaintext
    }

    /// Like `open`, with the plaintext in locked memory from the start.
    package static func openSecret(
        _ sealed: [UInt8], key: SecretBytes, associatedData: [UInt8]
    ) throws(SecretsError) -> SecretBytes {
        try SecretBytes(
            count: try plaintextCount(sealed),
            fillFrom: { start throws(SecretsError) in
                try open(sealed, into: start, key: key, associatedData: associatedData)
            })
    }

    private static func plaintextCount(_ sealed: [UInt8]) throws(SecretsError) -> Int {
        guard sealed.count >= overhead else { throw .wrongKeyOrDamaged }
        return sealed.count - overhead
    }

    private static func check(_ key: SecretBytes) throws(SecretsError) {
        guard key.count == keyCount else {
            throw .wrongLength(of: "key", expected: keyCount, actual: key.count)
        }
    }

    private static func seal(
        _ plaintext: UnsafePointer<UInt8>, _ count: Int, key: SecretBytes, associatedData: [UInt8]
    ) throws(SecretsError) -> [UInt8] {
        try check(key)
        let nonce = randomBytes(nonceCount)
        var sealed = nonce
        sealed.append(contentsOf: repeatElement(0, count: count + tagCount))
        sealed.withUnsafeMutableBufferPointer { output in
            guard let start = output.baseAddress else { return }
            key.withStart { key in
                _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
                    start + nonceCount, nil, plaintext, UInt64(count),
                    associatedData, UInt64(associatedData.count), nil, nonce, key)
            }
        }
        return sealed
    }

    /// - Parameter plaintext: room for `plaintextCount(sealed)` bytes.
    private static func open(
        _ sealed: [UInt8], into plaintext: UnsafeMutablePointer<UInt8>, key: SecretBytes,
        associatedData: [UInt8]
    ) throws(SecretsError) {
        try check(key)
        let status = sealed.withUnsafeBufferPointer { input -> Int32 in
            key.withStart { key in
                guard let nonce = input.baseAddress, input.count >= overhead else { return -1 }
                return crypto_aead_xchacha20poly1305_ietf_decrypt(
                    plaintext, nil, nil, nonce + nonceCount, UInt64(input.count - nonceCount),
                    associatedData, UInt64(associatedData.count), nonce, key)
            }
        }
        guard status == 0 else { throw .wrongKeyOrDamaged }
    }
}
