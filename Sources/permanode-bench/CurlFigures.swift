import Ternary

/// Curl-P alone: one permutation with the block that it takes in.
enum CurlFigures {
    static func measure() throws -> [Figure] {
        let block = (0..<CurlP.rateCount).map { (index: Int) -> Trit in
            Trit(index * index % 3 - 1)
        }
        return try [CurlP.Rounds.mam, .transaction].flatMap { rounds in
            let plain = try plainSeconds(block, rounds)
            return [
                Figure(
                    "Curl-P-\(rounds.rawValue), one state",
                    try oneSeconds(block, rounds) * 1e9, "ns a block",
                    comparedWith: ("truth table", plain * 1e9)),
                Figure(
                    "Curl-P-\(rounds.rawValue), \(CurlPLanes.Path.best.width) lanes",
                    try lanesSeconds(rounds) * 1e9, "ns a block",
                    comparedWith: ("truth table", plain * 1e9)),
            ]
        }
    }

    private static func plainSeconds(_ block: [Trit], _ rounds: CurlP.Rounds) throws -> Double {
        var curl = CurlP(rounds: rounds)
        var plain = TruthTableCurl(rounds: rounds)
        curl.absorb(block)
        plain.absorb(block)
        guard curl.rate == plain.rate else {
            throw BenchError("Curl-P-\(rounds.rawValue) differs from its truth table")
        }
        return Timing.seconds { plain.absorb(block) }
    }

    /// A step of a hash chain: a block in, a permutation, a block out.
    private static func oneSeconds(_ block: [Trit], _ rounds: CurlP.Rounds) throws -> Double {
        guard var sponges = CurlPSponges(width: 1, rounds: rounds) else {
            throw BenchError("there is no sponge")
        }
        let memory = UnsafeMutablePointer<TritBlock>.allocate(capacity: 1)
        defer { memory.deallocate() }
        memory.initialize(to: TritBlock(trytes: Trytes(trits: block)))
        let steps: UInt8 = 20
        return Timing.seconds { sponges.chain([memory], times: [steps]) } / Double(steps)
    }

    /// What a permutation more takes: ten blocks of zeros, less five.
    private static func lanesSeconds(_ rounds: CurlP.Rounds) throws -> Double {
        let width = CurlPLanes.Path.best.width
        guard var lanes = CurlPLanes(width: width) else { throw BenchError("there are no lanes") }
        let length = 10 * Hash.tryteCount
        let rows = [UInt8](repeating: TryteAlphabet.nine, count: width * length)
        func seconds(blocks: Int) -> Double {
            Timing.seconds {
                _ = lanes.hash(
                    rows, count: width, length: length, format: .trytes,
                    tritCount: blocks * CurlP.rateCount, rounds: rounds)
            }
        }
        return (seconds(blocks: 10) - seconds(blocks: 5)) / Double(5 * width)
    }
}
