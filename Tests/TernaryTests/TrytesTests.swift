import Ternary
import Testing

@Suite struct TrytesTests {
    @Test func everyCharacterHasItsThreeTritsAndBack() throws {
        let alphabet = try Trytes("9ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        #expect(Set((0..<27).map { alphabet[$0..<($0 + 1)].trits }).count == 27)
        #expect(Trytes(trits: alphabet.trits) == alphabet)
        #expect(try Trytes("A9").trits == [1, 0, 0, 0, 0, 0])
        #expect(try Trytes("MN").trits == [1, 1, 1, -1, -1, -1])
    }

    @Test func namesTheFirstCharacterOutsideTheAlphabet() {
        #expect(throws: TernaryError.notATryte(offset: 2)) { try Trytes("AB8a") }
        #expect(throws: TernaryError.notATryte(offset: 0)) { try Trytes("ä") }
    }

    @Test func fillsUpToAWholeTryte() throws {
        #expect(Trytes(trits: [1]) == (try Trytes("A")))
        #expect(Trytes(trits: [0, 1, 0, 1, 1]) == (try Trytes("CD")))
        #expect(Trytes(trits: [Trit]()).isEmpty)
        #expect(Trytes(trits: [1, 0, 0, 1].lazy.map { Trit($0) }) == (try Trytes("AA")))
    }

    @Test func clampsRangesAndPads() throws {
        let trytes = try Trytes("ABC")
        #expect(trytes[1..<9].description == "BC")
        #expect(trytes[5..<9].isEmpty)
        #expect(trytes.padded(to: 5).description == "ABC99")
        #expect(trytes.padded(to: 2) == trytes)
    }

    @Test func hashesRefuseOtherLengths() {
        #expect(throws: TernaryError.wrongLength(expected: 81, actual: 80)) {
            try Hash(String(repeating: "A", count: 80))
        }
        #expect(throws: TernaryError.wrongLength(expected: 243, actual: 244)) {
            try Hash(trits: [Trit](repeating: 0, count: 244))
        }
        #expect(throws: TernaryError.wrongLength(expected: 49, actual: 50)) {
            try Hash(packed: [UInt8](repeating: 0, count: 50))
        }
    }

    @Test func wipesMemory() {
        var secret: [UInt8] = [1, 2, 3]
        secret.withUnsafeMutableBytes { wipe($0) }
        #expect(secret == [0, 0, 0])
        wipe(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
}
