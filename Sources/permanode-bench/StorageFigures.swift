import Archive
import Postgres
import Tangle
import Ternary

/// What a message takes on disk, evidence, indexes and all.
enum StorageFigures {
    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        let rows = try await filled.archive.pool.withConnection {
            try await $0.query(
                """
                select sum(pg_total_relation_size(c.oid))::bigint as bytes
                from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'public' and c.relkind = 'r'
                """)
        }
        guard let bytes = try rows.first?.int64("bytes") else {
            throw BenchError("the database does not tell its size")
        }
        let messages = Double(PublishedChannels.messageCount)
        let content = filled.published.channels.flatMap(\.transactions).map(contentBytes)
            .reduce(0, +)
        return [
            Figure(
                "on disk, all tables and indexes", Double(bytes) / messages, "bytes a message",
                comparedWith: (
                    "its transactions without trailing zeros", Double(content) / messages
                )
            )
        ]
    }

    /// Bytes of t5b1 that a transaction's fields take without the nines at their ends.
    private static func contentBytes(_ transaction: Transaction) -> Int {
        TransactionLayout.Field.allCases.map { field in
            let trytes = transaction.trytes[field.range].ascii
            let end = trytes.lastIndex { $0 != UInt8(ascii: "9") }.map { $0 + 1 } ?? 0
            return T5B1.byteCount(tritCount: end * 3)
        }.reduce(0, +)
    }
}
