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
        return sample
    }

    /// Of what a node's commands look up: hashes that stand nowhere but in what goes, as those of
    /// the transactions of a channel that is registered once.
    private static func nodeLookups(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>?,
        on connection: PostgresConnection
    ) async throws -> [[UInt8]] {
        let range = periods?.parameters ?? [.int32(0), .int32(Int32(UInt16.max))]
        let going = """
            with going as (
                select channel, sequence, number from attachment a
                where channel = $1 and (period between $2 and $3 or exists (
                    select from message m
                    where m.channel = a.channel and m.sequence = a.sequence
                        and m.period between $2 and $3)))
            select l.lookup from node_lookup l join going using (channel, sequence, number)
            where not exists (
                select from node_lookup o
                left join going g using (channel, sequence, number)
                where o.lookup = l.lookup and g.channel is null)
            """
        let rows = try await connection.query(
            """
            (\(going) order by l.sequence limit $4)
            union (\(going) order by l.sequence desc limit $4)
            """, [.int64(channel.rawValue)] + range + [.int64(Int64(rowsPerTable / 2))])
        let hashes = try await connection.query(
            """
            select substring(n.sealed_hashes for \(prefixCount)) as prefix
            from node_attachment n where channel = $1 and period between $2 and $3
            order by sequence limit $4
            """, [.int64(channel.rawValue)] + range + [.int64(Int64(rowsPerTable))])
        return try rows.map { try $0.bytes("lookup") } + hashes.map { try $0.bytes("prefix") }
    }
}
