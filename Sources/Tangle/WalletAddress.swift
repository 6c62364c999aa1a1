import Ternary

/// Addresses as wallets make them of a seed.
package enum WalletAddress {
    /// 27 blocks a fragment of a key; a security level of 2 has two.
    private static let blocksPerFragment = 27
    private static let fragmentCount = 2
    /// From a block of the private key to one of the public key.
    private static let chainLength = 26

    /// The seed's first address (index 0), at security level 2, without checksum: what wallets
    /// show first.
    ///
    /// Copies of the key that are made on the way are not wiped.
    package static func first(ofSeed seed: Hash) -> Hash {
        let subseed = Kerl.squeeze(seed.trytes.ascii, blocks: 1)
        let key = Kerl.squeeze(subseed, blocks: fragmentCount * blocksPerFragment)
        var digests: [UInt8] = []
        for fragment in 0..<fragmentCount {
            var ends: [UInt8] = []
            for number in 0..<blocksPerFragment {
                let start = (fragment * blocksPerFragment + number) * Kerl.blockTryteCount
                var block = Array(key[start..<(start + Kerl.blockTryteCount)])
                for _ in 0..<chainLength { block = Kerl.squeeze(block, blocks: 1) }
                ends += block
            }
            digests += Kerl.squeeze(ends, blocks: 1)
        }
        return Hash(
            of: Trytes(validated: Kerl.squeeze(digests, blocks: 1)), at: 0)
    }
}
