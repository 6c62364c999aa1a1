import Foundation
import Postgres
import Vault

/// What is held of one channel, in counts: what a person may ask for (GDPR, article 15).
package struct Holding: Sendable {
    package struct PeriodCount: Sendable, Equatable {
        /// A month.
        package let period: Period
        package let messages: Int64
    }

    package let channel: ChannelRecord
    /// Months with messages, the first first.
    package let periods: [PeriodCount]
    /// Well-formed bundles that no known side key opens.
    package let waiting: Int64
    package let readers: [Recipient]
}

extension Archive {
    /// What is held of every channel that a scope has, by the channels' numbers.
    package func holdings(within scope: ChannelScope) async throws -> [Holding] {
        var holdings: [Holding] = []
        while true {
            let page = try await channels(after: holdings.last?.channel.id, within: scope)
            for channel in page where channel.state != .forgotten {
                holdings.append(try await holding(channel, within: scope))
            }
            if page.count < Self.channelPageLimit { return holdings }
        }
    }

    private func holding(_ channel: ChannelRecord, within scope: ChannelScope) async throws
        -> Holding
    {
        let (periods, waiting) = try await pool.withConnection { connection in
            let id: [PostgresValue] = [.int64(channel.id.rawValue)]
            let periods = try await connection.query(
                """
                select period, count(*) as messages from message where channel = $1
                group by period order by period
                """, id)
            let waiting = try await connection.query(
                "select count(*) as bundles from candidate where channel = $1", id)
            return (periods, try waiting.first?.int64("bundles") ?? 0)
        }
        return Holding(
            channel: channel,
            periods: try periods.map { row in
                Holding.PeriodCount(
                    period: try row.period("period"), messages: try row.int64("messages"))
            },
            waiting: waiting, readers: try await recipients(of: channel.id, within: scope))
    }

    /// The operator's name for a person.
    /// - Throws: `ArchiveError.noSuchSubject`.
    package func pseudonym(of subject: ChannelNumber) async throws -> String {
        let rows = try await pool.withConnection {
            try await $0.query(
                "select sealed_pseudonym from subject where number = $1",
                [.int64(subject.rawValue)])
        }
        guard let row = rows.first else { throw ArchiveError.noSuchSubject }
        let column = SealedColumn.subjectPseudonym
        let bytes = try vault.open(
            row.bytes("sealed_pseudonym"), column, column.context(subject))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The channels of a person.
    package func scope(ofSubject subject: ChannelNumber) async throws -> ChannelScope {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select id from channel_subject s join channel c on c.id = s.channel
                where s.subject = $1 and c.state <> 'forgotten' order by id
                """,
                [.int64(subject.rawValue)])
        }
        return .only(Set(try rows.map { try $0.channelNumber("id") }))
    }
}
