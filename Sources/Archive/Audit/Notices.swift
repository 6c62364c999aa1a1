import Foundation
import Postgres
import Vault

/// That something a recipient read was forgotten: what tells recipients (GDPR, article 19).
package struct Notice: Sendable, Equatable {
    /// In the order in which notices came to be.
    package let number: Int64
    /// The request that forgot it.
    package let request: ChannelNumber
    /// The token that had read it.
    package let reader: ChannelNumber
    package let channel: ChannelNumber
    package let at: Date
    /// When the webhook took it; nil where it has not, or there is none.
    package let deliveredAt: Date?
}

extension Archive {
    /// Notices a page or a webhook's document has at most.
    package static let noticePageLimit = 500

    /// Writes down, in the transaction in which a forget's targets are written down, whom it
    /// has to tell: every token that read one of the channels. The operator tells himself, those who
    /// read without a token cannot be told, and what retention forgets nobody asked for.
    ///
    /// Doing it again changes nothing.
    package func prepareNotices(
        of request: ChannelNumber, now: Date, on connection: PostgresConnection
    ) async throws {
        _ = try await connection.execute(
            """
            insert into recipient_notice (request, reader, about, at)
            select f.id, r.reader, r.channel, $2
            from forget_request f
            join forget_target t on t.request = f.id
            join recipient r on r.channel = t.channel and r.reader >= 0
            where f.id = $1 and f.scope <> 'retention'
            order by r.channel, r.reader
            on conflict (request, reader, about) do nothing
            """,
            [.int64(request.rawValue), .timestamp(now)])
    }

    /// Notices after a number, in order: what a token is told, or all.
    package func notices(
        for reader: ChannelNumber?, after: Int64 = 0, limit: Int = noticePageLimit
    ) async throws -> [Notice] {
        try await notices(
            "($1::int8 is null or reader = $1) and number > $2",
            [.optional(reader), .int64(after)],
            limit: limit)
    }

    /// Notices of a request, in order.
    package func notices(
        of request: ChannelNumber, after: Int64 = 0, limit: Int = noticePageLimit
    ) async throws -> [Notice] {
        try await notices(
            "request = $1 and number > $2", [.int64(request.rawValue), .int64(after)], limit: limit)
    }

    /// Notices that the webhook has not taken yet and that came to be since a time, in order.
    package func undeliveredNotices(since: Date, limit: Int = noticePageLimit) async throws
        -> [Notice]
    {
        try await notices("delivered_at is null and at >= $1", [.timestamp(since)], limit: limit)
    }

    private func notices(_ condition: String, _ parameters: [PostgresValue], limit: Int)
        async throws -> [Notice]
    {
        let limit = min(max(limit, 1), Self.noticePageLimit)
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select number, request, reader, about, at, delivered_at from recipient_notice
                where \(condition) order by number limit \(limit)
                """, parameters)
        }
        return try rows.map { row in
            Notice(
                number: try row.int64("number"), request: try row.channelNumber("request"),
                reader: try row.channelNumber("reader"), channel: try row.channelNumber("about"),
                at: try row.timestamp("at"),
                deliveredAt: try row.optionalTimestamp("delivered_at"))
        }
    }

    /// That the webhook took them.
    package func markDelivered(_ notices: [Notice], now: Date) async throws {
        guard let first = notices.first else { return }
        try await pool.withTransaction { connection in
            _ = try await connection.execute(
                """
                update recipient_notice set delivered_at = coalesce(delivered_at, $2)
                where number = any ($1)
                """, [.int64Array(notices.map(\.number)), .timestamp(now)])
            try await recordAct(
                .recipientsTold,
                ["request": first.request.text, "notices": String(notices.count)], now: now,
                on: connection)
        }
    }
}
