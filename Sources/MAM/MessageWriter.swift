import Ternary

/// Writes one payload with the key and the tree it is given (mam-v0, *The payload*). Nothing
/// keeps it from signing under a root that is not the signer's, which is how tests forge.
package struct MessageWriter: Sendable {
    /// The root under which the message is masked.
    package var root: Root
    package var nextRoot: Root
    package var sideKey: SideKey?
    /// Signs, with the leaf `firstLeaf` + index of its channel.
    package var seed: Seed
    /// The first leaf of the tree, counted across trees.
    package var firstLeaf: UInt64
    /// 1...3.
    package var securityLevel: Int

    package init(
        root: Root, nextRoot: Root, sideKey: SideKey?, seed: Seed, firstLeaf: UInt64,
        securityLevel: Int
    ) {
        self.root = root
        self.nextRoot = nextRoot
        self.sideKey = sideKey
        self.seed = seed
        self.firstLeaf = firstLeaf
        self.securityLevel = securityLevel
    }

    /// The payload, filled up with zero trits to a whole tryte. The same input gives the same
    /// payload.
    ///
    /// - Parameters:
    ///   - content: trits, not always whole trytes.
    ///   - index: the leaf in its tree.
    ///   - siblings: of that leaf, 243 trits each, from the leaf upwards.
    /// - Throws: `securityLevel`, `contentTooLong`, `nonceNotFound`.
    package func payload(
        content: [Trit], index: UInt64, siblings: [[Trit]]
    ) throws(WriteError) -> Trytes {
        guard SecurityLevel.range.contains(securityLevel) else {
            throw .securityLevel(securityLevel)
        }
        guard
            let indexTrits = PascalInteger.trits(index),
            let lengthTrits = PascalInteger.trits(UInt64(content.count)),
            let siblingCount = PascalInteger.trits(UInt64(siblings.count))
        else { throw .contentTooLong(tritCount: content.count) }
        let header = indexTrits + lengthTrits
        var sponge = MaskingSponge(root: root, sideKey: sideKey, header: header)
        var payload = header
        payload += sponge.mask(nextRoot.revealTrits()[...])
        payload += sponge.mask(content[...])
        guard let nonce = NonceSearch.nonce(for: sponge, securityLevel: securityLevel) else {
            throw .nonceNotFound
        }
        payload += sponge.mask(nonce[...])
        let signer = LeafSigner(
            seed: seed, leaf: firstLeaf &+ index, securityLevel: securityLevel)
        let evidence =
            signer.signature(of: sponge.rate) + siblingCount + siblings.flatMap { $0 }
        payload += sponge.mask(evidence[...])
        return Trytes(trits: payload)
    }
}
