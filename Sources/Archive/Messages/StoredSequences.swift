import Postgres
import Vault

extension Archive {
    /// How many messages were taken in of channels; those that are not there are left out.
    package func messageCounts(of channels: Set<ChannelNumber>) async throws
        -> [ChannelNumber: Int64]
    {
        let rows = try await pool.withConnection {
            try await $0.query(
                "select id, next_sequence from channel where id = any ($1)",
                [.int64Array(channels.map(\.rawValue))])
        }
        var counts: [ChannelNumber: Int64] = [:]
        for row in rows {
            counts[try row.channelNumber("id")] = try row.int64("next_sequence")
        }
        return counts
    }

    /// The sequences of a channel's messages after one, in order and at most `limit`, without
    /// opening anything: for who has to go on where a value does not open.
    package func sequences(of channel: ChannelNumber, after: Int64 = -1, limit: Int) async throws
        -> [Int64]
    {
        try await pool.withConnection {
            try await $0.query(
                """
                select sequence from message where channel = $1 and sequence > $2
                order by sequence limit $3
                """,
                [
                    .int64(channel.rawValue), .int64(after),
                    .int64(Int64(min(max(limit, 1), Self.messageBatchLimit))),
                ])
        }.map { try $0.int64("sequence") }
    }
}
