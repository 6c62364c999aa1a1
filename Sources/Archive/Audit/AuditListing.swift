import Foundation
import Postgres
import Vault

/// An entry with its details, as far as they can still be opened.
package struct AuditRecord: Sendable {
    package enum Details: Sendable, Equatable {
        case open([String: String])
        /// The channel or subject they were about is forgotten.
        case forgotten
        /// They do not open, though their key is there.
        case damaged
    }

    package let entry: AuditEntry
    package let details: Details
}

/// Which entries are listed.
package struct AuditFilter: Sendable, Equatable {
    /// A channel or subject.
    package var leaf: ChannelNumber?
    /// At this time or later.
    package var from: Date?
    /// Before this time.
    package var to: Date?

    package init(leaf: ChannelNumber? = nil, from: Date? = nil, to: Date? = nil) {
        self.leaf = leaf
        self.from = from
        self.to = to
    }
}

extension Archive {
    private static let auditBatch = 500

    /// Entries by time, in batches; no connection is held while `body` works.
    package func auditRecords(
        _ filter: AuditFilter, _ body: ([AuditRecord]) async throws -> Void
    ) async throws {
        var last: AuditEntry?
        while true {
            let entries = try await auditEntries(filter, after: last)
            guard let end = entries.last else { return }
            try await body(
                entries.map { AuditRecord(entry: $0, details: try details(of: $0)) })
            guard entries.count == Self.auditBatch else { return }
            last = end
        }
    }

    func auditRecord(_ row: PostgresRow) throws -> AuditRecord {
        let entry = try AuditEntry(row: row)
        return AuditRecord(entry: entry, details: try details(of: entry))
    }

    private func auditEntries(_ filter: AuditFilter, after last: AuditEntry?) async throws
        -> [AuditEntry]
    {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select writer, number, at, kind, actor, leaf, sealed_details, hash
                from audit_entry
                where ($1::int8 is null or leaf = $1) and ($2::timestamptz is null or at >= $2)
                    and ($3::timestamptz is null or at < $3)
                    and ($4::timestamptz is null or (at, writer, number) > ($4, $5, $6))
                order by at, writer, number limit $7
                """,
                [
                    .optional(filter.leaf), .optional(filter.from), .optional(filter.to),
                    .optional(last?.at), .optional(last?.writer), .int64(last?.number ?? 0),
                    .int64(Int64(Self.auditBatch)),
                ])
        }
        return try rows.map(AuditEntry.init(row:))
    }

    private func details(of entry: AuditEntry) throws -> AuditRecord.Details {
        guard let sealed = entry.sealedDetails else { return .forgotten }
        let column = SealedColumn.auditDetails
        do {
            let bytes = try vault.open(
                sealed, column,
                column.context(entry.leaf, row: AuditEntry.row(entry.writer, entry.number)))
            return .open(try AuditDetails.decode(bytes))
        } catch VaultError.forgotten {
            return .forgotten
        } catch is ArchiveError {
            return .damaged
        } catch is DecodingError {
            return .damaged
        }
    }
}

extension AuditEntry {
    init(row: PostgresRow) throws {
        self.init(
            writer: try row.channelNumber("writer"), number: try row.int64("number"),
            at: try row.timestamp("at"), kind: try row.text("kind"),
            actor: try row.optionalChannelNumber("actor"), leaf: try row.channelNumber("leaf"),
            sealedDetails: try row.optionalBytes("sealed_details"), hash: try row.bytes("hash"))
    }
}

extension PostgresValue {
    static func optional(_ date: Date?) -> PostgresValue {
        date.map(PostgresValue.timestamp) ?? .null
    }
}
