import Foundation
import Postgres
import Vault

/// Who did what with a person's data: the reads of his channels, and what was given and taken of
/// leave to read them. For the person himself.
package struct AccessLogEntry: Sendable {
    package let record: AuditRecord
    /// The reader's IOTA address, where its token has one.
    package let address: String?
}

/// A page of it, by time.
package struct AccessLogPage: Sendable {
    package let entries: [AccessLogEntry]
    /// Where to go on; nil where there is nothing more now.
    package let next: AccessLogKey?
    package let consent: ConsentStanding?
}

/// The last entry of a page.
package struct AccessLogKey: Sendable, Equatable {
    /// In milliseconds since 1970.
    package let at: Int64
    package let writer: ChannelNumber
    package let number: Int64

    package init(at: Int64, writer: ChannelNumber, number: Int64) {
        self.at = at
        self.writer = writer
        self.number = number
    }
}

/// A person as admins are told of him.
package struct SubjectRecord: Sendable {
    package let number: ChannelNumber
    package let pseudonym: String
    package let createdAt: Date
}

extension Archive {
    /// Entries of a page at most.
    package static let accessLogLimit = 500

    /// People of a page at most.
    package static let subjectPageLimit = 500

    private static let accessKinds: [AuditKind] = [
        .messagesRead, .messagesReadOpenly, .subjectExported, .tokenGranted, .grantRevoked,
        .consentAuthorised, .consentRevoked, .consentDeviceAdded, .consentDeviceDeleted,
    ]

    /// The access log of a person, the oldest entry first. What was read in the last second may not
    /// be among it yet.
    ///
    /// - Parameter caller: A person, who may see his own; anybody else's is told like one that never
    ///   was, after the same statement. Nil for who may see all.
    /// - Throws: `ArchiveError.noSuchSubject`.
    package func accessLog(
        of subject: ChannelNumber, for caller: ChannelNumber? = nil, after: AccessLogKey? = nil,
        limit: Int = accessLogLimit
    ) async throws -> AccessLogPage {
        let found = try await pool.withConnection {
            try await $0.query(
                """
                select array(
                    select c.id from channel_subject l join channel c on c.id = l.channel
                    where l.subject = s.number and c.state <> 'forgotten') as channels
                from subject s where number = $1 and ($2::bigint is null or number = $2)
                """, [.int64(subject.rawValue), .optional(caller)])
        }
        guard let row = found.first else { throw ArchiveError.noSuchSubject }
        let leaves = try row.channelNumbers("channels") + [subject]
        let limit = min(max(limit, 1), Self.accessLogLimit)
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select e.writer, e.number, e.at, e.kind, e.actor, e.leaf, e.sealed_details, e.hash,
                    t.address
                from audit_entry e left join token t on t.id = e.actor
                where e.leaf = any ($1) and e.kind = any ($2)
                    and ($3::timestamptz is null or (e.at, e.writer, e.number) > ($3, $4, $5))
                order by e.at, e.writer, e.number limit $6
                """,
                [
                    .int64Array(leaves.map(\.rawValue)),
                    .textArray(Self.accessKinds.map(\.rawValue)), .optional(after?.date),
                    .optional(after?.writer), .int64(after?.number ?? 0), .int64(Int64(limit)),
                ])
        }
        let entries = try rows.map { row in
            AccessLogEntry(
                record: try auditRecord(row), address: try row.optionalText("address"))
        }
        return AccessLogPage(
            entries: entries,
            next: rows.count == limit ? entries.last.map { AccessLogKey($0.record.entry) } : nil,
            consent: try await consentStanding(of: subject))
    }

    /// People in the order of their numbers.
    package func subjects(after: ChannelNumber? = nil, limit: Int = subjectPageLimit) async throws
        -> [SubjectRecord]
    {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select number, sealed_pseudonym, created_at from subject where number > $1
                order by number limit $2
                """,
                [
                    .int64(after?.rawValue ?? -1),
                    .int64(Int64(min(max(limit, 1), Self.subjectPageLimit))),
                ])
        }
        return try rows.compactMap { row in
            let number = try row.channelNumber("number")
            let column = SealedColumn.subjectPseudonym
            do {
                let bytes = try vault.open(
                    row.bytes("sealed_pseudonym"), column, column.context(number))
                return SubjectRecord(
                    number: number, pseudonym: String(decoding: bytes, as: UTF8.self),
                    createdAt: try row.timestamp("created_at"))
            } catch VaultError.forgotten {
                return nil
            }
        }
    }
}

extension AccessLogKey {
    fileprivate init(_ entry: AuditEntry) {
        self.init(at: entry.at.auditMilliseconds, writer: entry.writer, number: entry.number)
    }

    /// Entries' times are whole milliseconds.
    fileprivate var date: Date { Date(timeIntervalSince1970: Double(at) / 1000) }
}
