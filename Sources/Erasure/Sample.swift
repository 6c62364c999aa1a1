import Archive
import Postgres
import Vault

/// Bytes of what will be deleted, noted before, to be looked for in the database's files
/// afterwards: lookup hashes, and the random nonces with which ciphertexts begin.
struct Sample: Sendable, Equatable {
    /// Rows of each table and channel, half of them the first and half the last.
    static let rowsPerTable = 32
    /// Sequences that one request looks for.
    static let limit = 4096
    /// Of a ciphertext its nonce, which no other has.
    private static let prefixCount = 24
    /// Of a keyed hash all, of a ciphertext its nonce and what follows.
    private static let wholeCount = 32
    /// Shorter ones could stand somewhere by chance.
    static let shortest = 16

    var sequences: [[UInt8]] = []

    /// A byte for each length, then the bytes.
    var encoded: [UInt8] {
        sequences.flatMap { [UInt8(truncatingIfNeeded: $0.count)] + $0 }
    }

    init(sequences: [[UInt8]] = []) { self.sequences = sequences }

    /// Nil for what `encoded` does not give.
    init?(encoded: [UInt8]) {
        var rest = encoded[...]
        while let count = rest.popFirst() {
            guard rest.count >= Int(count) else { return nil }
            sequences.append(Array(rest.prefix(Int(count))))
            rest = rest.dropFirst(Int(count))
        }
    }

    /// Reads what will go.
    static func noted(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>?,
        on connection: PostgresConnection
    ) async throws -> Sample {
        var sample = Sample()
        for (table, value, order) in [
            ("message", "sealed_head", "sequence"),
            ("attachment", "sealed_evidence", "sequence, number"),
            ("candidate", "sealed_bundle", "seen_at"),
        ] {
            let columns = "lookup, substring(\(value) for \(prefixCount)) as prefix"
            let last = order.split(separator: ",").map { "\($0) desc" }.joined(separator: ", ")
            let condition = "channel = $1 and period between $2 and $3"
            let range = periods?.parameters ?? [.int32(0), .int32(Int32(UInt16.max))]
            let rows = try await connection.query(
                """
                (select \(columns) from \(table) where \(condition) order by \(order) limit $4)
                union
                (select \(columns) from \(table) where \(condition) order by \(last) limit $4)
                """,
                [.int64(channel.rawValue)] + range + [.int64(Int64(rowsPerTable / 2))])
            for row in rows {
                for bytes in [try row.bytes("lookup"), try row.optionalBytes("prefix") ?? []]
                where bytes.count >= shortest && bytes.count <= Int(UInt8.max) {
                    sample.sequences.append(bytes)
                }
            }
        }
        sample.sequences += try await nodeLookups(of: channel, periods, on: connection)
        if periods == nil { sample.sequences += try await ofWhole(channel, on: connection) }
        return sample
    }

    /// Of what goes with all of a channel, and not with a part: its keys, trees, consents and grants,
    /// and the hash of its registration. Hashes of bypassed roots stay, as tombstones.
    private static func ofWhole(
        _ channel: ChannelNumber, on connection: PostgresConnection
    ) async throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        for (table, column) in [
            ("side_key", "lookup"), ("side_key", "sealed_key"), ("tree", "sealed_root"),
            ("consent_event", "sealed_event"), ("access_grant", "sealed_purpose"),
            ("registration", "hash"),
        ] {
            // Beside what is noted of messages: a quarter of its rows for each.
            found += try await connection.query(
                """
                select substring(\(column) for $2) as prefix from \(table)
                where channel = $1 and \(column) is not null limit $3
                """,
                [
                    .int64(channel.rawValue), .int32(Int32(wholeCount)),
                    .int64(Int64(rowsPerTable / 4)),
                ]
            ).map { try $0.bytes("prefix") }
        }
        return found.filter { $0.count >= shortest && $0.count <= Int(UInt8.max) }
    }

    /// Of what a node's commands look up: hashes that stand nowhere but in what goes, as those of
    /// the transactions of a channel that is registered once. A tag that a device gives every
    /// message is none of them and would take long to follow: what stands at many places is not
    /// looked at.
    private static func nodeLookups(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>?,
        on connection: PostgresConnection
    ) async throws -> [[UInt8]] {
        let range = periods?.parameters ?? [.int32(0), .int32(Int32(UInt16.max))]
        func goes(_ attachment: String) -> String {
            """
            (\(attachment).period between $2 and $3 or exists (
                select from message m
                where m.channel = \(attachment).channel and m.sequence = \(attachment).sequence
                    and m.period between $2 and $3))
            """
        }
        func some(_ direction: String) -> String {
            """
            (select channel, sequence, number from attachment a
            where channel = $1 and \(goes("a"))
            order by sequence \(direction), number \(direction) limit $4)
            """
        }
        // PostgreSQL keeps no statistics of lookups, and would rather read the whole table.
        _ = try await connection.execute("set local enable_seqscan = off")
        let rows = try await connection.query(
            """
            with edges as materialized (\(some("asc")) union \(some("desc"))),
            lookups as materialized (
                select distinct l.lookup from edges s
                    cross join lateral (
                        select lookup from node_lookup l
                        where (l.channel, l.sequence, l.number)
                            = (s.channel, s.sequence, s.number) limit $5) l)
            select l.lookup from lookups l
                cross join lateral (
                    select count(*) as places, bool_and(o.channel = $1 and exists (
                        select from attachment b
                        where (b.channel, b.sequence, b.number)
                            = (o.channel, o.sequence, o.number) and \(goes("b")))) as go
                    from (
                        select channel, sequence, number from node_lookup o
                        where o.lookup = l.lookup limit $6) o) o
            where o.go and o.places < $6
            """,
            [.int64(channel.rawValue)] + range + [
                .int64(Int64(rowsPerTable / 2)), .int64(Int64(lookupsPerAttachment)),
                .int64(Int64(placesLookedAt)),
            ])
        let hashes = try await connection.query(
            """
            select substring(n.sealed_hashes for \(prefixCount)) as prefix
            from node_attachment n where channel = $1 and period between $2 and $3
            order by sequence limit $4
            """, [.int64(channel.rawValue)] + range + [.int64(Int64(rowsPerTable))])
        _ = try await connection.execute("set local enable_seqscan = default")
        return try rows.map { try $0.bytes("lookup") } + hashes.map { try $0.bytes("prefix") }
    }

    /// Of a bundle of three transactions there are eight.
    private static let lookupsPerAttachment = 32
    private static let placesLookedAt = 33
}
