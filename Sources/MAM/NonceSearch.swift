import Ternary

/// The search for the nonce that gives a message hash its security level (mam-v0, *Writing*).
enum NonceSearch {
    /// About one nonce in 30 will do; that this many fail is out of the question.
    static let maximumAttempts: UInt64 = 100_000

    /// The first nonce, counting up from 0, after which the rate of `sponge` is balanced at
    /// exactly `securityLevel`; nil where `maximumAttempts` have failed.
    static func nonce(for sponge: MaskingSponge, securityLevel: Int) -> [Trit]? {
        let start = [Trit](repeating: 0, count: PayloadLayout.nonceTritCount)
        for attempt in 0..<maximumAttempts {
            let nonce = BalancedAddition.adding(attempt, to: start)
            var candidate = sponge
            _ = candidate.mask(nonce[...])
            if SecurityLevel.level(of: candidate.rate) == securityLevel { return nonce }
        }
        return nil
    }
}
