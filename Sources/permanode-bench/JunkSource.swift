import Assembly
import Crawler
import Synchronization
import Tangle
import Ternary

/// The nodes, and an address with more junk than any node tells of: each time another part of it,
/// as long as the longest list that is taken from a node. Its hashes are made up.
final class JunkSource: TangleSource {
    private struct State {
        var address: Hash?
        var sighted = 0
        /// How often each piece of junk was given.
        var given: [Int: Int] = [:]
    }

    private let source: NodeTangleSource
    private let count: Int
    private let listed: Int
    private let hashes: [Hash]
    private let numbers: [Hash: Int]
    private let state = Mutex(State())

    /// - Parameters:
    ///   - count: of all the junk.
    ///   - listed: at once.
    init(_ source: NodeTangleSource, count: Int, listed: Int) {
        self.source = source
        self.count = count
        self.listed = listed
        hashes = (0..<count).map { Junk.hash($0) }
        numbers = Dictionary(
            hashes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// From now on all of the junk lies there; nil: nowhere.
    func flood(_ address: Hash?) { state.withLock { $0.address = address } }

    /// How much was given at least once, and how much more than once.
    var given: (once: Int, again: Int) {
        state.withLock { ($0.given.count, $0.given.values.count { $0 > 1 }) }
    }

    var addressesTogether: Int { source.addressesTogether }

    func isCrowded(_ address: Hash) -> Bool {
        state.withLock { $0.address == address } || source.isCrowded(address)
    }

    func sighting(at address: Hash) async throws -> Sighting {
        let start: Int? = state.withLock { state in
            guard state.address == address else { return nil }
            defer { state.sighted += 1 }
            return state.sighted * listed % count
        }
        guard let start else { return try await source.sighting(at: address) }
        return Sighting(hashes: Array(hashes[start..<start + listed]), mayBeIncomplete: true)
    }

    func sightings(at addresses: [Hash]) async throws -> [Sighting] {
        let flooded = state.withLock(\.address)
        guard addresses.contains(where: { $0 == flooded }) else {
            return try await source.sightings(at: addresses)
        }
        var sightings: [Sighting] = []
        for address in addresses { sightings.append(try await sighting(at: address)) }
        return sightings
    }

    func transactions(along trail: Trail) async throws -> [Hash] {
        try await source.transactions(along: trail)
    }

    func transactions(_ asked: [Hash]) async throws -> [Hash: Transaction] {
        guard let address = state.withLock(\.address) else {
            return try await source.transactions(asked)
        }
        var rest: [Hash] = []
        var found: [Hash: Transaction] = [:]
        for hash in asked {
            guard let number = numbers[hash] else {
                rest.append(hash)
                continue
            }
            found[hash] = try Junk.transactions(1, at: address, from: number)[0]
            state.withLock { $0.given[number, default: 0] += 1 }
        }
        if !rest.isEmpty { found.merge(try await source.transactions(rest)) { first, _ in first } }
        return found
    }

    func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
        try await source.confirmed(hashes)
    }
}
