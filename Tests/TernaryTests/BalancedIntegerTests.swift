import Ternary
import Testing

@Suite struct BalancedIntegerTests {
    @Test func readsWhatItWrites() throws {
        let numbers: [Int64] = [
            0, 1, -1, 2, -2, 13, 14, -14, 3_812_798_742_493, -3_812_798_742_493,
            2_779_530_283_277_761, .max, .min, .max - 1, .min + 1,
        ]
        for number in numbers {
            let trits = try #require(BalancedInteger.trits(number, count: 81))
            #expect(try BalancedInteger.value(trits) == number)
        }
    }

    @Test func theLargestOf27TritsIsAllOnes() throws {
        let ones = [Trit](repeating: 1, count: 27)
        #expect(try BalancedInteger.value(ones) == 3_812_798_742_493)
        #expect(BalancedInteger.trits(3_812_798_742_493, count: 27) == ones)
        #expect(BalancedInteger.trits(3_812_798_742_494, count: 27) == nil)
        #expect(BalancedInteger.trits(-3_812_798_742_494, count: 27) == nil)
    }

    @Test func leastSignificantTritComesFirst() throws {
        #expect(BalancedInteger.trits(5, count: 4) == [-1, -1, 1, 0])
        #expect(try BalancedInteger.value([-1, -1, 1, 0] as [Trit]) == 5)
        #expect(BalancedInteger.trytes(27, count: 2)?.description == "9A")
        #expect(try BalancedInteger.value(Trytes("9A")) == 27)
    }

    @Test func reportsOverflowInsteadOfTrapping() {
        for trit: Trit in [-1, 1] {
            #expect(throws: TernaryError.integerOverflow) {
                try BalancedInteger.value([Trit](repeating: trit, count: 81))
            }
            #expect(throws: TernaryError.integerOverflow) {
                try BalancedInteger.value([Trit](repeating: trit, count: 41))
            }
            #expect(throws: Never.self) {
                try BalancedInteger.value([Trit](repeating: trit, count: 40))
            }
        }
    }

    @Test func refusesCountsThatCannotBe() {
        #expect(BalancedInteger.trits(0, count: -1) == nil)
        #expect(BalancedInteger.trits(0, count: 0) == [])
        #expect(BalancedInteger.trits(1, count: 0) == nil)
        #expect(BalancedInteger.trytes(1, count: .max) == nil)
    }
}
