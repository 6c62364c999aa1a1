import Archive
import Postgres
import Tangle
import Ternary

/// What a message takes on disk, evidence, indexes and all.
enum StorageFigures {
    /// The tables that grow with every message.
    private static let tables = ["message", "attachment"]

    static func measure(_ filled: FilledArchive) async throws -> [Figure] {
        let messages = Double(PublishedChannels.messageCount)
        let content = filled.published.channels.flatMap(\.transactions).map(contentBytes)
            .reduce(0, +)
        let sizes = try await filled.archive.pool.withConnection { connection in
            var sizes: [(String, Double)] = []
            for table in tables {
                _ = try await connection.execute("vacuum (analyze) \(table)")
                let rows = try await connection.query(
                    """
                    select pg_table_size(c.oid)::bigint as rows,
                        pg_indexes_size(c.oid)::bigint as indexes
                    from pg_class c where c.oid = $1::text::regclass
                    """, [.text(table)])
                guard let row = rows.first else { continue }
                sizes.append(("\(table) rows", Double(try row.int64("rows"))))
                sizes.append(("\(table) indexes", Double(try row.int64("indexes"))))
            }
            return sizes
        }
        guard sizes.count == 2 * tables.count else {
            throw BenchError("the database does not tell its size")
        }
        let all = sizes.map(\.1).reduce(0, +)
        let comparison = ("its transactions without trailing zeros", Double(content) / messages)
        return [
            Figure(
                "on disk, rows and indexes", all / messages, "bytes a message",
                comparedWith: comparison)
        ]
            + sizes.map { name, bytes in
                Figure(
                    "of that \(name)", bytes / messages, "bytes a message",
                    comparedWith: comparison)
            }
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
