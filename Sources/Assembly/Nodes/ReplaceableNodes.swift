import Crawler
import NodeClient
import Synchronization
import Tangle
import Ternary
import Vault

/// The nodes as the crawler's source, which may be exchanged for others while it runs: what is
/// under way is still asked of those that it began with.
package final class ReplaceableNodes: TangleSource {
    private struct State {
        var pool: NodePool
        var source: NodeTangleSource
    }

    private let vault: Vault
    private let hints: FeedHints
    private let state: Mutex<State>

    /// - Parameter hints: what the nodes' feeds tell.
    /// - Throws: `NodeError` for nodes that cannot be used.
    package init(
        _ configuration: Configuration, _ vault: Vault, hints: FeedHints = FeedHints()
    ) throws(NodeError) {
        self.vault = vault
        self.hints = hints
        state = Mutex(try Self.state(configuration, vault, hints))
    }

    /// What is remembered of the nodes before (which address is crowded, which node is slow) goes.
    ///
    /// - Throws: `NodeError` for nodes that cannot be used; then those before stay.
    package func replace(as configuration: Configuration) throws(NodeError) {
        let new = try Self.state(configuration, vault, hints)
        state.withLock { $0 = new }
    }

    /// Those that are asked now.
    package var pool: NodePool { state.withLock(\.pool) }

    private static func state(
        _ configuration: Configuration, _ vault: Vault, _ hints: FeedHints
    ) throws(NodeError) -> State {
        let pool = try NodePool(endpoints: configuration.nodes, census: configuration.census)
        return State(
            pool: pool, source: NodeTangleSource(pool, hints: hints) { vault.generation })
    }

    private var source: NodeTangleSource { state.withLock(\.source) }

    package var addressesTogether: Int { source.addressesTogether }

    package func isCrowded(_ address: Hash) -> Bool { source.isCrowded(address) }

    package func sighting(at address: Hash) async throws -> Sighting {
        try await source.sighting(at: address)
    }

    package func sightings(at addresses: [Hash]) async throws -> [Sighting] {
        try await source.sightings(at: addresses)
    }

    package func transactions(along trail: Trail) async throws -> [Hash] {
        try await source.transactions(along: trail)
    }

    package func transactions(_ hashes: [Hash]) async throws -> [Hash: Transaction] {
        try await source.transactions(hashes)
    }

    package func confirmed(_ hashes: [Hash]) async throws -> [Hash: Int32?] {
        try await source.confirmed(hashes)
    }
}
