import Ternary
import TestSupport
import Testing

@Suite struct CurlPSearchTests {
    private struct NoSearch: Error {}

    private static let paths = CurlPLanes.Path.allCases.filter(\.isAvailable)

    private func start(_ random: inout SeededGenerator) -> (sponge: CurlP, block: [Trit]) {
        var sponge = CurlP(rounds: .transaction)
        sponge.absorb(random.trytes(162).trits)
        return (sponge, random.trytes(81).trits)
    }

    private func search(
        _ sponge: CurlP, _ block: [Trit], zeros: Int, _ path: CurlPLanes.Path
    ) throws -> CurlPSearch {
        guard let search = CurlPSearch(sponge, block: block, count: 81, zeros: zeros, path: path)
        else { throw NoSearch() }
        return search
    }

    @Test(arguments: paths, [CurlP.Rounds.transaction, .mam])
    func whatIsFoundDoesTheWorkAndNothingBeforeItDoes(
        path: CurlPLanes.Path, rounds: CurlP.Rounds
    ) throws {
        var random = SeededGenerator.announced()
        for zeros in 1...8 {
            var sponge = CurlP(rounds: rounds)
            sponge.absorb(random.trytes(162).trits)
            let block = random.trytes(81).trits
            var lanes = try search(sponge, block, zeros: zeros, path)
            var found: [Trit]?
            while found == nil { found = lanes.run(times: 4) }
            let nonce = try #require(found)
            var whole = sponge
            whole.absorb(block.dropLast(81) + nonce)
            #expect(whole.rate.suffix(zeros).allSatisfy { $0 == 0 })
        }
    }

    /// What lanes find in one go is what one sponge after the other finds in the same inputs.
    @Test(arguments: paths) func noInputThatWouldDoIsMissed(path: CurlPLanes.Path) throws {
        var random = SeededGenerator.announced()
        let zeros = 6
        var hits = 0
        for _ in 0..<40 {
            let (sponge, block) = start(&random)
            var tried = try search(sponge, block, zeros: 0, path)
            // Without zeros the first lane will do: the counter of each batch.
            let found = tried.run(times: 1)
            let first = try #require(found)
            let does = (0..<path.width).contains { lane in
                var nonce = first
                var number = lane
                for place in 0..<6 {
                    nonce[place] = Trit(number % 3) - 1
                    number /= 3
                }
                var whole = sponge
                whole.absorb(block.dropLast(81) + nonce)
                return whole.rate.suffix(zeros).allSatisfy { $0 == 0 }
            }
            var lanes = try search(sponge, block, zeros: zeros, path)
            let isFound = lanes.run(times: 1) != nil
            #expect(isFound == does)
            hits += does ? 1 : 0
        }
        #expect((1..<40).contains(hits))
    }

    @Test func numbersOutOfTheirBoundsAreRefused() {
        var random = SeededGenerator.announced()
        let (sponge, block) = start(&random)
        func isMade(_ block: [Trit], count: Int = 81, zeros: Int = 9, part: Int = 0) -> Bool {
            let search = CurlPSearch(sponge, block: block, count: count, zeros: zeros, part: part)
            switch consume search {
            case .some: return true
            case .none: return false
            }
        }
        #expect(isMade(block))
        #expect(isMade(block, count: 243, zeros: 243, part: CurlPSearch.partCount - 1))
        #expect(!isMade(Array(block.dropLast())))
        for count in [-1, 0, CurlPSearch.fewestTrits - 1, 244, .max] {
            #expect(!isMade(block, count: count))
        }
        for zeros in [-1, 244, .max] { #expect(!isMade(block, zeros: zeros)) }
        for part in [-1, CurlPSearch.partCount, .max] { #expect(!isMade(block, part: part)) }
    }
}
