import Ternary
import TestSupport
import Testing

@Suite struct KerlTests {
    struct Vector: Decodable {
        let input: Trytes
        let kerl: Hash
    }

    @Test func givesTheHashesOfTwoOtherImplementations() throws {
        let vectors = try Fixture.json("kerl.json", as: [Vector].self)
        #expect(!vectors.isEmpty)
        for vector in vectors {
            #expect(try Hash(trits: Kerl.hash(vector.input.trits)) == vector.kerl)
        }
    }

    @Test func takesNoNoticeOfTheLastTritOfABlock() {
        var source = TritSource(seed: 1)
        var trits = source.trits(486)
        trits[242] = 1
        trits[485] = -1
        let hash = Kerl.hash(trits)
        trits[242] = 0
        trits[485] = 0
        #expect(Kerl.hash(trits) == hash)
        trits[241] = trits[241] == 0 ? 1 : 0
        #expect(Kerl.hash(trits) != hash)
        #expect(hash.count == 243)
        #expect(hash.last == 0)
    }

    @Test func hashesTheExtremesOfABlock() {
        let blocks: [[Trit]] = [-1, 0, 1].map { [Trit](repeating: $0, count: 243) }
        let hashes = Set(blocks.map { Kerl.hash($0) })
        #expect(hashes.count == 3)
        #expect(hashes.allSatisfy { $0.count == 243 && $0.last == 0 })
    }

    @Test func fillsAShortBlockWithZeros() {
        #expect(
            Kerl.hash([1, 1] as [Trit]) == Kerl.hash([1, 1] + [Trit](repeating: 0, count: 241)))
        #expect(Kerl.hash([Trit]()).count == 243)
    }
}
