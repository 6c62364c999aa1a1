import Postgres
import Synchronization

/// Where one answer reads messages: a replica, and from the first time that it does not do, the
/// primary. It never goes on to another replica, so that what an answer reads never gets older: what
/// it is tagged by is asked for before what it tells.
package final class MessageSource: Sendable {
    private struct State {
        var replica: Replicas.Replica?
        var age: Duration = .zero
    }

    private let replicas: Replicas
    private let state: Mutex<State>

    fileprivate init(_ replicas: Replicas, _ replica: Replicas.Replica) {
        self.replicas = replicas
        state = Mutex(State(replica: replica))
    }

    /// How old at most what was read so far is; zero where all came from the primary.
    package var staleness: Duration { state.withLock { $0.age } }

    /// - Returns: Nil where the primary has to be asked.
    fileprivate func rows(
        _ statement: String, _ parameters: [PostgresValue], of channel: ChannelRecord
    ) async -> [PostgresRow]? {
        guard let replica = state.withLock({ $0.replica }) else { return nil }
        let found = await replicas.rows(statement, parameters, of: channel, by: replica)
        state.withLock { state in
            if let found { state.age = max(state.age, found.age) } else { state.replica = nil }
        }
        return found?.rows
    }
}

extension Archive {
    /// For one answer; nil where it is to be read from the primary.
    package func messageSource() -> MessageSource? {
        guard let replicas, let replica = replicas.choose() else { return nil }
        return MessageSource(replicas, replica)
    }

    /// Rows of a channel's messages.
    ///
    /// - Parameter channel: As it was just asked for.
    func rows(
        _ statement: String, _ parameters: [PostgresValue], of channel: ChannelRecord,
        from source: MessageSource?
    ) async throws -> [PostgresRow] {
        if let rows = await source?.rows(statement, parameters, of: channel) { return rows }
        return try await pool.withConnection { try await $0.query(statement, parameters) }
    }
}
