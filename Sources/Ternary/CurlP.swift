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

    private var state = [Trit](repeating: 0, count: stateCount)
    private let rounds: Rounds

    package init(rounds: Rounds) { self.rounds = rounds }

    /// Overwrites the state block by block with up to 243 trits, permuting after each;
    /// a short last block leaves the rest of the state as it was. No trits, no permutation.
    package mutating func absorb(_ trits: some RandomAccessCollection<Trit>) {
        var rest = trits[...]
        while !rest.isEmpty {
            for (offset, trit) in rest.prefix(Self.rateCount).enumerated() {
                state[offset] = trit
            }
            permute()
            rest = rest.dropFirst(Self.rateCount)
        }
    }

    /// The first 243 trits of the state, without a permutation.
    package var rate: [Trit] { Array(state[0..<Self.rateCount]) }

    /// `count` trits, with a permutation between blocks of 243 and none after the last.
    package mutating func squeeze(_ count: Int) -> [Trit] {
        var output: [Trit] = []
        while output.count < count {
            if !output.isEmpty { permute() }
            output += state.prefix(min(Self.rateCount, count - output.count))
        }
        return output
    }

    /// One sponge over `trits`, its rate.
    package static func hash(_ trits: some RandomAccessCollection<Trit>, rounds: Rounds) -> [Trit] {
        var sponge = CurlP(rounds: rounds)
        sponge.absorb(trits)
        return sponge.rate
    }

    private mutating func permute() {
        for _ in 0..<rounds.rawValue {
            let old = state
            var place = 0
            for index in 0..<Self.stateCount {
                let next = place < 365 ? place + 364 : place - 365
                state[index] = Self.sBox[Int(old[place]) * 3 + Int(old[next]) + 4]
                place = next
            }
        }
    }

    private static let sBox: [Trit] = [1, 1, -1, 0, -1, 1, -1, 0, 0]
}
