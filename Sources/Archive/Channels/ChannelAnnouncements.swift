import Postgres
import Vault

extension PostgresConnection {
    /// The channel of NOTIFY on which channels are named that readers and crawlers must stop
    /// with; the payload is the channel's number alone.
    package static let channelAnnouncements = "permanode_channels"

    /// Names channels to every process that listens, once the transaction commits.
    /// Notifications can be lost; `readers_epoch` is what counts.
    package func announce(_ channels: [ChannelNumber]) throws {
        guard !channels.isEmpty else { return }
        _ = try query(
            "select pg_notify($1, c) from unnest($2::text[]) c",
            [.text(Self.channelAnnouncements), .textArray(channels.map(\.text))])
    }
}
