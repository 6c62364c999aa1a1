/// Lets few looks at a time fetch many transactions: with them in memory, the others wait for
/// their turn. A look that was let through goes on until it ends, so that none waits for another
/// that waits for it.
package struct FloodGate {
    private let atOnce: Int
    private let few: Int
    private var flooded: Set<Int> = []
    private var waiting: [Int] = []

    /// - Parameters:
    ///   - atOnce: looks with many transactions at the same time.
    ///   - few: transactions that any look may fetch.
    package init(atOnce: Int, few: Int) {
        self.atOnce = max(1, atOnce)
        self.few = few
    }

    /// Whether the turn may fetch now; where not, `next` gives it out later.
    ///
    /// - Parameter count: transactions that its look has asked for so far.
    package mutating func admits(_ turn: Int, count: Int) -> Bool {
        if count <= few || flooded.contains(turn) { return true }
        guard flooded.count < atOnce else {
            waiting.append(turn)
            return false
        }
        flooded.insert(turn)
        return true
    }

    /// The look has ended, or its turn.
    package mutating func leave(_ turn: Int) {
        if flooded.remove(turn) == nil, !waiting.isEmpty { waiting.removeAll { $0 == turn } }
    }

    /// A turn that waited and may fetch now.
    package mutating func next() -> Int? {
        guard flooded.count < atOnce, !waiting.isEmpty else { return nil }
        let turn = waiting.removeFirst()
        flooded.insert(turn)
        return turn
    }
}
