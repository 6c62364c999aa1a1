import Ternary

/// Curl-P as it is defined, trit by trit (mam-v0, *Curl-P*): what the product's own permutation
/// is held against.
struct TruthTableCurl {
    private static let table: [Trit] = [1, 1, -1, 0, -1, 1, -1, 0, 0]

    private let rounds: Int
    private var state = [Trit](repeating: 0, count: CurlP.stateCount)
    private var scratch = [Trit](repeating: 0, count: CurlP.stateCount)

    init(rounds: CurlP.Rounds) { self.rounds = rounds.rawValue }

    var rate: [Trit] { Array(state[..<CurlP.rateCount]) }

    mutating func absorb(_ trits: [Trit]) {
        var rest = trits[...]
        while !rest.isEmpty {
            let block = rest.prefix(CurlP.rateCount)
            state.replaceSubrange(..<block.count, with: block)
            permute()
            rest = rest.dropFirst(CurlP.rateCount)
        }
    }

    private mutating func permute() {
        for _ in 0..<rounds {
            swap(&state, &scratch)
            var from = 0
            for index in 0..<CurlP.stateCount {
                let next = from < 365 ? from + 364 : from - 365
                state[index] = Self.table[Int(scratch[from]) * 3 + Int(scratch[next]) + 4]
                from = next
            }
        }
    }
}
