import Foundation
import MAM
import Postgres
import Vault

/// Rows that the assignments of channels are made of, read for all of them together and opened
/// one by one: what cannot be opened is its own channel's trouble.
struct CrawlHoldings {
    /// The head and the passed trees that are due.
    var trees: [Int64: [PostgresRow]] = [:]
    var sideKeys: [Int64: [PostgresRow]] = [:]
    var candidates: [Int64: [PostgresRow]] = [:]
    var filling: [Int64: FillingTurn] = [:]
    /// The archive's own, for all channels.
    var providers: [ProviderKey] = []
}

extension Archive {
    /// - Parameters:
    ///   - rows: channels with `id` and `head_position`.
    ///   - filling: those whose turn is at an earlier chain.
    func holdings(
        of rows: [PostgresRow], _ filling: [Int64: FillingTurn], now: Date,
        on connection: PostgresConnection
    ) async throws -> CrawlHoldings {
        guard !rows.isEmpty else { return CrawlHoldings() }
        let channels = PostgresValue.int64Array(try rows.map { try $0.int64("id") })
        let heads = PostgresValue.int64Array(
            try rows.map { row in
                try filling[row.int64("id")]?.headPosition ?? row.int64("head_position")
            })
        let trees = try await connection.query(
            """
            select t.channel, t.position, t.sealed_root, t.watch_until
            from unnest($1::bigint[], $2::bigint[]) as k (channel, head) cross join lateral (
                (select * from tree where channel = k.channel and position = k.head)
                union all
                (select * from tree
                 where channel = k.channel and position <> k.head and next_look_at <= $3
                    and watch_until is not null
                 order by next_look_at limit $4)) t
            """, [channels, heads, .timestamp(now), .int64(Int64(Self.watchedTreeLimit))])
        let sideKeys = try await connection.query(
            """
            select channel, number, sealed_key, first_position from side_key
            where channel = any ($1)
            order by channel, number desc
            """, [channels])
        var holdings = CrawlHoldings()
        holdings.filling = filling
        holdings.trees = try Dictionary(grouping: trees) { try $0.int64("channel") }
        holdings.sideKeys = try Dictionary(grouping: sideKeys) { try $0.int64("channel") }
        holdings.providers = try await providerKeys(on: connection)
        // One channel's are enough for one answer.
        let waiting = try await connection.query(
            "select distinct channel from candidate where channel = any ($1)", [channels])
        for row in waiting {
            let channel = try row.int64("channel")
            holdings.candidates[channel] = try await connection.query(
                """
                select position, period, lookup, sealed_bundle from candidate
                where channel = $1 order by position, seen_at
                """, [.int64(channel)])
        }
        return holdings
    }

    func assignment(_ row: PostgresRow, _ holdings: CrawlHoldings) throws -> CrawlAssignment {
        let channel = try row.channelNumber("id")
        guard let mode = ChannelMode(rawValue: try row.text("mode")),
            let state = ChannelState(rawValue: try row.text("state"))
        else { throw ArchiveError.damaged(table: "channel", channel: channel) }
        let filling = holdings.filling[channel.rawValue]
        let position = try filling?.headPosition ?? row.int64("head_position")
        let trees = try holdings.trees[channel.rawValue, default: []].map { row in
            FollowedTree(
                position: try row.int64("position"), root: try treeRoot(row, of: channel),
                watchUntil: try row.optionalTimestamp("watch_until"))
        }
        guard let head = trees.first(where: { $0.position == position }) else {
            throw ArchiveError.damaged(table: "tree", channel: channel)
        }
        let sideKeys = mode == .restricted ? holdings.sideKeys[channel.rawValue, default: []] : []
        return CrawlAssignment(
            lease: CrawlLease(channel: channel, epoch: try row.int64("epoch")), mode: mode,
            state: state, reason: try filling?.reason ?? row.optionalText("reason"),
            sideKeys: try sideKeys.map { try sideKey($0, of: channel) }, head: head,
            watched: trees.filter { $0.position != position },
            waiting: try holdings.candidates[channel.rawValue, default: []].compactMap {
                // One whose period is being forgotten does not hold the others up.
                try vault.isForgotten(channel, $0.period("period"))
                    ? nil : try waitingBundle($0, of: channel)
            },
            lastNewsAt: try filling?.lastNewsAt ?? row.timestamp("last_news_at"),
            createdAt: try row.timestamp("created_at"),
            messageCount: try row.int64("next_sequence"),
            readersEpoch: try row.int64("readers_epoch"), providers: holdings.providers,
            filling: filling?.number)
    }
}
