/// Counts connections, in all and by address, and says what becomes of a new one.
///
/// Whoever waits for a request to come makes room where all places are taken: so a crowd that
/// never finishes its requests keeps nobody out. An address that leaves its share of requests
/// unfinished does not displace others: a crowd that comes again at once when it is sent away
/// would cost a whole connection each time.
package struct Admission: Sendable {
    package enum Decision: Sendable, Hashable {
        case serve
        /// Served in the place of one that waits, which has to be cut.
        case displace
        /// Let in only to be told that there are too many (503).
        case turnAway
        /// Closed without a word, before it has cost more than to be accepted: those to turn away
        /// are too many, or its address has its share.
        case refuse
    }

    /// Connections beyond the limit that are told so: each costs as much as any other, so few.
    package static let turnedAwayAtOnce = 32

    /// Connections that were displaced and are not gone yet: each goes with the next look at the
    /// sockets.
    package static let leavingAtOnce = 64

    /// Connections that are served, displaced or turned away.
    package static func all(_ limits: HTTPLimits) -> Int {
        limits.connections + turnedAwayAtOnce + leavingAtOnce
    }

    package let connections: Int
    package let connectionsPerAddress: Int
    package private(set) var served = 0
    package private(set) var turnedAway = 0
    package private(set) var leaving = 0
    private var byAddress: [AddressKey: Int] = [:]

    package init(connections: Int, connectionsPerAddress: Int) {
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
    }

    /// - Parameters:
    ///   - hasShare: Whether the address leaves its share of requests unfinished.
    ///   - canDisplace: Whether one waits who may be displaced: of the same address, or of any.
    package func decision(
        for address: AddressKey, hasShare: Bool = false,
        canDisplace: (_ ofSameAddress: Bool) -> Bool
    ) -> Decision {
        let isAddressFull = isFull(address)
        if served < connections, !isAddressFull { return .serve }
        if hasShare, !isAddressFull, dividesPlaces { return .refuse }
        if leaving < Self.leavingAtOnce, canDisplace(isAddressFull) { return .displace }
        return turnedAway < Self.turnedAwayAtOnce ? .turnAway : .refuse
    }

    /// Whether addresses have shares: an address that may take all places is a proxy's, and its
    /// connections are those of many.
    private var dividesPlaces: Bool { connectionsPerAddress < connections }

    package func isFull(_ address: AddressKey) -> Bool {
        byAddress[address, default: 0] >= connectionsPerAddress
    }

    package mutating func entered(_ address: AddressKey, isServed: Bool) {
        guard isServed else {
            turnedAway += 1
            return
        }
        served += 1
        byAddress[address, default: 0] += 1
    }

    /// One that was served has lost its place, and is about to go.
    package mutating func displaced(_ address: AddressKey) {
        free(address)
        leaving += 1
    }

    package mutating func left(_ address: AddressKey, isServed: Bool, wasDisplaced: Bool) {
        if wasDisplaced {
            leaving -= 1
        } else if isServed {
            free(address)
        } else {
            turnedAway -= 1
        }
    }

    private mutating func free(_ address: AddressKey) {
        served -= 1
        let rest = byAddress[address, default: 0] - 1
        byAddress[address] = rest > 0 ? rest : nil
    }
}
