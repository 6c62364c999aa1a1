import Archive
import Postgres
import Vault

/// Names in `forget_target.counts` that are no tables.
enum ForgetCount {
    static let tombstones = "tombstones"
    static let unreadable = "unreadable"
}

extension PostgresConnection {
    /// The request's row, locked: of two that carry out one request, one waits for the other.
    func lockedRequest(_ request: ChannelNumber) throws -> PostgresRow {
        let rows = try query(
            "select state, scope, target from forget_request where id = $1 for update",
            [.int64(request.rawValue)])
        guard let row = rows.first else { throw ArchiveError.noSuchRequest }
        return row
    }

    /// Adds to a count of one channel's forget.
    func count(_ number: Int, as name: String, _ channel: ChannelNumber, _ request: ChannelNumber)
        throws
    {
        guard number > 0 else { return }
        _ = try execute(
            """
            update forget_target set counts = counts || jsonb_build_object(
                $3::text, coalesce((counts ->> $3)::bigint, 0) + $4)
            where request = $1 and channel = $2
            """,
            [
                .int64(request.rawValue), .int64(channel.rawValue), .text(name),
                .int64(Int64(number)),
            ])
    }
}
