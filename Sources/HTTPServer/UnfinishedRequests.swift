/// Served connections of whose request something is missing, the oldest first, and how many of
/// them each address has.
package struct UnfinishedRequests<Member: Hashable & Sendable>: Sendable {
    /// Fewer are no share, however many addresses there are: a browser opens several connections,
    /// and readers behind one address come at the same moment.
    package static var leastShare: Int { 4 }

    private var line = WaitingLine<Member>()
    private var byAddress: [AddressKey: Int] = [:]

    package init() {}

    package var count: Int { line.count }

    /// For who is not there.
    package mutating func enter(_ member: Member, of address: AddressKey) {
        line.enter(member)
        byAddress[address, default: 0] += 1
    }

    package mutating func leave(_ member: Member, of address: AddressKey) {
        guard line.leave(member) else { return }
        let rest = byAddress[address, default: 0] - 1
        byAddress[address] = rest > 0 ? rest : nil
    }

    package func first(where holds: (Member) -> Bool = { _ in true }) -> Member? {
        line.first(where: holds)
    }

    /// Whether an address leaves as much unfinished as half of what each that leaves some would
    /// have, were the places divided among them. Half: where one has lost a place to a reader, it
    /// does not take one from the next, which would take one from another again.
    package func hasShare(_ address: AddressKey, of places: Int) -> Bool {
        guard let own = byAddress[address] else { return false }
        return own >= max(Self.leastShare, places / byAddress.count / 2)
    }
}
