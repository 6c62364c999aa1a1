import Failures
import Postgres

/// Room on the database's disk that is kept for reading and forgetting: both write a little (who
/// read what, what was forgotten), and must still be able to when crawling has filled the disk.
///
/// It is a table of zeros, which is emptied when the disk is full and filled again before crawling
/// goes on. What a server's disk has left cannot be asked of PostgreSQL.
extension Archive {
    /// Taken while the reserve is filled, so that of two processes one waits.
    private static let reserveLock: Int64 = 0x7065_726d_726f_6f6d

    /// Rows of 15,000 zero bits stand four to a page of 8 KiB.
    private static let bytesPerReserveRow = 2048

    /// Whether an error says that the database's disk is full.
    package static func isOutOfRoom(_ error: any Error) -> Bool {
        (error as? PostgresError)?.isDiskFull == true
    }

    /// Makes sure that so many bytes are kept.
    ///
    /// - Parameter beside: Bytes that have to be free besides: with none left, what comes next
    ///   would fill the disk again.
    /// - Throws: `PostgresError`, for which `isOutOfRoom` holds where there is not so much room; then
    ///   none is kept.
    package func keepReserve(_ bytes: Int, beside: Int = 0) async throws {
        let held = try await pool.withConnection {
            try await $0.query("select pg_relation_size('disk_reserve') as size")
        }
        guard try held.first?.int64("size") ?? 0 < Int64(bytes) else { return }
        if beside > 0 {
            struct Enough: Error {}
            do {
                try await pool.withTransaction { connection in
                    try await Self.fill(bytes + beside, on: connection)
                    // Rolled back, which gives the room back at once.
                    throw Enough()
                }
            } catch is Enough {}
        }
        try await pool.withTransaction { try await Self.fill(bytes, on: $0) }
    }

    /// Frees what is kept.
    package func giveUpReserve() async throws { try await Self.giveUpReserve(on: pool) }

    static func giveUpReserve(on pool: PostgresPool) async throws {
        try await pool.withConnection { try await $0.script("truncate disk_reserve") }
    }

    private static func fill(_ bytes: Int, on connection: PostgresConnection) async throws {
        _ = try await connection.query(
            "select pg_advisory_xact_lock($1)", [.int64(reserveLock)])
        // Into a new file, which goes with the transaction where it fails.
        try await connection.script("truncate disk_reserve")
        _ = try await connection.execute(
            "insert into disk_reserve select 0::bit(15000) from generate_series(1, $1::int8)",
            [.int64(Int64(bytes / bytesPerReserveRow))])
    }
}
