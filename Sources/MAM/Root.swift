import Ternary

/// The root of a tree of signing keys, 81 trytes: what a message's signature leads to and,
/// outside public channels, a decryption key. Never printed, wiped when released.
package struct Root: Hashable, Sendable, Redacted {
    private let secret: SecretTrytes

    /// - Throws: `TernaryError` unless `text` is 81 characters of `9A-Z`.
    package init(_ text: some StringProtocol) throws(TernaryError) {
        self.init(hash: try Hash(text))
    }

    /// - Throws: `TernaryError` unless `packed` is 49 bytes of t5b1.
    package init(packed: some Collection<UInt8>) throws(TernaryError) {
        self.init(hash: try Hash(packed: packed))
    }

    /// - Throws: `TernaryError.wrongLength` unless there are 243 trits.
    package init(trits: some Collection<Trit>) throws(TernaryError) {
        self.init(hash: try Hash(trits: trits))
    }

    package init(hash: Hash) {
        secret = SecretTrytes(hash.trytes)
    }

    /// 81 characters of the alphabet, which the caller wipes.
    init(validated characters: UnsafeRawBufferPointer) {
        secret = SecretTrytes(validated: characters)
    }

    /// Copies the 81 characters to memory that has room for them, which the caller wipes.
    func copyTrytes(to destination: UnsafeMutableRawPointer) { secret.copy(to: destination) }

    package var standIn: String { "<root>" }

    /// The 81 trytes, as a copy that is not wiped.
    package func revealTrytes() -> Trytes { secret.trytes }

    /// The 243 trits, as a copy that is not wiped.
    package func revealTrits() -> [Trit] { secret.trytes.trits }

    /// The root as a hash, as a copy that is not wiped and that prints itself.
    package func revealHash() -> Hash { Hash(of: secret.trytes, at: 0) }

    /// The 49 bytes of t5b1, as a copy that is not wiped.
    package func revealPacked() -> [UInt8] { T5B1.pack(secret.trytes) }
}
