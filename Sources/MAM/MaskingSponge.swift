import Ternary

/// The sponge that hides and binds the parts of a payload (mam-v0, *The payload*).
struct MaskingSponge {
    private var sponge = CurlP(rounds: .mam)

    /// - Parameters:
    ///   - sideKey: nil stands for 81 times `9`.
    ///   - header: the trits of index and length, as they stand.
    init(root: Root, sideKey: SideKey?, header: some RandomAccessCollection<Trit>) {
        sponge.absorb((sideKey?.revealTrytes() ?? Hash.null.trytes).trits)
        sponge.absorb(root.revealTrits())
        sponge.absorb(header)
    }

    /// After the nonce: the message hash, 243 trits.
    var rate: [Trit] { sponge.rate }

    /// Plain trits from masked ones; each call starts a new block.
    mutating func unmask(_ cipher: ArraySlice<Trit>) -> [Trit] {
        var plain: [Trit] = []
        plain.reserveCapacity(cipher.count)
        var rest = cipher
        while !rest.isEmpty {
            let block = zip(rest.prefix(CurlP.rateCount), sponge.rate).map {
                Self.wrapped($0 - $1)
            }
            sponge.absorb(block)
            plain += block
            rest = rest.dropFirst(CurlP.rateCount)
        }
        return plain
    }

    /// Masked trits from plain ones; each call starts a new block.
    mutating func mask(_ plain: ArraySlice<Trit>) -> [Trit] {
        var cipher: [Trit] = []
        cipher.reserveCapacity(plain.count)
        var rest = plain
        while !rest.isEmpty {
            let block = rest.prefix(CurlP.rateCount)
            cipher += zip(block, sponge.rate).map { Self.wrapped($0 + $1) }
            sponge.absorb(block)
            rest = rest.dropFirst(CurlP.rateCount)
        }
        return cipher
    }

    /// Modulo 3, from -2...2 to -1...1.
    private static func wrapped(_ sum: Trit) -> Trit {
        sum > 1 ? sum - 3 : sum < -1 ? sum + 3 : sum
    }
}
