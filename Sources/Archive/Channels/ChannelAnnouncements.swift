import Postgres
import Vault

extension PostgresConnection {
    /// The channel of NOTIFY on which channels are named that readers and crawlers must stop
    /// with; the payload is the channel's number alone.
    package static let channelAnnouncements = "permanode_channels"

    /// The channel of NOTIFY on which channels are named that have new messages.
    package static let messageAnnouncements = "permanode_messages"

    /// Names channels to every process that listens, once the transaction commits.
    /// Notifications can be lost; `readers_epoch` is what counts.
    ///
    /// - Parameter name: on which channel of NOTIFY.
    package func announce(_ channels: [ChannelNumber], on name: String = channelAnnouncements)
        throws
    {
        guard !channels.isEmpty else { return }
        _ = try query(
            "select pg_notify($1, c) from unnest($2::text[]) c",
            [.text(name), .textArray(channels.map(\.text))])
    }
}
