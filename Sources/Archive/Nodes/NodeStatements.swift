import Postgres

/// The statements that a node's commands are answered by. What anyone may know is asked by many at
/// the same time, and of the database at once.
struct NodeStatements: Sendable {
    /// Statements for several askers at the same time. Two keep a server of two cores busy; with
    /// more cores they only gather more each.
    private static let sharedAtOnce = 2

    /// Lookups of one asker that are asked for together with others': more are asked for alone, so
    /// that nobody waits for them. A message of a meter has three or four transactions.
    private static let sharedPerAsker = 16

    /// Lookups of a statement for several. The longest bundles take a megabyte and a half each.
    private static let sharedTogether = 100

    /// Attachments that a statement for several finds. Where there are more, an address was
    /// flooded, and each asks for himself.
    private static let sharedAttachments = 2_000

    private let pool: PostgresPool
    private let findings: SharedAsking<[[UInt8]], [PostgresRow]>
    private let readings: SharedAsking<[[UInt8]], [PostgresRow]>

    init(_ pool: PostgresPool) {
        self.pool = pool
        findings = SharedAsking(atOnce: Self.sharedAtOnce, weightLimit: Self.sharedTogether) {
            let rows = try await Self.attachments(
                Array(Set($0.joined())), limit: Self.sharedAttachments + 1, NodeReach(nil), pool)
            guard rows.count <= Self.sharedAttachments else { return nil }
            return try Self.parted(rows, among: $0) { [try $0.bytes("lookup")] }
        }
        readings = SharedAsking(atOnce: Self.sharedAtOnce, weightLimit: Self.sharedTogether) {
            let rows = try await Self.evidence(Array(Set($0.joined())), NodeReach(nil), pool)
            return try Self.parted(rows, among: $0) { try Self.lookups(in: $0) }
        }
    }

    /// What has one of the lookups, in the order of channels and of their sequences.
    func attachments(_ lookups: [[UInt8]], limit: Int, for asker: NodeAsker) async throws
        -> [PostgresRow]
    {
        let reach = NodeReach(asker)
        if Self.isShared(lookups, reach), limit > Self.sharedAttachments,
            let rows = await findings.answer(to: lookups, weight: lookups.count)
        {
            return rows
        }
        return try await Self.attachments(lookups, limit: limit, reach, pool)
    }

    /// The attachments that have one of the lookups, each once, with all that their transactions
    /// are made from.
    func evidence(_ lookups: [[UInt8]], for asker: NodeAsker) async throws -> [PostgresRow] {
        let reach = NodeReach(asker)
        if Self.isShared(lookups, reach),
            let rows = await readings.answer(to: lookups, weight: lookups.count)
        {
            return rows
        }
        return try await Self.evidence(lookups, reach, pool)
    }

    private static func isShared(_ lookups: [[UInt8]], _ reach: NodeReach) -> Bool {
        reach.isPublicOnly && lookups.count <= sharedPerAsker
    }

    /// To each asker the rows that have one of his lookups, in their order.
    private static func parted(
        _ rows: [PostgresRow], among askers: [[[UInt8]]],
        by lookups: (PostgresRow) throws -> [[UInt8]]
    ) rethrows -> [[PostgresRow]] {
        guard askers.count > 1 else { return [rows] }
        var wanting: [[UInt8]: [Int]] = [:]
        for (place, wanted) in askers.enumerated() {
            for lookup in wanted { wanting[lookup, default: []].append(place) }
        }
        var parts = [[PostgresRow]](repeating: [], count: askers.count)
        for row in rows {
            for place in Set(try lookups(row).flatMap { wanting[$0] ?? [] }) {
                parts[place].append(row)
            }
        }
        return parts
    }

    /// Of a row of `evidence`.
    private static func lookups(in row: PostgresRow) throws -> [[UInt8]] {
        let joined = try row.bytes("lookups")
        return stride(from: 0, to: joined.count, by: NodeLookupKind.hashCount).map {
            Array(joined[$0..<min($0 + NodeLookupKind.hashCount, joined.count)])
        }
    }

    /// Those of the lookups of transactions that the ledger is known to have confirmed.
    func confirmed(_ lookups: [[UInt8]], for asker: NodeAsker) async throws -> Set<[UInt8]> {
        let reach = NodeReach(asker)
        let rows = try await pool.query(
            """
            select distinct l.lookup from \(Self.known(reach))
                cross join lateral (
                    select m.confirmed from message m
                    where (m.channel, m.sequence) = (l.channel, l.sequence) limit 1) m
            where m.confirmed
            """, [.bytesArray(lookups)] + reach.parameters)
        return Set(try rows.map { try $0.bytes("lookup") })
    }

    /// The lookups `l` of the first parameter in channels that the asker may know, whose reach is in
    /// the next ones.
    ///
    /// PostgreSQL keeps no statistics of lookups, and would read whole tables rather than look
    /// a few rows up: what is lateral with a limit leaves it no choice, here and at what joins this.
    /// Nor would it plan once for all: what it cannot count beforehand, such as a selected array,
    /// makes a plan for these very values no cheaper.
    private static func known(_ reach: NodeReach) -> String {
        """
        unnest((select $1::bytea[])) as asked (value)
            cross join lateral (
                select * from node_lookup l where l.lookup = asked.value offset 0) l
            cross join lateral (
                select c.readers_epoch from channel c
                where c.id = l.channel and \(reach.isKnown(from: 2))
                limit 1) c
        """
    }

    private static func attachments(
        _ lookups: [[UInt8]], limit: Int, _ reach: NodeReach, _ pool: PostgresPool
    ) async throws -> [PostgresRow] {
        let parameters = [.bytesArray(lookups)] + reach.parameters
        return try await pool.query(
            """
            select l.lookup, l.channel, l.sequence, l.number, l.transactions,
                c.readers_epoch, n.period, n.sealed_hashes
            from \(known(reach))
                cross join lateral (
                    select n.period, n.sealed_hashes from node_attachment n
                    where (n.channel, n.sequence, n.number) = (l.channel, l.sequence, l.number)
                    limit 1) n
            order by l.channel, l.sequence, l.number limit $\(parameters.count + 1)
            """, parameters + [.int64(Int64(limit))])
    }

    private static func evidence(
        _ lookups: [[UInt8]], _ reach: NodeReach, _ pool: PostgresPool
    ) async throws -> [PostgresRow] {
        try await pool.query(
            """
            select f.channel, f.sequence, f.number, f.readers_epoch, f.lookups, a.period,
                n.sealed_hashes, a.sealed_evidence, m.period as head_period, m.sealed_head
            from (
                    select l.channel, l.sequence, l.number, c.readers_epoch,
                        string_agg(l.lookup, '') as lookups
                    from \(known(reach))
                    group by l.channel, l.sequence, l.number, c.readers_epoch) f
                cross join lateral (
                    select n.sealed_hashes from node_attachment n
                    where (n.channel, n.sequence, n.number) = (f.channel, f.sequence, f.number)
                    limit 1) n
                cross join lateral (
                    select a.period, a.sealed_evidence from attachment a
                    where (a.channel, a.sequence, a.number) = (f.channel, f.sequence, f.number)
                        and a.sealed_evidence is not null limit 1) a
                cross join lateral (
                    select m.period, m.sealed_head from message m
                    where (m.channel, m.sequence) = (f.channel, f.sequence) limit 1) m
            """, [.bytesArray(lookups)] + reach.parameters)
    }
}
