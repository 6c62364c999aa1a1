import Ternary

/// The hash chains that one-time signatures are made of (mam-v0, *The signature*).
enum HashChain {
    /// From a fragment of the key to the public fragment.
    static let length = 26

    /// Every 243-trit fragment hashed as often as `counts` says, and joined again.
    static func advance(_ fragments: [Trit], by counts: [Int]) -> [Trit] {
        var output: [Trit] = []
        output.reserveCapacity(fragments.count)
        for (index, count) in counts.enumerated() {
            var fragment = Array(fragments.dropFirst(index * Hash.tritCount).prefix(Hash.tritCount))
            for _ in 0..<max(0, count) { fragment = CurlP.hash(fragment, rounds: .mam) }
            output += fragment
        }
        return output
    }

    /// The values -13...13 of the trytes of `messageHash` that a signature of `level` signs.
    static func signedValues(_ messageHash: [Trit], level: Int) -> [Int] {
        (0..<level * SecurityLevel.fragmentCount).map { index in
            messageHash.dropFirst(index * 3).prefix(3).reversed().reduce(0) { $0 * 3 + Int($1) }
        }
    }

    /// The address of the leaf whose public fragments these are: the digest hashed once more.
    static func leafAddress(publicFragments: [Trit]) -> [Trit] {
        CurlP.hash(CurlP.hash(publicFragments, rounds: .mam), rounds: .mam)
    }
}
