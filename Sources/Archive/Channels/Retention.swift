import Foundation
import Postgres
import Vault

/// How long a channel's messages are kept: a number of whole months beside the one under way.
package struct Retention: Sendable, Hashable {
    /// A century.
    package static let monthsLimit = 1200

    package let months: Int

    package init?(months: Int) {
        guard (1...Self.monthsLimit).contains(months) else { return nil }
        self.months = months
    }

    /// Of `13m`; nil for anything else.
    package init?(text: String) {
        guard text.last == "m", let months = Int(text.dropLast()),
            text.dropLast().allSatisfy(\.isASCII), text.first != "+"
        else { return nil }
        self.init(months: months)
    }

    package var text: String { "\(months)m" }

    /// The first month that is still kept.
    func firstKept(_ now: Date) -> Period {
        Period(rawValue: UInt16(max(0, Int(Period(now).rawValue) - months)))
    }
}

extension Archive {
    /// Channels that one call of `beginRetention` begins at most; the rest come with the next.
    package static let retentionBatch = 100

    /// Says how long a channel's messages are kept; nil keeps all. What was forgotten stays so.
    ///
    /// - Throws: `ArchiveError.noSuchChannel`, also for a forgotten one; `.consentChannel`, where a
    ///   revocation could go before what it revokes.
    package func setRetention(
        _ retention: Retention?, of channel: ChannelNumber, now: Date = .now
    ) async throws {
        try await pool.withTransaction { connection in
            let record = try await lockedChannel(channel, on: connection)
            guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(channel) }
            guard retention == nil || !record.isConsent else {
                throw ArchiveError.consentChannel(channel)
            }
            _ = try await connection.execute(
                "update channel set retention_months = $2 where id = $1",
                [
                    .int64(channel.rawValue),
                    retention.map { .int32(Int32($0.months)) } ?? .null,
                ])
            try await recordAct(
                .retentionSet, of: channel,
                ["months": retention.map { String($0.months) } ?? "all"],
                now: now, on: connection)
        }
    }

    /// Makes the forgets that are due by retention, for the eraser to carry out: one row a
    /// channel, used again each month, so that months of many channels do not pile up. One
    /// that is not finished yet comes first, and the channel's turn is the next call.
    ///
    /// The watermark is what the forget leaves: tombstones of the passed roots and leaves,
    /// which no later registration brings back, and `retained_from`, before which nothing of
    /// this channel is looked for again. A restricted channel is left alone: "keep" may be
    /// what its owner wants.
    ///
    /// - Returns: How many were made.
    package func beginRetention(now: Date) async throws -> Int {
        let month = Int32(Period(now).rawValue)
        return try await pool.withTransaction { connection in
            let due = try await connection.query(
                """
                select id, retention_months from channel c
                where retention_months is not null and retained_from < $1 - retention_months
                    and state not in ('forgotten', 'restricted')
                    and not exists (
                        select from forget_request r
                        where r.target = c.id and r.scope = 'retention' and r.state not in ('done', 'refused'))
                order by id limit $2 for update of c skip locked
                """, [.int32(month), .int64(Int64(Self.retentionBatch))])
            for row in due {
                guard let retention = Retention(months: Int(try row.int32("retention_months")))
                else { continue }
                try await begin(
                    retention, of: try row.channelNumber("id"), now: now, on: connection)
            }
            return due.count
        }
    }

    private func begin(
        _ retention: Retention, of channel: ChannelNumber, now: Date,
        on connection: PostgresConnection
    ) async throws {
        let kept = Int32(retention.firstKept(now).rawValue)
        _ = try await connection.execute(
            "update channel set retained_from = $2 where id = $1",
            [.int64(channel.rawValue), .int32(kept)])
        guard kept > 0 else { return }
        _ = try await connection.execute(
            """
            delete from forget_target where request in (
                select id from forget_request where target = $1 and scope = 'retention')
            """, [.int64(channel.rawValue)])
        _ = try await connection.execute(
            """
            insert into forget_request (
                id, scope, target, state, received_at, due_at, first_period, last_period)
            values ($1, 'retention', $2, 'approved', $3, $3::timestamptz + interval '1 month',
                0, $4)
            on conflict (target) where scope = 'retention' do update set
                id = excluded.id, state = 'approved', received_at = excluded.received_at,
                due_at = excluded.due_at, last_period = excluded.last_period,
                finished_at = null, vacuumed_at = null, completed_at = null, receipt = null
            """,
            [
                .int64(try vault.newChannelNumber().rawValue), .int64(channel.rawValue),
                .timestamp(now), .int32(kept - 1),
            ])
    }
}
