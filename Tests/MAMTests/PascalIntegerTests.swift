import MAM
import Ternary
import TestSupport
import Testing

@Suite struct PascalIntegerTests {
    /// Bounds at which a tryte more is needed, and what lies around them.
    private static var bounds: [UInt64] {
        var values: [UInt64] = Array(0...1000)
        var reach: UInt64 = 0
        for _ in 0..<PascalInteger.maximumTryteCount {
            reach = reach * 27 + 13
            values += [reach - 1, reach]
            if reach < PascalInteger.maximumValue { values.append(reach + 1) }
        }
        return values
    }

    @Test func whatIsWrittenIsReadAtEveryBound() throws {
        var generator = SeededGenerator.announced()
        let random = (0..<2000).map { _ in
            UInt64.random(in: 0...PascalInteger.maximumValue, using: &generator)
                >> UInt64.random(in: 0..<60, using: &generator)
        }
        for value in Self.bounds + random {
            let trits = try #require(PascalInteger.trits(value))
            #expect(trits.count <= PascalInteger.maximumTritCount)
            // What follows does not matter.
            for tail in [[], [1, 1, 1, 1], [-1, -1, -1, -1]] as [[Trit]] {
                let read = try PascalInteger.read((trits + tail)[...])
                #expect(read.value == value)
                #expect(read.tritCount == trits.count)
            }
            for count in 0..<trits.count {
                #expect(throws: PascalInteger.Fault.truncated) {
                    try PascalInteger.read(trits.prefix(count))
                }
            }
        }
    }

    @Test func knownEncodings() {
        #expect(PascalInteger.trits(0) == [1, 0, 0, -1])
        #expect(PascalInteger.trits(1) == [1, 0, 0, 0])
        #expect(PascalInteger.trits(13) == [1, 1, 1, 0])
        // 14 = 27 - 13.
        #expect(PascalInteger.trits(14) == [-1, -1, -1, 1, 0, 0, 0, 0])
        // 28 = 27 + 1, the lower tryte negated.
        #expect(PascalInteger.trits(28) == [-1, 0, 0, 1, 0, 0, 1, 0])
    }

    @Test func signWordsAreAsLongAsTheNumberOfTrytesNeeds() throws {
        let expected = [1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 5, 7: 6, 8: 6, 9: 7, 10: 7, 11: 8, 12: 9]
            .merging([13: 9]) { $1 }
        var place: UInt64 = 1
        for tryteCount in 1...PascalInteger.maximumTryteCount {
            let trits = try #require(PascalInteger.trits(place))
            #expect(trits.count - 3 * tryteCount == expected[tryteCount])
            if tryteCount < PascalInteger.maximumTryteCount { place *= 27 }
        }
    }

    @Test func valuesBeyondThirteenTrytesAreNotWritten() {
        #expect(PascalInteger.trits(PascalInteger.maximumValue) != nil)
        #expect(PascalInteger.trits(PascalInteger.maximumValue + 1) == nil)
        #expect(PascalInteger.trits(.max) == nil)
    }

    @Test(arguments: [
        ("no positive tryte", [Trit](repeating: 0, count: 300), PascalInteger.Fault.endless),
        ("negative trytes", [Trit](repeating: -1, count: 39), .endless),
        ("ends before a positive tryte", [Trit](repeating: -1, count: 38), .truncated),
        ("nothing", [], .truncated),
        ("no sign word", [1, 1, 1], .truncated),
        ("sign word below 0", [1, 1, 1, -1], .negativeSignWord),
        ("the last tryte negated", [1, 1, 1, 1], .negative),
        ("the last of two negated", [0, 0, 0, 1, 0, 0, -1, 1], .negative),
        ("a sign bit beyond two trytes", [0, 0, 0, 1, 0, 0, 1, 1], .excessSignBits),
    ])
    func hostileTritsAreNoInteger(what: String, trits: [Trit], fault: PascalInteger.Fault) {
        #expect(throws: fault, "\(what)") { try PascalInteger.read(trits[...]) }
    }

    @Test func anyTritsGiveAValueOrAFault() {
        var generator = SeededGenerator.announced()
        var values = 0
        for _ in 0..<20_000 {
            // Mostly not positive, so that long integers come up.
            let low: Trit = Bool.random(using: &generator) ? -1 : 0
            let trits = (0..<Int.random(in: 0..<60, using: &generator)).map { _ in
                Int.random(in: 0..<8, using: &generator) == 0
                    ? Trit.random(in: -1...1, using: &generator) : low
            }
            guard let read = try? PascalInteger.read(trits[...]) else { continue }
            values += 1
            #expect(read.value <= PascalInteger.maximumValue)
            #expect(read.tritCount <= trits.count)
        }
        #expect(values > 0)
    }
}
