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

    private let nodes: NodePool

    package init(_ nodes: NodePool) { self.nodes = nodes }

    package func sighting(at address: Hash) async throws -> Sighting {
        let joining = min(Self.joining, nodes.clients.count)
        let found = try await nodes.findTransactions(addresses: [address], joining: joining)
        return Sighting(hashes: found.hashes, mayBeIncomplete: found.mayBeIncomplete)
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
