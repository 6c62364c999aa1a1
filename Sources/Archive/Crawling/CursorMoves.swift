import Foundation
import MAM
import Postgres
import Vault

extension Archive {
    /// Takes the heads' steps, and says when passed trees are looked at again.
    func moveTrees(
        of entries: inout [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws {
        let looks = entries.filter { !$0.isRefused }.flatMap { entry in
            entry.found.watched.map {
                (channel: entry.channel, position: $0.key, nextLookAt: $0.value)
            }
        }
        try await watch(looks, on: connection)
        var advances: [(channel: ChannelNumber, advance: HeadAdvance, isEnd: Bool)] = []
        for index in entries.indices where entries[index].step == .none {
            let entry = entries[index]
            guard let advance = entry.found.advance,
                advance.position == entry.headPosition
            else { continue }
            let isEnd =
                try entry.filling.map {
                    try self.isEnd(advance.nextRoot, $0.endLookup, of: entry.channel)
                } ?? false
            entries[index].step =
                entry.nextIsForgotten ? .forgotten : isEnd ? .joined : .advanced
            if !entry.nextIsForgotten { advances.append((entry.channel, advance, isEnd)) }
        }
        try await pass(advances, now: now, on: connection)
    }

    /// - Parameter looks: passed trees with their next look; nil where the tree is no longer
    ///   looked at. With bundles that wait for a key it stays, to be looked at once more when one
    ///   is added.
    private func watch(
        _ looks: [(channel: ChannelNumber, position: Int64, nextLookAt: Date?)],
        on connection: PostgresConnection
    ) async throws {
        guard !looks.isEmpty else { return }
        let channels = PostgresValue.int64Array(looks.map(\.channel.rawValue))
        let positions = PostgresValue.int64Array(looks.map(\.position))
        let times = PostgresValue.timestampArray(looks.map(\.nextLookAt))
        _ = try await connection.execute(
            """
            delete from tree t
            using unnest($1::bigint[], $2::bigint[], $3::timestamptz[])
                as k (channel, position, next_look_at)
            where t.channel = k.channel and t.position = k.position
                and k.next_look_at is null and t.watch_until is not null
                and not exists (
                    select from candidate c
                    where c.channel = t.channel and c.position = t.position)
            """, [channels, positions, times])
        _ = try await connection.execute(
            """
            update tree t set next_look_at = coalesce(k.next_look_at, 'infinity')
            from unnest($1::bigint[], $2::bigint[], $3::timestamptz[])
                as k (channel, position, next_look_at)
            where t.channel = k.channel and t.position = k.position
                and t.watch_until is not null
            """, [channels, positions, times])
    }

    /// The heads become passed trees, and the trees after them heads, unless an earlier chain
    /// ends there: then that tree was passed long ago, or is the channel's head.
    private func pass(
        _ advances: [(channel: ChannelNumber, advance: HeadAdvance, isEnd: Bool)], now: Date,
        on connection: PostgresConnection
    ) async throws {
        guard !advances.isEmpty else { return }
        let channels = PostgresValue.int64Array(advances.map(\.channel.rawValue))
        _ = try await connection.execute(
            """
            update tree t set watch_until = k.watch_until, next_look_at = k.next_look_at
            from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::timestamptz[])
                as k (channel, position, watch_until, next_look_at)
            where t.channel = k.channel and t.position = k.position
            """,
            [
                channels, .int64Array(advances.map(\.advance.position)),
                .timestampArray(advances.map(\.advance.watchUntil)),
                .timestampArray(advances.map(\.advance.watchFrom)),
            ])
        let going = advances.filter { !$0.isEnd }
        guard !going.isEmpty else { return }
        let next = going.map { $0.advance.position + 1 }
        let roots = try zip(going, next).map { step, position in
            try sealed(step.advance.nextRoot, of: step.channel, at: position)
        }
        _ = try await connection.execute(
            """
            insert into tree (channel, position, sealed_root, next_look_at)
            select k.channel, k.position, k.sealed_root, $4
            from unnest($1::bigint[], $2::bigint[], $3::bytea[])
                as k (channel, position, sealed_root)
            """,
            [
                .int64Array(going.map(\.channel.rawValue)), .int64Array(next),
                .bytesArray(roots), .timestamp(now),
            ])
    }

    /// Moves the channels' rows on; where a look ends, says how and gives the lease back. A look
    /// at an earlier chain says nothing of the channel, and leaves it due.
    func moveCursors(
        of entries: [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            """
            update channel c set
                next_sequence = c.next_sequence + k.messages,
                head_position = c.head_position + k.trees,
                last_look_at = case when k.fills then c.last_look_at else $7 end,
                last_news_at =
                    case when k.messages > 0 and not k.fills then $7 else c.last_news_at end,
                state = coalesce(k.state, c.state),
                reason = case when k.state is null then c.reason else k.reason end,
                next_look_at = least(
                    coalesce(k.next_look_at, c.next_look_at),
                    (select min(e.next_look_at) from earlier_chain e
                    where e.channel = c.id and e.head_position is not null)),
                lease_owner = case when not k.ends then c.lease_owner end,
                lease_until = case when not k.ends then c.lease_until end
            from unnest(
                $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
                $6::timestamptz[], $8::boolean[], $9::boolean[])
                as k (channel, messages, trees, state, reason, next_look_at, fills, ends)
            where c.id = k.channel
            """,
            [
                .int64Array(entries.map(\.channel.rawValue)),
                .int64Array(entries.map { Int64($0.intake.new.count) }),
                .int64Array(
                    entries.map { $0.step == .advanced && $0.found.filling == nil ? 1 : 0 }),
                .textArray(
                    entries.map { $0.found.filling == nil ? $0.found.end?.state.rawValue : nil }),
                .textArray(entries.map { $0.found.end?.reason }),
                .timestampArray(
                    entries.map { entry in
                        entry.found.end.map { entry.found.filling == nil ? $0.nextLookAt : now }
                    }), .timestamp(now), .boolArray(entries.map { $0.found.filling != nil }),
                .boolArray(entries.map { $0.found.end != nil }),
            ])
    }
}
