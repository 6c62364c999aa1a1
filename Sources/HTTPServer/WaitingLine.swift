/// Who waits, in the order in which they began to.
package struct WaitingLine<Member: Hashable & Sendable>: Sendable {
    /// The place of each in `line`, counted from the first there ever was.
    private var places: [Member: Int] = [:]
    /// Those who wait, and who have left since: their place is another, or none.
    private var line: [Member] = []
    private var leftBefore = 0

    /// Places of those who left that are kept at least, so that closing up is rare.
    private static var slack: Int { 64 }

    package init() {}

    package var count: Int { places.count }

    /// Takes the last place, also for who had one.
    package mutating func enter(_ member: Member) {
        places[member] = leftBefore + line.count
        line.append(member)
        guard line.count > 2 * places.count + Self.slack else { return }
        closeUp()
    }

    /// Whether they waited.
    @discardableResult
    package mutating func leave(_ member: Member) -> Bool {
        places.removeValue(forKey: member) != nil
    }

    /// The first in the line of whom something holds.
    package func first(where holds: (Member) -> Bool = { _ in true }) -> Member? {
        for (offset, member) in line.enumerated()
        where places[member] == leftBefore + offset && holds(member) {
            return member
        }
        return nil
    }

    private mutating func closeUp() {
        var kept: [Member] = []
        kept.reserveCapacity(places.count)
        for (offset, member) in line.enumerated() where places[member] == leftBefore + offset {
            kept.append(member)
        }
        leftBefore += line.count
        line = kept
        for (offset, member) in line.enumerated() { places[member] = leftBefore + offset }
    }
}
