import Ternary

/// The hash chains that one-time signatures are made of (mam-v0, *The signature*).
enum HashChain {
    /// From a fragment of the key to the public fragment.
    static let length = 26

    /// Every 243-trit fragment hashed as often as `counts` says, one count a fragment.
    static func advance(_ fragments: [Trit], by counts: [Int]) -> [Trit] {
        let inLanes = counts.count >= MessageReader.fewestChainsForLanes
        guard var sponges = CurlPSponges.make(.best, inLanes: inLanes) else {
            return advanceOneByOne(fragments, by: counts)
        }
        let trytes = Trytes(trits: fragments)
        let blocks = UnsafeMutableBufferPointer<TritBlock>.allocate(capacity: counts.count)
        defer {
            wipe(UnsafeMutableRawBufferPointer(blocks))
            blocks.deallocate()
        }
        for index in counts.indices {
            let start = index * TritBlock.tryteCount
            blocks.initializeElement(
                at: index, to: TritBlock(trytes: trytes[start..<(start + TritBlock.tryteCount)]))
        }
        guard let first = blocks.baseAddress else { return [] }
        sponges.chain(
            counts.indices.map { first + $0 }, times: counts.map { UInt8(clamping: $0) })
        return blocks.flatMap { $0.trits() }
    }

    private static func advanceOneByOne(_ fragments: [Trit], by counts: [Int]) -> [Trit] {
        counts.enumerated().flatMap { index, count in
            let start = index * Hash.tritCount
            return (0..<count).reduce(Array(fragments[start..<(start + Hash.tritCount)])) {
                trits, _ in
                CurlP.hash(trits, rounds: .mam)
            }
        }
    }

    /// The values -13...13 of the trytes of `messageHash` that a signature of `level` signs.
    static func signedValues(_ messageHash: [Trit], level: Int) -> [Int] {
        Trytes(trits: messageHash).ascii.prefix(level * SecurityLevel.fragmentCount)
            .map { TryteAlphabet.value(of: $0) ?? 0 }
    }

    /// The address of the leaf whose public fragments these are: the digest hashed once more.
    static func leafAddress(publicFragments: [Trit]) -> [Trit] {
        CurlP.hash(CurlP.hash(publicFragments, rounds: .mam), rounds: .mam)
    }
}
