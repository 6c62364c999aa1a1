import Ternary
import TestSupport
import Testing

/// Trytes go to t5b1 and back as their trits do.
@Suite struct TrytePackingTests {
    @Test func runsOfEveryLengthArePackedLikeTheirTritsAndComeBack() throws {
        var random = SeededGenerator.announced()
        for count in Array(0...120) + [2187, 2673] {
            let trytes = random.trytes(count)
            let packed = T5B1.pack(trytes)
            #expect(packed == T5B1.pack(trytes.trits))
            #expect(try T5B1.unpackTrytes(packed, tryteCount: count) == trytes)
        }
    }

    @Test func everyByteIsTakenOrRefusedAsByUnpack() throws {
        var refused = 0
        for byte in UInt8.min ... .max {
            for (count, tritCount) in [(1, 3), (2, 6), (3, 9), (4, 12), (5, 15)] {
                var bytes = [UInt8](repeating: 0, count: T5B1.byteCount(tritCount: tritCount))
                for place in bytes.indices {
                    bytes[place] = byte
                    let wanted: Result<Trytes, TernaryError> = Result {
                        () throws(TernaryError) in
                        Trytes(trits: try T5B1.unpack(bytes, tritCount: tritCount))
                    }
                    let found: Result<Trytes, TernaryError> = Result { () throws(TernaryError) in
                        try T5B1.unpackTrytes(bytes, tryteCount: count)
                    }
                    #expect(found == wanted)
                    var characters = [UInt8](repeating: 0, count: count + 1)
                    let isTaken = characters.withUnsafeMutableBufferPointer { characters in
                        bytes.withUnsafeBufferPointer {
                            T5B1.unpackTrytes(
                                $0,
                                into: UnsafeMutableBufferPointer(rebasing: characters.dropLast()))
                        }
                    }
                    #expect(isTaken == ((try? wanted.get()) != nil))
                    #expect(
                        characters
                            == ((try? wanted.get().ascii)
                                ?? Array(repeating: 0, count: count)) + [0])
                    if case .failure = wanted { refused += 1 }
                }
            }
        }
        #expect(refused > 100)
    }

    @Test(arguments: [-1, 4, 6, Int.max, Int.min])
    func aWrongNumberIsRefused(_ count: Int) {
        #expect(throws: TernaryError.self) {
            try T5B1.unpackTrytes([0, 0, 0, 0, 0], tryteCount: count)
        }
    }

    @Test func equalTrytesHashAlikeAndDifferentOnesDiffer() {
        var random = SeededGenerator.announced()
        for count in 0...40 {
            let one = random.trytes(count)
            let same = Trytes(validated: Array(one.ascii))
            #expect(one == same)
            #expect(one.hashValue == same.hashValue)
            #expect(one != one + Trytes(validated: Array("9".utf8)))
            for place in one.ascii.indices {
                var other = one.ascii
                other[place] =
                    other[place] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                #expect(one != Trytes(validated: other))
            }
        }
    }
}
