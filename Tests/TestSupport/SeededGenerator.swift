import Foundation
import Ternary

/// Random numbers that come again with the same seed (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// From `PERMANODE_TEST_SEED`, or a new one; printed, so that a failure can be repeated.
    package static func announced(_ test: String = #function) -> SeededGenerator {
        let given = ProcessInfo.processInfo.environment["PERMANODE_TEST_SEED"].flatMap(UInt64.init)
        let seed = given ?? .random(in: .min ... .max)
        print("\(test): PERMANODE_TEST_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    package mutating func trytes(_ count: Int) -> Trytes {
        Trytes(
            validated: (0..<count).map { _ in
                TryteAlphabet.character(of: .random(in: 0..<27, using: &self))
            })
    }
}
