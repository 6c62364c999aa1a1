/// Counts connections, in all and by address, and says what becomes of a new one.
package struct Admission: Sendable {
    package enum Decision: Sendable, Hashable {
        case serve
        /// Let in only to be told that there are too many (503).
        case turnAway
        /// Closed without a word: even those to turn away are too many.
        case refuse
    }

    /// Connections beyond the limit that are told so: each costs as much as any other, so few.
    package static let turnedAwayAtOnce = 32

    package let connections: Int
    package let connectionsPerAddress: Int
    package private(set) var served = 0
    package private(set) var turnedAway = 0
    private var byAddress: [AddressKey: Int] = [:]

    package init(connections: Int, connectionsPerAddress: Int) {
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
    }

    package func decision(for address: AddressKey) -> Decision {
        if served < connections, byAddress[address, default: 0] < connectionsPerAddress {
            return .serve
        }
        return turnedAway < Self.turnedAwayAtOnce ? .turnAway : .refuse
    }

    package mutating func entered(_ address: AddressKey, _ decision: Decision) {
        guard decision == .serve else {
            turnedAway += 1
            return
        }
        served += 1
        byAddress[address, default: 0] += 1
    }

    package mutating func left(_ address: AddressKey, _ decision: Decision) {
        guard decision == .serve else {
            turnedAway -= 1
            return
        }
        served -= 1
        let rest = byAddress[address, default: 0] - 1
        byAddress[address] = rest > 0 ? rest : nil
    }
}
