import Foundation
import Postgres
import Ternary
import Vault

/// How a person's consent stands: what the channel says on which he gives and takes it.
package struct ConsentStanding: Sendable {
    /// What is authorised now, and since when the archive knows.
    package struct Authorisation: Sendable, Equatable {
        /// The provider's IOTA address.
        package let provider: Hash
        package let goal: String
        package let since: Date
    }

    package let channel: ChannelRecord
    /// The first first.
    package let authorisations: [Authorisation]
}

/// The statements about what is in force of consent events: those of authorisation that no
/// revocation follows on the chain, whatever the order in which they came in. Of twins of a leaf
/// that say both, the revocation holds.
enum Consents {
    /// That no revocation follows the event `e`.
    static let isInForce = """
        e.kind = 'authorised' and not exists (
            select from consent_event r
            where r.channel = e.channel and r.lookup = e.lookup and r.kind = 'revoked'
                and (r.policy is null or r.policy = e.policy)
                and (r.position, r.leaf) >= (e.position, e.leaf))
        """

    /// The grants that consents give a reader, with the columns of `access_grant`'s.
    ///
    /// They are for the channels that are the person's alone, but for the consent channel. Of a
    /// household's channel nobody gives away what is others' too. Where events name a channel's
    /// device, it has to be his: added, and not deleted after that.
    ///
    /// Access begins when the archive learnt of it, with what came in from then on. A past that is
    /// crawled late came in late as well, so what claims an earlier day than the one before is left
    /// out: a claim takes away here, and gives nothing.
    static func grants(of lookup: String, _ channel: String) -> String {
        """
        select null::bigint as id, s.channel,
            greatest(min(e.at), max(d.added_at)) as seen_from, null::timestamptz as seen_until,
            null::bigint as first_position, null::bigint as last_position,
            floor(extract(epoch from greatest(min(e.at), max(d.added_at))) / 86400)::integer - 1
                as claimed_from,
            (array_agg(e.sealed_event order by e.position, e.leaf, e.sequence))[1]
                as sealed_purpose,
            e.channel as consent,
            (array_agg(e.sequence order by e.position, e.leaf, e.sequence))[1] as event
        from consent_event e
            join channel k on k.id = e.channel and k.state not in ('restricted', 'forgotten')
            join channel_subject s on s.subject = k.consent_of
            join channel c on c.id = s.channel and c.consent_of is null
                and c.state <> 'forgotten'
            cross join lateral (
                select count(*) as events,
                    min(a.at) filter (where a.kind = 'device-added' and not exists (
                        select from consent_event x
                        where x.channel = a.channel and x.lookup = a.lookup
                            and x.kind = 'device-deleted'
                            and (x.position, x.leaf) >= (a.position, a.leaf))) as added_at
                from consent_event a
                where a.channel = k.id and a.lookup = c.device) d
        where e.lookup = \(lookup) and (\(channel) is null or s.channel = \(channel))
            and (d.events = 0 or d.added_at is not null)
            and not exists (
                select from channel_subject o
                where o.channel = s.channel and o.subject <> s.subject)
            and \(isInForce)
        group by e.channel, e.policy, s.channel
        """
    }
}

extension Archive {
    /// How a person's consent stands; nil where no consent channel of his is registered.
    package func consentStanding(of subject: ChannelNumber) async throws -> ConsentStanding? {
        let found = try await pool.withConnection {
            try await $0.query(
                "select id from channel where consent_of = $1 and state <> 'forgotten'",
                [.int64(subject.rawValue)])
        }
        guard let id = try found.first?.channelNumber("id") else { return nil }
        let record = try await channel(id)
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select min(e.at) as since,
                    (array_agg(e.sealed_event order by e.position, e.leaf, e.sequence))[1] as sealed,
                    (array_agg(e.sequence order by e.position, e.leaf, e.sequence))[1] as event
                from consent_event e where e.channel = $1 and \(Consents.isInForce)
                group by e.policy order by min(e.at), min(e.sequence)
                """, [.int64(id.rawValue)])
        }
        return ConsentStanding(
            channel: record,
            authorisations: try rows.map { row in
                let event = try consentEvent(
                    row.bytes("sealed"), of: id, sequence: row.int64("event"))
                return .init(
                    provider: event.address, goal: event.goal, since: try row.timestamp("since"))
            })
    }

    func consentEvent(_ sealed: [UInt8], of channel: ChannelNumber, sequence: Int64) throws -> (
        address: Hash, goal: String
    ) {
        let column = SealedColumn.consentEvent
        let bytes = try vault.open(sealed, column, column.context(channel, row: sequence))
        do {
            return try ConsentEvent.decode(bytes)
        } catch {
            throw ArchiveError.damaged(table: column.table, channel: channel)
        }
    }
}
