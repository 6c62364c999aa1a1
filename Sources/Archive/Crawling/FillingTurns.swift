import Foundation
import Postgres
import Vault

/// Turns at what lies before a channel's registered root. A channel has one lease and one walk at
/// a time, so these turns and those at its head take turns: each time the one that is due longer.
extension Archive {
    /// The channels whose turn is at an earlier chain.
    ///
    /// - Parameter rows: channels with `id` and `next_look_at`.
    func fillingTurns(
        among rows: [PostgresRow], _ schedule: CrawlSchedule, on connection: PostgresConnection
    ) async throws -> [Int64: FillingTurn] {
        guard !rows.isEmpty else { return [:] }
        // A round over all looks at the earlier chain first; only the head's turn ends it.
        let start: Date? = if case .notLookedAtSince(let start) = schedule { start } else { nil }
        let found = try await connection.query(
            """
            select e.channel, e.number, e.head_position, e.reason, e.last_news_at
            from unnest($1::bigint[], $2::timestamptz[]) as k (channel, next_look_at)
                join earlier_chain e on e.channel = k.channel
            where e.head_position is not null and case
                when $3::timestamptz is null then e.next_look_at <= k.next_look_at
                else e.last_look_at is null or e.last_look_at < $3 end
            """,
            [
                .int64Array(try rows.map { try $0.int64("id") }),
                .timestampArray(try rows.map { try $0.timestamp("next_look_at") }),
                start.map(PostgresValue.timestamp) ?? .null,
            ])
        var turns: [Int64: FillingTurn] = [:]
        for row in found {
            turns[try row.int64("channel")] = FillingTurn(
                number: try row.int16("number"), headPosition: try row.int64("head_position"),
                reason: try row.optionalText("reason"),
                lastNewsAt: try row.timestamp("last_news_at"))
        }
        return turns
    }

    /// Where the earlier chains stand that findings are about.
    func earlierChains(
        of findings: [CrawlFindings], on connection: PostgresConnection
    ) async throws -> [ChannelNumber: CommitEntry.Filling] {
        let turns = findings.compactMap { found in
            found.filling.map { (channel: found.lease.channel.rawValue, number: $0) }
        }
        guard !turns.isEmpty else { return [:] }
        let rows = try await connection.query(
            """
            select e.channel, e.head_position, e.end_lookup
            from unnest($1::bigint[], $2::smallint[]) as k (channel, number)
                join earlier_chain e on e.channel = k.channel and e.number = k.number
            """, [.int64Array(turns.map(\.channel)), .int16Array(turns.map(\.number))])
        var chains: [ChannelNumber: CommitEntry.Filling] = [:]
        for row in rows {
            chains[try row.channelNumber("channel")] = CommitEntry.Filling(
                headPosition: try row.optionalInt64("head_position"),
                endLookup: try row.bytes("end_lookup"))
        }
        return chains
    }

    func putOff(
        _ lease: CrawlLease, _ number: Int16, until: Date, on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            """
            update earlier_chain e set next_look_at = $4 from channel c
            where c.id = $1 and c.epoch = $2 and e.channel = c.id and e.number = $3
            """,
            [
                .int64(lease.channel.rawValue), .int64(lease.epoch), .int16(number),
                .timestamp(until.addingTimeInterval(0.001)),
            ])
    }

    /// Moves the earlier chains on that the entries are about.
    func moveEarlierChains(
        of entries: [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws {
        let entries = entries.filter { $0.found.filling != nil }
        guard !entries.isEmpty else { return }
        _ = try await connection.execute(
            """
            update earlier_chain e set
                head_position =
                    case when k.step <> 'joined' then e.head_position + (k.step = 'advanced')::int end,
                arrived_at = case when k.step = 'joined' then $8 else e.arrived_at end,
                last_look_at = $8,
                last_news_at = case when k.messages > 0 then $8 else e.last_news_at end,
                reason = case when k.ended then k.reason else e.reason end,
                next_look_at = coalesce(k.next_look_at, e.next_look_at)
            from unnest(
                $1::bigint[], $2::smallint[], $3::text[], $4::bigint[], $5::boolean[],
                $6::text[], $7::timestamptz[])
                as k (channel, number, step, messages, ended, reason, next_look_at)
            where e.channel = k.channel and e.number = k.number
            """,
            [
                .int64Array(entries.map(\.channel.rawValue)),
                .int16Array(entries.map(\.found.filling)),
                .textArray(entries.map { Self.stepText($0.step) }),
                .int64Array(entries.map { Int64($0.intake.new.count) }),
                .boolArray(entries.map { $0.found.end != nil }),
                .textArray(entries.map { $0.found.end?.reason }),
                // The head's turn is due before it.
                .timestampArray(
                    entries.map { entry in
                        entry.found.end.map { max($0.nextLookAt, now.addingTimeInterval(0.001)) }
                    }), .timestamp(now),
            ])
    }

    private static func stepText(_ step: ChainStep) -> String {
        switch step {
        case .joined: "joined"
        case .advanced: "advanced"
        case .none, .cycle, .forgotten: "none"
        }
    }
}
