import Archive
import Postgres
import Vault

/// What a forget would erase, in counts.
package struct ForgetPlan: Sendable, Equatable, Codable {
    package var channels: Int
    /// Rows by table.
    package var rows: [String: Int]
    /// Ids of channels that are the data of others, too: they are among `channels`, or stay,
    /// as was asked for.
    package var shared: [String]

    package init(channels: Int, rows: [String: Int], shared: [String] = []) {
        self.channels = channels
        self.rows = rows
        self.shared = shared
    }
}

/// The tables that hold rows of a channel, in the order in which they are emptied. The
/// channel's own row stays as a husk that says that its number is taken.
enum ChannelTable: String, CaseIterable {
    case message, attachment, candidate, tree, recipient
    case sideKey = "side_key"
    case accessGrant = "access_grant"
    case consentEvent = "consent_event"
    case partlyForgottenRoot = "partly_forgotten_root"
    case bypassedRoot = "bypassed_root"
    case nodeLookup = "node_lookup"
    case nodeAttachment = "node_attachment"
    case earlierChain = "earlier_chain"
    // The last: until then a forget of one of its people covers the channel, too.
    case channelSubject = "channel_subject"

    /// Those whose rows belong to a period of the channel.
    static let ofPeriods: [ChannelTable] = [.message, .attachment, .candidate]

    /// Those whose rows go with an attachment.
    static let ofAttachments: [ChannelTable] = [.nodeLookup, .nodeAttachment]
}

extension Archive {
    /// - Throws: `ArchiveError.noSuchSubject`, `.noSuchChannel` (also for a forgotten one).
    package func planForget(_ scope: ForgetSelector, shared: SharedChannels = .refuse) async throws
        -> ForgetPlan
    {
        let numbers: [Int64]
        var others: [ChannelNumber] = []
        switch scope {
        case .subject(let pseudonym):
            let subject = try await subject(pseudonym)
            others = try await pool.withConnection {
                try await sharedChannels(of: subject, on: $0)
            }
            let staying = shared == .leave ? others : []
            numbers = try await pool.withConnection {
                try await $0.query(
                    """
                    select id from channel_subject s join channel c on c.id = s.channel
                    where s.subject = $1 and c.state <> 'forgotten' and c.id <> all ($2)
                    """,
                    [.int64(subject.rawValue), .int64Array(staying.map(\.rawValue))])
            }.map { try $0.int64("id") }
        case .channel(let channel):
            guard try await self.channel(channel).state != .forgotten else {
                throw ArchiveError.noSuchChannel(channel)
            }
            numbers = [channel.rawValue]
            others = try await pool.withConnection {
                try await sharedChannels(of: channel, on: $0)
            }
        case .period(let channel, let periods):
            guard try await self.channel(channel).state != .forgotten else {
                throw ArchiveError.noSuchChannel(channel)
            }
            return try await pool.withConnection { connection in
                ForgetPlan(
                    channels: 1, rows: try await connection.countRows(of: channel, in: periods),
                    shared: try await sharedChannels(of: channel, on: connection).map(\.text))
            }
        }
        return ForgetPlan(
            channels: numbers.count,
            rows: try await pool.withConnection { try await $0.countRows(of: numbers) },
            shared: others.map(\.text))
    }
}

extension PostgresConnection {
    /// Rows of channels by table.
    func countRows(of channels: [Int64]) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for table in ChannelTable.allCases {
            let rows = try query(
                "select count(*) as rows from \(table.rawValue) where channel = any ($1)",
                [.int64Array(channels)])
            counts[table.rawValue] = Int(try rows.first?.int64("rows") ?? 0)
        }
        return counts
    }

    /// Rows that go with a channel's periods, by table. A message's attachments go with it,
    /// whenever they came.
    func countRows(of channel: ChannelNumber, in periods: ClosedRange<Period>) throws
        -> [String: Int]
    {
        let rows = try query(
            """
            with going as materialized (
                select a.sequence, a.number from attachment a
                left join message m on m.channel = a.channel and m.sequence = a.sequence
                where a.channel = $1
                    and (a.period between $2 and $3 or m.period between $2 and $3))
            select (select count(*) from message
                    where channel = $1 and period between $2 and $3) as message,
                (select count(*) from going) as attachment,
                (select count(*) from node_lookup join going using (sequence, number)
                    where channel = $1) as node_lookup,
                (select count(*) from node_attachment join going using (sequence, number)
                    where channel = $1) as node_attachment,
                (select count(*) from candidate
                    where channel = $1 and period between $2 and $3) as candidate
            """, [.int64(channel.rawValue)] + periods.parameters)
        guard let row = rows.first else { return [:] }
        var counts: [String: Int] = [:]
        for table in ChannelTable.ofPeriods + ChannelTable.ofAttachments {
            counts[table.rawValue] = Int(try row.int64(.name(table.rawValue)))
        }
        return counts
    }
}

extension ClosedRange<Period> {
    /// The first and the last month.
    var parameters: [PostgresValue] {
        [.int32(Int32(lowerBound.rawValue)), .int32(Int32(upperBound.rawValue))]
    }

    /// The month that has not begun, behind this range.
    var end: Period { upperBound.next }

    var months: [Period] {
        (lowerBound.rawValue...upperBound.rawValue).map(Period.init(rawValue:))
    }
}
