import Foundation
import Postgres
import Vault

/// Sessions of the page that were signed out, for every process: a session lies in the browser's
/// cookie, and a copy of that may be anywhere.
extension Archive {
    /// Rows there are at most, some megabyte. Of more the oldest are dropped, which makes a stolen
    /// copy of one's cookie good until its time is over.
    package static let endedSessionLimit = 10_000

    /// Ends a session for good.
    ///
    /// - Parameters:
    ///   - number: The session's, which is random.
    ///   - end: When no copy of its cookie is good any more.
    package func endSession(
        _ number: UInt64, until end: Date, now: Date, limit: Int = endedSessionLimit
    ) async throws {
        try await pool.withTransaction { connection in
            _ = try await connection.execute(
                "delete from ended_session where over_at <= $1", [.timestamp(now)])
            _ = try await connection.execute(
                "insert into ended_session (lookup, over_at) values ($1, $2) on conflict do nothing",
                [.bytes(lookup(ofSession: number)), .timestamp(end)])
            _ = try await connection.execute(
                """
                delete from ended_session where lookup in (
                    select lookup from ended_session order by over_at desc offset $1)
                """, [.int64(Int64(limit))])
        }
    }

    /// Whether a session was signed out, in whatever process.
    package func isEnded(session number: UInt64) async throws -> Bool {
        let rows = try await pool.withConnection {
            try await $0.query(
                "select from ended_session where lookup = $1",
                [.bytes(lookup(ofSession: number))])
        }
        return !rows.isEmpty
    }

    private func lookup(ofSession number: UInt64) -> [UInt8] {
        vault.tokenHash(
            Array("page session".utf8) + withUnsafeBytes(of: number.bigEndian, Array.init))
    }
}
