import Ternary

/// Curl-P alone: one permutation with the block that it takes in.
enum CurlFigures {
    static func measure() throws -> [Figure] {
        try [CurlP.Rounds.mam, .transaction].map { rounds in
            let block = (0..<CurlP.rateCount).map { (index: Int) -> Trit in
                Trit(index * index % 3 - 1)
            }
            var curl = CurlP(rounds: rounds)
            var plain = TruthTableCurl(rounds: rounds)
            curl.absorb(block)
            plain.absorb(block)
            guard curl.rate == plain.rate else {
                throw BenchError("Curl-P-\(rounds.rawValue) differs from its truth table")
            }
            let seconds = Timing.seconds { curl.absorb(block) }
            let plainSeconds = Timing.seconds { plain.absorb(block) }
            return Figure(
                "Curl-P-\(rounds.rawValue), one state", seconds * 1e9, "ns a block",
                comparedWith: ("truth table", plainSeconds * 1e9))
        }
    }
}
