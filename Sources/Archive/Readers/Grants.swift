import Foundation
import Postgres
import Vault

/// A grant as it is given.
package struct NewGrant: Sendable {
    /// A reader's.
    package var token: ChannelNumber
    package var channel: ChannelNumber
    /// What for, in words.
    package var purpose: String?
    package var window: GrantWindow
    /// From then on nothing is given by it.
    package var expiresAt: Date?

    package init(
        token: ChannelNumber, channel: ChannelNumber, purpose: String? = nil,
        window: GrantWindow = .unlimited, expiresAt: Date? = nil
    ) {
        self.token = token
        self.channel = channel
        self.purpose = purpose
        self.window = window
        self.expiresAt = expiresAt
    }
}

/// A grant as the archive shows it, in force or not.
package struct GrantRecord: Sendable {
    package let id: ChannelNumber
    package let token: ChannelNumber
    package let channel: ChannelNumber
    package let purpose: String?
    package let window: GrantWindow
    package let expiresAt: Date?
    package let grantedAt: Date
    package let grantedBy: Signatory
    package let revokedAt: Date?
}

extension Archive {
    /// Grants of one token for one channel that are not revoked: a window each.
    package static let grantLimit = 32

    /// Grants of a page at most.
    package static let grantPageLimit = 500

    /// Gives a reader a grant.
    ///
    /// - Throws: `ArchiveError.noSuchChannel` (also for a forgotten one), `.noSuchToken` (also for a
    ///   revoked one and for one that is no reader's), `.purposeTooLong`, `.grantMalformed` where no
    ///   message can lie within its bounds, `.tooManyGrants`.
    package func addGrant(_ grant: NewGrant, now: Date) async throws -> GrantRecord {
        try check(grant)
        return try await pool.withTransaction { connection in
            guard try await lockedChannel(grant.channel, on: connection).state != .forgotten else {
                throw ArchiveError.noSuchChannel(grant.channel)
            }
            let tokens = try await connection.query(
                """
                select (select count(*) from access_grant g
                    where g.token = t.id and g.channel = $2 and g.revoked_at is null) as grants
                from token t where t.id = $1 and t.role = 'reader' and t.revoked_at is null
                """, [.int64(grant.token.rawValue), .int64(grant.channel.rawValue)])
            guard let known = try tokens.first?.int64("grants") else {
                throw ArchiveError.noSuchToken
            }
            guard known < Int64(Self.grantLimit) else {
                throw ArchiveError.tooManyGrants(limit: Self.grantLimit)
            }
            return try await insert(grant, now: now, on: connection)
        }
    }

    func check(_ grant: NewGrant) throws {
        let limit = ChannelRegistration.purposeLimit
        if let purpose = grant.purpose, purpose.utf8.count > limit {
            throw ArchiveError.purposeTooLong(limit: limit)
        }
        guard grant.window.isPossible else { throw ArchiveError.grantMalformed }
    }

    /// Under the lock of the channel's row.
    func insert(_ grant: NewGrant, now: Date, on connection: PostgresConnection) async throws
        -> GrantRecord
    {
        let id = try vault.newChannelNumber()
        let column = SealedColumn.grantPurpose
        let sealed = try grant.purpose.map {
            try vault.seal(Array($0.utf8), column.context(grant.channel, row: id.rawValue))
        }
        let signatory = Signatory(AuditActor.current)
        let window = grant.window
        _ = try await connection.execute(
            """
            insert into access_grant (
                id, token, channel, sealed_purpose, seen_from, seen_until, first_position,
                last_position, expires_at, granted_at, granted_by)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            [
                .int64(id.rawValue), .int64(grant.token.rawValue),
                .int64(grant.channel.rawValue), .optional(sealed), .optional(window.seenFrom),
                .optional(window.seenUntil), .optional(window.firstPosition),
                .optional(window.lastPosition), .optional(grant.expiresAt), .timestamp(now),
                .int64(signatory.stored),
            ])
        try await recordAct(
            .tokenGranted, of: grant.channel, grant.auditDetails(id), now: now, on: connection)
        return GrantRecord(
            id: id, token: grant.token, channel: grant.channel, purpose: grant.purpose,
            window: window, expiresAt: grant.expiresAt, grantedAt: now, grantedBy: signatory,
            revokedAt: nil)
    }

    /// Ends a grant for good, and what is being read by it within a second; one that is revoked
    /// already stays as it is.
    /// - Throws: `ArchiveError.noSuchGrant`.
    package func revokeGrant(_ id: ChannelNumber, now: Date) async throws -> GrantRecord {
        try await pool.withTransaction { connection in
            let found = try await connection.query(
                "select channel, token, revoked_at from access_grant where id = $1 for update",
                [.int64(id.rawValue)])
            guard let row = found.first else { throw ArchiveError.noSuchGrant }
            let channel = try row.channelNumber("channel")
            if try row.optionalTimestamp("revoked_at") == nil {
                _ = try await connection.execute(
                    "update access_grant set revoked_at = $2 where id = $1",
                    [.int64(id.rawValue), .timestamp(now)])
                try await recordAct(
                    .grantRevoked, of: channel,
                    ["grant": id.text, "token": try row.channelNumber("token").text], now: now,
                    on: connection)
            }
            let rows = try await connection.query(
                "select \(Self.grantColumns) from access_grant where id = $1",
                [.int64(id.rawValue)])
            guard let row = rows.first else { throw ArchiveError.noSuchGrant }
            return try grantRecord(row)
        }
    }

    /// Grants in the order of their ids, those that are revoked or expired, too.
    ///
    /// - Parameters:
    ///   - channel: Only those for it.
    ///   - token: Only those of it.
    package func grants(
        of channel: ChannelNumber? = nil, to token: ChannelNumber? = nil,
        after: ChannelNumber? = nil, limit: Int = grantPageLimit
    ) async throws -> [GrantRecord] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(Self.grantColumns) from access_grant
                where ($1::bigint is null or channel = $1) and ($2::bigint is null or token = $2)
                    and id > $3
                order by id limit $4
                """,
                [
                    .optional(channel), .optional(token), .int64(after?.rawValue ?? -1),
                    .int64(Int64(min(max(limit, 1), Self.grantPageLimit))),
                ])
        }
        return try rows.map(grantRecord)
    }

    private static let grantColumns = """
        id, token, channel, sealed_purpose, \(WindowColumns.stored), expires_at, granted_at,
        granted_by, revoked_at
        """

    private func grantRecord(_ row: PostgresRow) throws -> GrantRecord {
        let id = try row.channelNumber("id")
        let channel = try row.channelNumber("channel")
        return GrantRecord(
            id: id, token: try row.channelNumber("token"), channel: channel,
            purpose: try row.optionalBytes("sealed_purpose").flatMap {
                try grantPurpose($0, of: channel, id)
            },
            window: try WindowColumns.window(row),
            expiresAt: try row.optionalTimestamp("expires_at"),
            grantedAt: try row.timestamp("granted_at"),
            grantedBy: Signatory(stored: try row.int64("granted_by")),
            revokedAt: try row.optionalTimestamp("revoked_at"))
    }
}

extension NewGrant {
    /// What the audit log tells of it, sealed like the channel.
    fileprivate func auditDetails(_ id: ChannelNumber) -> [String: String] {
        var details = ["grant": id.text, "token": token.text]
        details["purpose"] = purpose
        details["from"] = window.seenFrom?.auditText
        details["until"] = window.seenUntil?.auditText
        details["firstPosition"] = window.firstPosition.map { String($0) }
        details["lastPosition"] = window.lastPosition.map { String($0) }
        details["expires"] = expiresAt?.auditText
        return details
    }
}

extension Date {
    /// RFC 3339 in UTC, to the millisecond.
    var auditText: String {
        formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}

extension PostgresValue {
    static func optional(_ number: Int64?) -> PostgresValue {
        number.map(PostgresValue.int64) ?? .null
    }
}
