import Ternary

/// The extra key of a restricted channel. Never printed, wiped when released.
///
/// Keys that differ only in `9`s at the end are one key, because every key is filled up
/// with `9` to 81 trytes before it is used (mam-v0, *Modes and where a message lies*).
package struct SideKey: Hashable, Sendable, Redacted {
    /// The most trytes a key has, and what shorter ones are filled up to.
    package static let tryteCount = 81

    private let secret: SecretTrytes

    /// - Throws: `TernaryError` unless there are 1 to 81 characters of `9A-Z`.
    package init(_ text: some StringProtocol) throws(TernaryError) {
        try self.init(trytes: Trytes(text))
    }

    /// - Throws: `TernaryError.wrongLength` unless there are 1 to 81 trytes.
    package init(trytes: Trytes) throws(TernaryError) {
        guard (1...Self.tryteCount).contains(trytes.count) else {
            throw .wrongLength(expected: Self.tryteCount, actual: trytes.count)
        }
        secret = SecretTrytes(trytes.padded(to: Self.tryteCount))
    }

    /// Copies the 81 characters to memory that has room for them, which the caller wipes.
    func copyTrytes(to destination: UnsafeMutableRawPointer) { secret.copy(to: destination) }

    package var standIn: String { "<side key>" }

    /// The 81 trytes, filled up with `9`, as a copy that is not wiped.
    package func revealTrytes() -> Trytes { secret.trytes }
}
