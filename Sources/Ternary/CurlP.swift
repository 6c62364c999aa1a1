import CCurlP

/// The Curl-P sponge: a state of 729 trits, rate 243 (mam-v0, *Curl-P*).
package struct CurlP: Sendable {
    package static let stateCount = 729
    package static let rateCount = 243

    /// How often the permutation's round is applied.
    package enum Rounds: Int, Sendable {
        /// Inside MAM.
        case mam = 27
        /// Transaction hashes and MAM addresses.
        case transaction = 81
    }

    private var state = curlp_state()
    let rounds: Rounds

    package init(rounds: Rounds) {
        self.rounds = rounds
        curlp_reset(&state)
    }

    /// Overwrites the state block by block with up to 243 trits, permuting after each;
    /// a short last block leaves the rest of the state as it was. No trits, no permutation.
    package mutating func absorb(_ trits: some RandomAccessCollection<Trit>) {
        let absorbed: Void? = trits.withContiguousStorageIfAvailable { absorb($0) }
        if absorbed == nil { absorb(Array(trits)) }
    }

    private mutating func absorb(_ trits: UnsafeBufferPointer<Trit>) {
        guard let start = trits.baseAddress else { return }
        curlp_absorb(&state, UInt32(rounds.rawValue), start, trits.count)
    }

    /// The first 243 trits of the state, without a permutation.
    package var rate: [Trit] { prefix(Self.rateCount) }

    /// `count` trits, with a permutation between blocks of 243 and none after the last.
    package mutating func squeeze(_ count: Int) -> [Trit] {
        var output: [Trit] = []
        output.reserveCapacity(max(0, count))
        while output.count < count {
            if !output.isEmpty { curlp_permute(&state, UInt32(rounds.rawValue)) }
            output += prefix(min(Self.rateCount, count - output.count))
        }
        return output
    }

    /// One sponge over `trits`, its rate.
    package static func hash(_ trits: some RandomAccessCollection<Trit>, rounds: Rounds) -> [Trit] {
        var sponge = CurlP(rounds: rounds)
        sponge.absorb(trits)
        return sponge.rate
    }

    /// Overwrites the state with zeros, for a sponge that has absorbed a secret.
    package mutating func wipe() {
        curlp_reset(&state)
    }

    /// All 729 trits, the first overwritten with `trits`, at most as many, without a permutation.
    func state(with trits: [Trit]) -> [Trit] {
        var overwritten = self
        curlp_load(&overwritten.state, trits, min(trits.count, Self.stateCount))
        return overwritten.prefix(Self.stateCount)
    }

    private func prefix(_ count: Int) -> [Trit] {
        [Trit](unsafeUninitializedCapacity: count) { buffer, filled in
            guard let start = buffer.baseAddress else { return }
            withUnsafePointer(to: state) { curlp_read($0, start, count) }
            filled = count
        }
    }
}
