import Foundation
import Postgres
import Vault

/// Who read a channel, as far as the archive knows.
package struct Recipient: Sendable, Equatable {
    /// A token; nil for the operator, at the command line, and for `isAnyone`.
    package let reader: ChannelNumber?
    /// Those who read without a token, all together.
    package let isAnyone: Bool
    package let firstReadAt: Date
    package let lastReadAt: Date
    /// How many messages were read, those read again counted again.
    package let messages: Int64
}

/// The table of recipients.
enum Recipients {
    /// Stands for the operator.
    static let operatorNumber: Int64 = -1
    /// Stands for those who read without a token.
    static let anyoneNumber: Int64 = -2

    /// Adds to what readers have read; in the order of the channels' numbers. Of a forgotten
    /// channel nothing is added.
    static func record(
        _ reads: [(place: PendingReads.Place, tally: PendingReads.Tally)],
        on connection: PostgresConnection
    ) async throws {
        let channels = reads.map(\.place.channel.rawValue)
        // Against a forget that begins now: it waits, and then finds the rows.
        _ = try await connection.query(
            "select id from channel where id = any ($1) order by id for share",
            [.int64Array(channels)])
        _ = try await connection.execute(
            """
            insert into recipient (channel, reader, first_read_at, last_read_at, messages)
            select c.id, r.reader, min(r.first_at), max(r.last_at), sum(r.messages)::int8
            from unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::timestamptz[], $5::int8[])
                r (channel, reader, first_at, last_at, messages)
            join channel c on c.id = r.channel and c.state <> 'forgotten'
            group by c.id, r.reader
            order by c.id, r.reader
            on conflict (channel, reader) do update set
                first_read_at = least(recipient.first_read_at, excluded.first_read_at),
                last_read_at = greatest(recipient.last_read_at, excluded.last_read_at),
                messages = recipient.messages + excluded.messages
            """,
            [
                .int64Array(channels),
                .int64Array(reads.map(\.place.reader.recipientNumber)),
                .timestampArray(reads.map(\.tally.firstAt)),
                .timestampArray(reads.map(\.tally.lastAt)),
                .int64Array(reads.map(\.tally.messages)),
            ])
    }
}

extension Recipients {
    /// Whom a forget has to tell that wrote down its recipients before these reads were recorded:
    /// in a transaction after theirs, because it waits for requests' rows, which come before
    /// channels' rows everywhere.
    static func tellLate(
        _ reads: [(place: PendingReads.Place, tally: PendingReads.Tally)],
        on connection: PostgresConnection
    ) async throws {
        let reads = reads.filter { $0.place.reader.token != nil }
        guard !reads.isEmpty else { return }
        _ = try await connection.execute(
            """
            insert into recipient_notice (request, reader, about, at)
            select f.id, r.reader, r.channel, r.last_at
            from unnest($1::int8[], $2::int8[], $3::timestamptz[], $4::timestamptz[])
                r (channel, reader, first_at, last_at)
            join forget_target t on t.channel = r.channel
            join forget_request f on f.id = t.request and f.scope <> 'retention'
            where f.first_period is null or t.buried_at is null or t.buried_at >= r.first_at
            order by f.id, r.channel, r.reader
            on conflict (request, reader, about) do nothing
            """,
            [
                .int64Array(reads.map(\.place.channel.rawValue)),
                .int64Array(reads.map(\.place.reader.recipientNumber)),
                .timestampArray(reads.map(\.tally.firstAt)),
                .timestampArray(reads.map(\.tally.lastAt)),
            ])
    }
}

extension Archive {
    /// Recipients of a channel, the first first. What was read in the last second may not be
    /// among it yet.
    ///
    /// - Throws: `ArchiveError.noSuchChannel`, also for one outside `scope`, after the same
    ///   statement.
    package func recipients(
        of channel: ChannelNumber, within scope: ChannelScope = .all
    ) async throws -> [Recipient] {
        guard try await self.channel(channel, within: scope).state != .forgotten else {
            throw ArchiveError.noSuchChannel(channel)
        }
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select reader, first_read_at, last_read_at, messages from recipient
                where channel = $1 order by first_read_at, reader
                """, [.int64(channel.rawValue)])
        }
        return try rows.map { row in
            Recipient(
                reader: ChannelNumber(rawValue: try row.int64("reader")),
                isAnyone: try row.int64("reader") == Recipients.anyoneNumber,
                firstReadAt: try row.timestamp("first_read_at"),
                lastReadAt: try row.timestamp("last_read_at"),
                messages: try row.int64("messages"))
        }
    }
}
