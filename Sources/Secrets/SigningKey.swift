import CSodium

/// An Ed25519 key pair (RFC 8032), made from a seed of 32 bytes.
package struct SigningKey: Sendable {
    package static let seedCount = 32
    package static let signatureCount = 64

    /// 32 bytes, to be published.
    package let publicKey: [UInt8]
    private let secretKey: SecretBytes

    /// - Throws: `SecretsError.wrongLength` unless the seed has 32 bytes.
    package init(seed: SecretBytes) throws(SecretsError) {
        guard seed.count == Self.seedCount else {
            throw .wrongLength(of: "seed", expected: Self.seedCount, actual: seed.count)
        }
        var publicKey = [UInt8](repeating: 0, count: 32)
        secretKey = SecretBytes(
            count: 64,
            fillFrom: { output in
                seed.withStart { _ = crypto_sign_seed_keypair(&publicKey, output, $0) }
            })
        self.publicKey = publicKey
    }

    /// The signature, 64 bytes.
    package func sign(_ message: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: Self.signatureCount)
        secretKey.withStart {
            _ = crypto_sign_detached(&signature, nil, message, UInt64(message.count), $0)
        }
        return signature
    }

    /// Whether `signature` is one of `message` by `publicKey`; false also for wrong lengths.
    package static func verify(
        _ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]
    ) -> Bool {
        guard signature.count == signatureCount, publicKey.count == 32 else { return false }
        return crypto_sign_verify_detached(signature, message, UInt64(message.count), publicKey)
            == 0
    }
}
