/// Counts connections, in all and by address, and says what becomes of a new one.
struct Admission: Sendable {
    enum Decision: Sendable, Hashable {
        case serve
        /// Let in only to be told that there are too many (503).
        case turnAway
        /// Closed without a word: even those to turn away are too many.
        case refuse
    }

    /// Connections beyond the limit that are told so: each costs as much as any other, so few.
    static let turnedAwayAtOnce = 32

    let connections: Int
    let connectionsPerAddress: Int
    private(set) var served = 0
    private(set) var turnedAway = 0
    private var byAddress: [AddressKey: Int] = [:]

    init(connections: Int, connectionsPerAddress: Int) {
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
    }

    func decision(for address: AddressKey) -> Decision {
        if served < connections, byAddress[address, default: 0] < connectionsPerAddress {
            return .serve
        }
        return turnedAway < Self.turnedAwayAtOnce ? .turnAway : .refuse
    }

    mutating func entered(_ address: AddressKey, _ decision: Decision) {
        guard decision == .serve else {
            turnedAway += 1
            return
        }
        served += 1
        byAddress[address, default: 0] += 1
    }

    mutating func left(_ address: AddressKey, _ decision: Decision) {
        guard decision == .serve else {
            turnedAway -= 1
            return
        }
        served -= 1
        let rest = byAddress[address, default: 0] - 1
        byAddress[address] = rest > 0 ? rest : nil
    }
}
