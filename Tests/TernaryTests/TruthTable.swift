import Ternary

/// The permutation as the specification writes it, one trit at a time: the oracle.
enum TruthTable {
    static func permute(_ state: inout [Trit], rounds: Int) {
        let sBox: [Trit] = [1, 1, -1, 0, -1, 1, -1, 0, 0]
        for _ in 0..<rounds {
            let old = state
            var place = 0
            for index in state.indices {
                let next = place < 365 ? place + 364 : place - 365
                state[index] = sBox[Int(old[place]) * 3 + Int(old[next]) + 4]
                place = next
            }
        }
    }

    /// A sponge that absorbs `parts` one after the other and squeezes `count` trits.
    static func squeeze(_ count: Int, absorbing parts: [[Trit]], rounds: Int) -> [Trit] {
        var state = [Trit](repeating: 0, count: 729)
        for part in parts {
            for start in stride(from: 0, to: part.count, by: 243) {
                let block = part[start..<min(start + 243, part.count)]
                state.replaceSubrange(0..<block.count, with: block)
                permute(&state, rounds: rounds)
            }
        }
        var output: [Trit] = []
        while output.count < count {
            if !output.isEmpty { permute(&state, rounds: rounds) }
            output += state.prefix(min(243, count - output.count))
        }
        return output
    }
}

/// Repeatable random trits.
struct TritSource {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 2 &+ 1 }

    mutating func number(below bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }

    mutating func trits(_ count: Int) -> [Trit] {
        (0..<count).map { _ in Trit(number(below: 3) - 1) }
    }
}
