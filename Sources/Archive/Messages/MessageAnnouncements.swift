import Postgres
import Vault

extension Archive {
    /// Names channels as their new messages are committed, by any process, until it is given up or
    /// the connection that it takes is lost. Names can get lost as well: `messageCounts` says what
    /// is there.
    package func messageAnnouncements() async throws -> AsyncCompactMapSequence<
        AsyncStream<PostgresNotification>, ChannelNumber
    > {
        try await PostgresListener.listen(
            PostgresConnection.messageAnnouncements, pool.configuration
        ).compactMap { ChannelNumber(text: $0.payload) }
    }
}
