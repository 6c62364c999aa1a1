/// What `NOTIFY` sent.
package struct PostgresNotification: Sendable, Equatable {
    package let channel: String
    package let payload: String
}

/// A connection that does nothing but listen.
package enum PostgresListener {
    /// Notifications kept for a slow reader; older ones are dropped, since a notification only
    /// says that there is something to look at.
    package static let bufferedNotifications = 1_024

    /// Opens a connection of its own and listens on `channel` until the stream is given up.
    ///
    /// From the moment this returns, nothing committed is missed while the stream lasts. The
    /// stream ends when the connection is lost: then listen anew, and look at the tables.
    package static func listen(
        _ channel: String, _ configuration: PostgresConfiguration
    ) async throws -> AsyncStream<PostgresNotification> {
        let connection = try await PostgresConnection.connect(configuration)
        do {
            let quoted = channel.replacing("\"", with: "\"\"")
            try await connection.script("LISTEN \"\(quoted)\"")
        } catch {
            await connection.close()
            throw error
        }
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostgresNotification.self,
            bufferingPolicy: .bufferingNewest(bufferedNotifications))
        let reader = Task {
            while let notifications = try? await connection.notifications() {
                notifications.forEach { continuation.yield($0) }
            }
            continuation.finish()
            await connection.close()
        }
        continuation.onTermination = { _ in reader.cancel() }
        return stream
    }
}
