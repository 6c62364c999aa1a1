import Postgres

extension Archive {
    /// How many channels stand how, of those that a scope has; forgotten ones only where it has all.
    package func channelCounts(within scope: ChannelScope) async throws -> [ChannelState: Int] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select state, count(*) as channels from channel
                where $1::int8[] is null or (id = any ($1) and state <> 'forgotten')
                group by state
                """, [scope.parameter])
        }
        return try rows.reduce(into: [:]) { counts, row in
            guard let state = ChannelState(rawValue: try row.text("state")) else { return }
            counts[state] = Int(try row.int64("channels"))
        }
    }
}
