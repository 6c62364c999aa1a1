import Crawler
import NodeClient
import Tangle
import Ternary

/// The nodes as the crawler's source.
package struct NodeTangleSource: TangleSource {
    /// Nodes asked at the same time for one address: they prune at different times and cut
    /// lists at different places. Two, because every further one costs as much again and
    /// the others are asked when these fail.
    package static let joining = 2

    /// As many as there are lanes to verify the messages in. With bundles of three transactions an
    /// answer stays below what nodes cut; a longer one is asked for again in halves.
    package var addressesTogether: Int { 256 }

    /// Transactions fetched to learn which of several addresses they bear. With more, some address
    /// is flooded, and each is asked for alone.
    private static let transactionsPerSighting = 2000

    private let nodes: NodePool
    private let memory: SightedAddresses
    private let hints: FeedHints

    /// - Parameters:
    ///   - hints: what the nodes' feeds tell of addresses.
    ///   - forgets: a number that every forget changes: what was learnt until then is dropped.
    package init(
        _ nodes: NodePool, hints: FeedHints = FeedHints(),
        forgets: @escaping @Sendable () -> UInt64 = { 0 }
    ) {
        self.nodes = nodes
        self.hints = hints
        memory = SightedAddresses(forgets: forgets)
    }

    package func isCrowded(_ address: Hash) -> Bool { memory.isCrowded(address) }

    /// A node tells what is at several addresses in one list; which transaction bears which is
    /// learnt from the transactions, which the crawler needs anyway.
    package func sightings(at addresses: [Hash]) async throws -> [Sighting] {
        guard let first = addresses.first else { return [] }
        let distinct = Set(addresses)
        guard distinct.count > 1 else {
            let sighting = try await sighting(at: first)
            return addresses.map { _ in sighting }
        }
        let mark = memory.mark
        let found = try await nodes.findTransactions(
            addresses: Array(distinct), joining: min(Self.joining, nodes.clients.count))
        let unknown = memory.unknown(found.hashes)
        guard unknown.count <= Self.transactionsPerSighting, !found.mayBeIncomplete else {
            return try await eachAlone(addresses, [:])
        }
        let given = unknown.isEmpty ? [:] : try await nodes.transactions(unknown).found
        guard let places = memory.addresses(of: found.hashes, learning: given, since: mark)
        else {
            // What is named and not given may lie at any of the addresses.
            return try await eachAlone(addresses, given)
        }
        var sighted: [Hash: Sighting] = [:]
        for (hash, place) in zip(found.hashes, places) {
            sighted[place, default: Sighting(hashes: [])].hashes.append(hash)
            if let transaction = given[hash] { sighted[place]?.transactions[hash] = transaction }
        }
        return addresses.map { hinted(sighted[$0] ?? Sighting(hashes: []), at: $0) }
    }

    /// With what the feeds named and the nodes did not; it is asked for by its hash, and judged
    /// as everything else.
    private func hinted(_ sighting: Sighting, at address: Hash) -> Sighting {
        let known = hints.hashes(at: address)
        guard !known.isEmpty else { return sighting }
        let found = Set(sighting.hashes)
        var sighting = sighting
        // First: a look goes only so far through a long list.
        sighting.hashes = known.filter { !found.contains($0) } + sighting.hashes
        return sighting
    }

    /// - Parameter given: transactions that are there already.
    private func eachAlone(
        _ addresses: [Hash], _ given: [Hash: Transaction]
    ) async throws -> [Sighting] {
        let mark = memory.mark
        let sightings = try await withThrowingTaskGroup(of: (Hash, Sighting).self) { group in
            for address in Set(addresses) {
                group.addTask { (address, try await listed(at: address)) }
            }
            var sightings: [Hash: Sighting] = [:]
            for try await (address, sighting) in group {
                var sighting = sighting
                for hash in sighting.hashes { sighting.transactions[hash] = given[hash] }
                sightings[address] = sighting
            }
            return sightings
        }
        // One that is named again and again and never given costs its neighbours this once.
        memory.learn(sightings, since: mark)
        return addresses.map { hinted(sightings[$0] ?? Sighting(hashes: []), at: $0) }
    }

    package func sighting(at address: Hash) async throws -> Sighting {
        hinted(try await listed(at: address), at: address)
    }

    private func listed(at address: Hash) async throws -> Sighting {
        var found = try await nodes.findTransactions(
            addresses: [address], joining: min(Self.joining, nodes.clients.count))
        if found.mayBeIncomplete, nodes.clients.count > Self.joining {
            // Each cuts its list elsewhere.
            do {
                found = found.joined(
                    with: try await nodes.findTransactions(
                        addresses: [address], joining: nodes.clients.count))
            } catch is NodeError {}
        }
        memory.note(
            address,
            isCrowded: found.mayBeIncomplete || found.hashes.count > Self.transactionsPerSighting)
        return Sighting(hashes: found.hashes, mayBeIncomplete: found.mayBeIncomplete)
    }

    package func transactions(along trail: Trail) async throws -> [Hash] {
        let joining = min(Self.joining, nodes.clients.count)
        return switch trail {
        case .bundles(let bundles):
            try await nodes.findTransactions(bundles: bundles, joining: joining).hashes
        case .approvees(let approvees):
            try await nodes.findTransactions(approvees: approvees, joining: joining).hashes
        }
    }

    package func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        let lookup = try await nodes.transactions(hashes)
        // Nothing but transactions that were not asked for is no answer.
        if lookup.found.isEmpty, let refusal = lookup.refused.values.first { throw refusal }
        return lookup.found
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
