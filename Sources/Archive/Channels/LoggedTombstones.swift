import Postgres
import Vault

/// What the forget log says of tombstones and of partly forgotten trees, beside the database's own
/// tables until a transaction ends: to find what the log lacks.
extension PostgresConnection {
    package func collectLogged() throws {
        _ = try execute(
            """
            create temporary table logged (hash bytea primary key, version bigint not null)
            on commit drop
            """)
        _ = try execute(
            """
            create temporary table logged_part (
                channel bigint, hash bytea, primary key (channel, hash)) on commit drop
            """)
    }

    package func addLogged(_ contents: [ForgetLogRecord.Content]) throws {
        let states = contents.compactMap(TombstoneState.init)
        let latest = Dictionary(states.map { ($0.hash, $0.version) }, uniquingKeysWith: max)
        if !latest.isEmpty {
            _ = try execute(
                """
                insert into logged select * from unnest($1::bytea[], $2::bigint[])
                on conflict (hash) do update
                    set version = greatest(logged.version, excluded.version)
                """, [.bytesArray(Array(latest.keys)), .int64Array(Array(latest.values))])
        }
        let parts = contents.compactMap { content -> (hash: [UInt8], channel: ChannelNumber)? in
            guard case .partlyForgotten(let hash, let channel) = content else { return nil }
            return (hash, channel)
        }
        guard !parts.isEmpty else { return }
        _ = try execute(
            """
            insert into logged_part select * from unnest($1::bigint[], $2::bytea[])
            on conflict do nothing
            """,
            [.int64Array(parts.map(\.channel.rawValue)), .bytesArray(parts.map(\.hash))])
    }

    /// - Returns: Tombstones after a place whose states the log does not have, and the last place
    ///   looked at: nil at the end.
    package func unloggedTombstones(
        after: Int64, limit: Int
    ) throws -> (states: [TombstoneState], last: Int64?) {
        let rows = try query(
            """
            select t.sequence, t.hash, 2 * coalesce(l.lifts, 0)::bigint + 1 as version,
                coalesce(g.version, 0) as logged
            from (select sequence, hash from tombstone where sequence > $1
                order by sequence limit $2) t
                left join lifted_tombstone l on l.hash = t.hash
                left join logged g on g.hash = t.hash
            order by t.sequence
            """, [.int64(after), .int64(Int64(limit))])
        return (
            try rows.filter { try $0.int64("version") > $0.int64("logged") }.map {
                TombstoneState(hash: try $0.bytes("hash"), version: try $0.int64("version"))
            },
            try rows.last?.int64("sequence")
        )
    }

    /// Lifts that the log does not have, after a hash and in its order.
    package func unloggedLifts(after: [UInt8], limit: Int) throws -> [TombstoneState] {
        try query(
            """
            select l.hash, 2 * l.lifts::bigint as version from lifted_tombstone l
                left join logged g on g.hash = l.hash
            where l.hash > $1 and 2 * l.lifts::bigint > coalesce(g.version, 0)
                and not exists (select from tombstone t where t.hash = l.hash)
            order by l.hash limit $2
            """, [.bytes(after), .int64(Int64(limit))]
        ).map { TombstoneState(hash: try $0.bytes("hash"), version: try $0.int64("version")) }
    }

    /// Partly forgotten trees that the log does not have, after one and in order.
    package func unloggedParts(
        after: (hash: [UInt8], channel: Int64), limit: Int
    ) throws -> [(hash: [UInt8], channel: ChannelNumber)] {
        try query(
            """
            select p.channel, p.hash from partly_forgotten_root p
                left join logged_part g on g.channel = p.channel and g.hash = p.hash
            where (p.channel, p.hash) > ($1, $2) and g.hash is null
            order by p.channel, p.hash limit $3
            """, [.int64(after.channel), .bytes(after.hash), .int64(Int64(limit))]
        ).map { (try $0.bytes("hash"), try $0.channelNumber("channel")) }
    }
}
