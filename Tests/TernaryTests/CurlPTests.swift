import Ternary
import TestSupport
import Testing

@Suite struct CurlPTests {
    struct Vector: Decodable {
        let input: Trytes
        let curlP27: Hash
        let curlP81: Hash
    }

    @Test func givesTheHashesOfTwoOtherImplementations() throws {
        let vectors = try Fixture.json("curl.json", as: [Vector].self)
        #expect(!vectors.isEmpty)
        for vector in vectors {
            let trits = vector.input.trits
            #expect(try Hash(trits: CurlP.hash(trits, rounds: .mam)) == vector.curlP27)
            #expect(try Hash(trits: CurlP.hash(trits, rounds: .transaction)) == vector.curlP81)
        }
    }

    @Test(arguments: [CurlP.Rounds.mam, .transaction])
    func agreesWithTheTruthTableWhateverIsAbsorbedAndSqueezed(rounds: CurlP.Rounds) {
        var source = TritSource(seed: 1)
        for _ in 0..<60 {
            let parts = (0..<(1 + source.number(below: 4))).map { _ in
                source.trits(source.number(below: 600))
            }
            let count = source.number(below: 1500)
            var sponge = CurlP(rounds: rounds)
            for part in parts { sponge.absorb(part) }
            let expected = TruthTable.squeeze(count, absorbing: parts, rounds: rounds.rawValue)
            #expect(sponge.squeeze(count) == expected)
        }
    }

    @Test func leavesTheRestOfTheStateAfterAShortBlockOfAnyLength() {
        var source = TritSource(seed: 2)
        for count in 1...243 {
            let parts = [source.trits(243), source.trits(count), source.trits(1)]
            var sponge = CurlP(rounds: .mam)
            for part in parts { sponge.absorb(part) }
            let expected = TruthTable.squeeze(729, absorbing: parts, rounds: 27)
            #expect(sponge.squeeze(729) == expected, "short block of \(count)")
        }
    }

    @Test func absorbsSlicesAndCollectionsWithoutContiguousStorage() {
        var source = TritSource(seed: 3)
        let trits = source.trits(1000)
        let expected = CurlP.hash(trits, rounds: .mam)
        #expect(CurlP.hash(([0, 1] + trits).dropFirst(2), rounds: .mam) == expected)
        #expect(CurlP.hash(trits.lazy.map { $0 }, rounds: .mam) == expected)
    }

    @Test func absorbingNothingChangesNothing() {
        var sponge = CurlP(rounds: .mam)
        sponge.absorb([Trit]())
        #expect(sponge.rate == [Trit](repeating: 0, count: 243))
        #expect(sponge.squeeze(0).isEmpty)
    }

    @Test func readingTheRateDoesNotPermute() {
        var source = TritSource(seed: 4)
        var sponge = CurlP(rounds: .transaction)
        sponge.absorb(source.trits(500))
        #expect(sponge.rate == sponge.rate)
        #expect(sponge.rate == sponge.squeeze(243))
    }

    @Test func wipingLeavesAFreshSponge() {
        var source = TritSource(seed: 6)
        let trits = source.trits(300)
        var sponge = CurlP(rounds: .mam)
        sponge.absorb(source.trits(700))
        sponge.wipe()
        sponge.absorb(trits)
        #expect(sponge.rate == CurlP.hash(trits, rounds: .mam))
    }
}
