import Ternary

/// What all signing keys of a channel are derived from, 81 trytes. Never printed, wiped
/// when released.
package struct Seed: Hashable, Sendable, Redacted {
    private let secret: SecretTrytes

    /// - Throws: `TernaryError` unless `text` is 81 characters of `9A-Z`.
    package init(_ text: some StringProtocol) throws(TernaryError) {
        secret = SecretTrytes(try Hash(text).trytes)
    }

    package var standIn: String { "<seed>" }

    /// The 81 trytes, as a copy that is not wiped.
    package func revealTrytes() -> Trytes { secret.trytes }

    /// The secret that leaf `leaf` of the channel, counted across trees, has its key from:
    /// 243 trits (mam-v0, *Writing*).
    func subseed(ofLeaf leaf: UInt64) -> [Trit] {
        CurlP.hash(BalancedAddition.adding(leaf, to: secret.trytes.trits), rounds: .mam)
    }
}
