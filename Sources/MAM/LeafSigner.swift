import Ternary

/// The one-time key of a leaf (mam-v0, *Writing*). Signing two messages with it is possible,
/// and what a device does that was restarted from its seed.
struct LeafSigner {
    private let key: [Trit]
    private let securityLevel: Int

    /// - Parameters:
    ///   - leaf: counted across the trees of the channel.
    ///   - securityLevel: 1...3.
    init(seed: Seed, leaf: UInt64, securityLevel: Int) {
        var sponge = CurlP(rounds: .mam)
        sponge.absorb(seed.subseed(ofLeaf: leaf))
        let squeezed = sponge.squeeze(securityLevel * SecurityLevel.signatureTritCount)
        let count = securityLevel * SecurityLevel.fragmentCount
        key = HashChain.advance(squeezed, by: Array(repeating: 1, count: count))
        self.securityLevel = securityLevel
    }

    /// The leaf of the tree, 243 trits.
    var address: [Trit] {
        let count = securityLevel * SecurityLevel.fragmentCount
        return HashChain.leafAddress(
            publicFragments: HashChain.advance(
                key, by: Array(repeating: HashChain.length, count: count)))
    }

    /// `securityLevel` × 6561 trits.
    func signature(of messageHash: [Trit]) -> [Trit] {
        let values = HashChain.signedValues(messageHash, level: securityLevel)
        return HashChain.advance(key, by: values.map { HashChain.length / 2 - $0 })
    }
}
