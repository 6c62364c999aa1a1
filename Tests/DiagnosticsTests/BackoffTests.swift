import Diagnostics
import Testing

/// Gives the same bits every time.
private struct Constant: RandomNumberGenerator {
    var bits: UInt64
    mutating func next() -> UInt64 { bits }
}

/// A small generator with a seed (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite struct BackoffTests {
    @Test func withoutJitterItDoublesUpToTheMaximum() {
        var backoff = Backoff(first: .seconds(1), maximum: .seconds(10), jitter: 0)
        var generator = Constant(bits: .max)
        let waits = (0..<6).map { _ in backoff.next(using: &generator) }
        #expect(waits == [1, 2, 4, 8, 10, 10].map { .seconds($0) })
        #expect(backoff.attempts == 6)
    }

    @Test(arguments: [1 as UInt64, 2, 3])
    func jitterOnlyShortensAndSpreads(seed: UInt64) {
        var generator = Seeded(state: seed)
        var waits: Set<Duration> = []
        for _ in 0..<500 {
            var backoff = Backoff(first: .seconds(4), maximum: .seconds(60), jitter: 0.25)
            let wait = backoff.next(using: &generator)
            #expect(wait >= .seconds(3))
            #expect(wait <= .seconds(4))
            waits.insert(wait)
        }
        #expect(waits.count > 400)
    }

    @Test func theSameRandomNumbersGiveTheSameWaits() {
        func waits() -> [Duration] {
            var backoff = Backoff(first: .milliseconds(10), maximum: .seconds(1))
            var generator = Seeded(state: 7)
            return (0..<20).map { _ in backoff.next(using: &generator) }
        }
        #expect(waits() == waits())
    }

    @Test func resetStartsOver() {
        var backoff = Backoff(first: .seconds(1), maximum: .seconds(60), jitter: 0)
        let fresh = backoff
        _ = backoff.next()
        _ = backoff.next()
        #expect(backoff != fresh)
        backoff.reset()
        #expect(backoff == fresh)
        #expect(backoff.next() == .seconds(1))
    }

    @Test func theLongestDurationsDoNotOverflow() {
        var backoff = Backoff(
            first: .seconds(1), maximum: .seconds(Int64.max), factor: 1e300, jitter: 0.5)
        var last = Duration.zero
        for _ in 0..<100 { last = backoff.next() }
        #expect(last > .seconds(Int64.max / 4))
        #expect(last <= .seconds(Int64.max))
    }

    @Test func valuesOutOfRangeAreMovedIntoIt() {
        var backoff = Backoff(
            first: .seconds(-1), maximum: .seconds(-5), factor: .nan, jitter: .infinity)
        #expect(backoff.next() == .milliseconds(1))
        #expect(backoff.next() == .milliseconds(1))
        var all = Backoff(first: .seconds(1), maximum: .seconds(1), factor: -3, jitter: 7)
        var generator = Constant(bits: .max)
        #expect(all.next(using: &generator) >= .milliseconds(1))
    }
}
