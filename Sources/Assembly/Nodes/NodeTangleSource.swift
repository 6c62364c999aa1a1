import Crawler
import NodeClient
import Tangle
import Ternary

/// The nodes as the crawler's source. Addresses that are asked for at the same time travel
/// together.
package struct NodeTangleSource: TangleSource {
    /// Nodes asked at the same time for one address: they prune at different times and cut
    /// lists at different places. Two, because every further one costs as much again and
    /// the others are asked when these fail.
    package static let joining = 2

    /// Addresses in one request: with a few attachments each, an answer stays below what nodes cut.
    package static let addressesPerRequest = 100

    /// Batches under way at the same time, so that a slow answer holds up few.
    private static let requestsAtOnce = 4

    /// Transactions fetched to learn which of several addresses they bear. With more, some address
    /// is flooded, and each is asked for alone.
    private static let transactionsPerSighting = 2000

    private let nodes: NodePool
    private let memory = SightedTransactions()
    private let sightings: Gathering<Hash, Sighting>

    package init(_ nodes: NodePool) {
        self.nodes = nodes
        sightings = Gathering(
            workers: Self.requestsAtOnce, weightLimit: Self.addressesPerRequest
        ) { [memory] addresses in
            try await Self.sightings(at: addresses, nodes, memory)
        }
    }

    package func sighting(at address: Hash) async throws -> Sighting {
        guard !memory.isCrowded(address) else {
            return try await Self.sighting(at: address, nodes, memory)
        }
        return try await sightings.answer(to: address)
    }

    /// A node tells what is at several addresses in one list; which transaction bears which is
    /// learnt from the transactions, which the crawler asks for next and has then already.
    private static func sightings(
        at addresses: [Hash], _ nodes: NodePool, _ memory: SightedTransactions
    ) async throws -> [Sighting] {
        let distinct = Set(addresses)
        guard distinct.count > 1 else {
            let sighting = try await self.sighting(at: addresses[0], nodes, memory)
            return addresses.map { _ in sighting }
        }
        let found = try await nodes.findTransactions(
            addresses: Array(distinct), joining: min(joining, nodes.clients.count))
        let unknown = memory.unknown(found.hashes)
        guard unknown.count <= transactionsPerSighting, !found.mayBeIncomplete else {
            return try await eachAlone(addresses, nodes, memory)
        }
        let given = unknown.isEmpty ? [:] : try await nodes.transactions(unknown).found
        guard let places = memory.addresses(of: found.hashes, learning: given) else {
            // What is named and not given may lie at any of the addresses.
            return try await eachAlone(addresses, nodes, memory)
        }
        var sighted: [Hash: [Hash]] = [:]
        for (hash, place) in zip(found.hashes, places) { sighted[place, default: []].append(hash) }
        return addresses.map { Sighting(hashes: sighted[$0] ?? []) }
    }

    private static func eachAlone(
        _ addresses: [Hash], _ nodes: NodePool, _ memory: SightedTransactions
    ) async throws -> [Sighting] {
        let sightings = try await withThrowingTaskGroup(of: (Hash, Sighting).self) { group in
            for address in Set(addresses) {
                group.addTask { (address, try await sighting(at: address, nodes, memory)) }
            }
            var sightings: [Hash: Sighting] = [:]
            for try await (address, sighting) in group { sightings[address] = sighting }
            return sightings
        }
        return addresses.map { sightings[$0] ?? Sighting(hashes: []) }
    }

    private static func sighting(
        at address: Hash, _ nodes: NodePool, _ memory: SightedTransactions
    ) async throws -> Sighting {
        let found = try await nodes.findTransactions(
            addresses: [address], joining: min(joining, nodes.clients.count))
        memory.note(
            address,
            isCrowded: found.mayBeIncomplete || found.hashes.count > transactionsPerSighting)
        return Sighting(hashes: found.hashes, mayBeIncomplete: found.mayBeIncomplete)
    }

    package func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        var found = memory.take(hashes)
        let missing = hashes.filter { found[$0] == nil }
        guard !missing.isEmpty else { return found }
        let lookup = try await nodes.transactions(missing)
        // Nothing but transactions that were not asked for is no answer.
        if found.isEmpty, lookup.found.isEmpty, let refusal = lookup.refused.values.first {
            throw refusal
        }
        found.merge(lookup.found) { first, _ in first }
        return found
    }

    /// Nodes tell whether, not by which milestone. One that does not answer this command at
    /// all tells nothing, which must not keep messages from being taken in.
    package func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
        do {
            let states = try await nodes.perform { node in
                // IRI up to 1.8.5 asks for the tips from which to look back.
                let tip = try await node.nodeInfo().latestSolidSubtangleMilestone
                return try await node.inclusionStates(of: hashes, tips: tip.map { [$0] } ?? [])
            }
            return states.filter(\.value).mapValues { _ in nil }
        } catch let error as NodeError where error.fault == .request {
            return [:]
        }
    }
}
