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
}
