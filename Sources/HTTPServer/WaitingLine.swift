/// Who waits, in the order in which they began to.
package struct WaitingLine<Member: Hashable & Sendable>: Sendable {
    /// The place of each in `line`, counted from the first there ever was.
    private var places: [Member: Int] = [:]
    /// Those who wait, and between them those who have left since: their place is another, or none.
    private var line: [Member] = []
    private var leftBefore = 0
    /// The first in `line` who still waits; its end where nobody does.
    private var head = 0

    /// Places of those who left that are kept at least, so that closing up is rare.
    private static var slack: Int { 64 }

    package init() {}

    package var count: Int { places.count }

    /// Takes the last place, also for who had one.
    package mutating func enter(_ member: Member) {
        places[member] = leftBefore + line.count
        line.append(member)
        advance()
        guard line.count > 2 * places.count + Self.slack else { return }
        closeUp()
    }

    /// Whether they waited.
    @discardableResult
    package mutating func leave(_ member: Member) -> Bool {
        guard places.removeValue(forKey: member) != nil else { return false }
        advance()
        return true
    }

    /// The first in the line of whom something holds.
    package func first(where holds: (Member) -> Bool = { _ in true }) -> Member? {
        for place in head..<line.count where isThere(place) && holds(line[place]) {
            return line[place]
        }
        return nil
    }

    private func isThere(_ place: Int) -> Bool { places[line[place]] == leftBefore + place }

    private mutating func advance() {
        while head < line.count, !isThere(head) { head += 1 }
    }

    private mutating func closeUp() {
        let kept = (head..<line.count).filter(isThere).map { line[$0] }
        leftBefore += line.count
        line = kept
        head = 0
        for (place, member) in line.enumerated() { places[member] = leftBefore + place }
    }
}
