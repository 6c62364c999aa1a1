import MAM
import Postgres
import Tangle
import Ternary
import Vault

/// A message's place among all.
package struct MessagePlace: Sendable, Hashable {
    package let channel: ChannelNumber
    package let sequence: Int64

    package init(channel: ChannelNumber, sequence: Int64) {
        self.channel = channel
        self.sequence = sequence
    }
}

/// Messages with what proves them, as they were read: still sealed.
package struct SealedEvidence: Sendable {
    /// A row for each kept attachment of a message, and one for a message without any; by channel
    /// and sequence.
    let rows: [PostgresRow]

    package var isEmpty: Bool { rows.isEmpty }

    /// Of each row.
    func sequences() throws -> [Int64] { try rows.map { try $0.int64(1) } }

    /// Where the next ones begin.
    package func last() throws -> MessagePlace? {
        try rows.last.map { try MessagePlace(row: $0) }
    }
}

/// Rows up to a number of bytes, without cutting a message's.
private struct EvidenceReading {
    /// Ends the reading: the server need not send the rest.
    struct Enough: Error {}

    var rows: [PostgresRow] = []
    private var byteCount = 0

    mutating func add(_ more: [PostgresRow], byteLimit: Int) throws {
        for row in more {
            if byteCount >= byteLimit, let last = rows.last,
                try MessagePlace(row: last) != MessagePlace(row: row)
            {
                throw Enough()
            }
            byteCount += row.byteCount
            rows.append(row)
        }
    }
}

extension MessagePlace {
    init(row: PostgresRow) throws {
        self.init(channel: try row.channelNumber(0), sequence: try row.int64(1))
    }
}

extension Archive {
    /// Messages whose evidence one call reads at most: enough to fill the lanes of the widest
    /// vectors, in some megabytes.
    package static let evidenceBatchLimit = 512

    /// Bytes of evidence that one call reads, unless a single message has more: a thousand
    /// telegrams. Opened they are a few times as large.
    private static let evidenceBytes = 4 << 20

    /// What to join messages `m` with, to get the columns that evidence is opened from. The
    /// limit is never reached; it keeps the planner from reading all attachments for a few messages.
    private static let evidenceColumns = """
        m.channel, m.sequence, m.position, m.leaf, m.period, m.side_key, m.first_seen_at,
            m.attachments, m.conflict, m.confirmed, m.milestone, m.sealed_head,
            a.number, a.period as evidence_period, a.sealed_evidence
        """
    private static let evidenceJoin = """
        left join lateral (
            select number, period, sealed_evidence from attachment
            where channel = m.channel and sequence = m.sequence and sealed_evidence is not null
            order by number limit \(countedAttachmentLimit)) a on true
        """

    /// The next messages of several channels with their evidence, in the order of channels and
    /// sequences.
    ///
    /// - Parameters:
    ///   - channels: in ascending order; others are passed over.
    ///   - place: after which to go on; nil begins.
    /// - Returns: nothing where there is nothing more.
    package func sealedEvidence(
        of channels: [ChannelNumber], after place: MessagePlace?
    ) async throws -> SealedEvidence {
        guard let first = channels.first, let last = channels.last else {
            return SealedEvidence(rows: [])
        }
        // The bounds let rows come in the order of the primary key.
        let start = place ?? MessagePlace(channel: first, sequence: -1)
        var reading = EvidenceReading()
        do {
            try await pool.withConnection { connection in
                try await connection.stream(
                    """
                    with m as (
                        select * from message
                        where (channel, sequence) > ($1, $2) and channel <= $3
                            and channel = any ($4)
                        order by channel, sequence limit $5)
                    select \(Self.evidenceColumns) from m \(Self.evidenceJoin)
                    order by m.channel, m.sequence
                    """,
                    [
                        .int64(start.channel.rawValue), .int64(start.sequence),
                        .int64(last.rawValue), .int64Array(channels.map(\.rawValue)),
                        .int64(Int64(Self.evidenceBatchLimit)),
                    ], batchSize: Self.evidenceBatchLimit
                ) { rows in
                    try reading.add(rows, byteLimit: Self.evidenceBytes)
                }
            }
        } catch is EvidenceReading.Enough {}
        return SealedEvidence(rows: reading.rows)
    }

    /// The evidence of some messages of a channel, within windows where there are any.
    func sealedEvidence(
        of channel: ChannelNumber, sequences: [Int64], _ windows: [GrantWindow]?
    ) async throws -> SealedEvidence {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(Self.evidenceColumns) from message m \(Self.evidenceJoin)
                where m.channel = $1 and m.sequence = any ($2)
                    and \(WindowColumns.anyContains("m", from: 3))
                order by m.channel, m.sequence
                """,
                [.int64(channel.rawValue), .int64Array(sequences)]
                    + WindowColumns.parameters(windows))
        }
        return SealedEvidence(rows: rows)
    }

    /// The side keys that messages name, and which channels they may be read of now: neither
    /// forgotten nor restricted.
    package func readable(_ evidence: SealedEvidence) async throws -> ReadableChannels {
        var keys: Set<SideKeyName> = []
        for row in evidence.rows {
            keys.insert(
                SideKeyName(channel: try row.channelNumber(0), number: try row.optionalInt16(5)))
        }
        let names = keys.filter { $0.number != nil }
        let (channels, sideKeys) = try await pool.withConnection { connection in
            (
                try await connection.query(
                    """
                    select id, mode from channel
                    where id = any ($1) and state not in ('restricted', 'forgotten')
                    """, [.int64Array(Set(keys.map(\.channel)).map(\.rawValue))]),
                names.isEmpty
                    ? []
                    : try await connection.query(
                        """
                        select s.channel, s.number, s.sealed_key, s.first_position
                        from unnest($1::bigint[], $2::smallint[]) as k (channel, number)
                            join side_key s on s.channel = k.channel and s.number = k.number
                        """,
                        [
                            .int64Array(names.map(\.channel.rawValue)),
                            .int16Array(names.map(\.number)),
                        ])
            )
        }
        var readable = ReadableChannels()
        for row in channels {
            let channel = try row.channelNumber("id")
            guard let mode = ChannelMode(rawValue: try row.text("mode")) else {
                throw ArchiveError.damaged(table: "channel", channel: channel)
            }
            readable.modes[channel] = mode
        }
        for row in sideKeys {
            let channel = try row.channelNumber("channel")
            // Where one does not open there is none: every message that needs it then tells.
            let key = try damageApart(in: channel) { try sideKey(row, of: channel) }
            guard case .success(let key)? = key else { continue }
            readable.sideKeys[SideKeyName(channel: channel, number: key.number)] = key.key
        }
        return readable
    }
}

/// Channels that may be read, with the side keys that are wanted of them.
package struct ReadableChannels: Sendable {
    package fileprivate(set) var modes: [ChannelNumber: ChannelMode] = [:]
    fileprivate var sideKeys: [SideKeyName: SideKey] = [:]

    /// Nil where the message names none, or where it is not there or does not open.
    package func sideKey(of message: StoredMessage, in channel: ChannelNumber) -> SideKey? {
        message.sideKey.flatMap { sideKeys[SideKeyName(channel: channel, number: $0)] }
    }
}

/// A side key by its number in a channel.
private struct SideKeyName: Hashable {
    let channel: ChannelNumber
    let number: Int16?
}
