import Ternary

/// The hash chains that one-time signatures are made of (mam-v0, *The signature*).
enum HashChain {
    /// From a fragment of the key to the public fragment.
    static let length = 26

    /// Every 243-trit fragment hashed as often as `counts` says, one count a fragment.
    static func advance(_ fragments: [Trit], by counts: [Int]) -> [Trit] {
        var output = fragments
        output.withUnsafeMutableBufferPointer { buffer in
            for (index, count) in counts.enumerated() {
                let fragment = index * Hash.tritCount..<(index + 1) * Hash.tritCount
                guard fragment.upperBound <= buffer.count else { return }
                CurlP.chain(
                    UnsafeMutableBufferPointer(rebasing: buffer[fragment]), times: count,
                    rounds: .mam)
            }
        }
        return output
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
