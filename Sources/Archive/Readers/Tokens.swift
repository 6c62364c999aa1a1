import Foundation
import Postgres
import Secrets
import Vault

/// What a token lets its bearer do.
package enum TokenRole: String, Sendable, Codable {
    /// Everything.
    case admin
    /// Reading the channels it was given.
    case reader
    /// Seeing, exporting and asking to forget what is held about one person: himself.
    case subject
}

/// A token as the archive shows it: everything but its secret.
package struct TokenRecord: Sendable {
    package let id: ChannelNumber
    package let role: TokenRole
    /// What a reader may read.
    package let channels: [ChannelNumber]
    /// The person a subject's token is bound to.
    package let subject: ChannelNumber?
    package let createdAt: Date
    package let revokedAt: Date?
}

/// Who asks: what a token that was checked allows.
package struct Caller: Sendable, Equatable {
    package let token: ChannelNumber
    package let role: TokenRole
    package let scope: ChannelScope
    /// The person a subject's token is bound to; his channels are the scope.
    package let subject: ChannelNumber?
}

/// A token's text: `pmn_`, its id, `_`, and its secret in base64url.
private enum TokenForm {
    static let prefix = "pmn_"
    static let secretByteCount = 32

    /// Characters a token may have: beyond them nothing is parsed.
    static let lengthLimit = 128

    static func write(id: ChannelNumber, secret: [UInt8]) -> String {
        prefix + id.text + "_" + Base64URL.encode(secret)
    }

    static func parse(_ text: String) -> (id: ChannelNumber, secret: [UInt8])? {
        guard text.utf8.count <= lengthLimit, text.hasPrefix(prefix) else { return nil }
        let rest = text.dropFirst(prefix.count)
        guard let separator = rest.firstIndex(of: "_"),
            let id = ChannelNumber(text: String(rest[..<separator])),
            let secret = try? Base64URL.decode(String(rest[rest.index(after: separator)...])),
            secret.count == secretByteCount
        else { return nil }
        return (id, secret)
    }
}

extension Archive {
    /// Makes a token. Its text is given once and not kept.
    ///
    /// - Parameters:
    ///   - channels: What a reader may read; ignored for the other roles.
    ///   - subject: The pseudonym of the person a subject's token is bound to; needed for that
    ///     role, ignored for the others.
    /// - Throws: `ArchiveError.noSuchChannel`, `.noSuchSubject`.
    package func createToken(
        _ role: TokenRole, channels: [ChannelNumber] = [], subject: String? = nil, now: Date
    ) async throws -> (record: TokenRecord, text: String) {
        let id = try vault.newChannelNumber()
        let secret = randomBytes(TokenForm.secretByteCount)
        let granted = role == .reader ? Array(Set(channels)).sorted() : []
        let person = try await pool.withTransaction { connection in
            let person = try await boundPerson(role, subject, on: connection)
            _ = try await connection.execute(
                "insert into token (id, role, hash, created_at, subject) values ($1, $2, $3, $4, $5)",
                [
                    .int64(id.rawValue), .text(role.rawValue), .bytes(vault.tokenHash(secret)),
                    .timestamp(now), .optional(person),
                ])
            for channel in granted {
                guard try await lockedChannel(channel, on: connection).state != .forgotten else {
                    throw ArchiveError.noSuchChannel(channel)
                }
                _ = try await connection.execute(
                    "insert into token_channel (token, channel) values ($1, $2)",
                    [.int64(id.rawValue), .int64(channel.rawValue)])
            }
            try await recordAct(
                .tokenCreated, ["token": id.text, "role": role.rawValue], now: now, on: connection)
            for channel in granted {
                try await recordAct(
                    .tokenGranted, of: channel, ["token": id.text], now: now, on: connection)
            }
            if let person {
                try await recordAct(
                    .tokenGranted, of: person, ["token": id.text], now: now, on: connection)
            }
            return person
        }
        let record = TokenRecord(
            id: id, role: role, channels: granted, subject: person, createdAt: now, revokedAt: nil)
        return (record, TokenForm.write(id: id, secret: secret))
    }

    /// The person a token of this role is bound to, who is not forgotten before it is made.
    private func boundPerson(
        _ role: TokenRole, _ pseudonym: String?, on connection: PostgresConnection
    ) async throws -> ChannelNumber? {
        guard role == .subject else { return nil }
        let rows = try await connection.query(
            "select number from subject where lookup = $1 for share",
            [.bytes(vault.subjectHash(Array((pseudonym ?? "").utf8)))])
        guard let row = rows.first else { throw ArchiveError.noSuchSubject }
        return try row.channelNumber("number")
    }

    /// Tokens in the order in which they were made, revoked ones too.
    package func tokens() async throws -> [TokenRecord] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select t.id, t.role, t.subject, t.created_at, t.revoked_at,
                    array(select channel from token_channel tc where tc.token = t.id
                        order by channel) as channels
                from token t order by t.created_at, t.id
                """)
        }
        return try rows.map { row in
            TokenRecord(
                id: try row.channelNumber("id"),
                role: TokenRole(rawValue: try row.text("role")) ?? .reader,
                channels: try row.channelNumbers("channels"),
                subject: try row.optionalChannelNumber("subject"),
                createdAt: try row.timestamp("created_at"),
                revokedAt: try row.optionalTimestamp("revoked_at"))
        }
    }

    /// Ends a token for good; one that is revoked already stays as it is.
    /// - Throws: `ArchiveError.noSuchToken`.
    package func revokeToken(_ id: ChannelNumber, now: Date) async throws {
        try await pool.withTransaction { connection in
            let changed = try await connection.execute(
                "update token set revoked_at = coalesce(revoked_at, $2) where id = $1",
                [.int64(id.rawValue), .timestamp(now)])
            guard changed == 1 else { throw ArchiveError.noSuchToken }
            try await recordAct(.tokenRevoked, ["token": id.text], now: now, on: connection)
        }
    }

    /// Who bears this token; nil where it is none, unknown or revoked.
    ///
    /// The row is found by the id, which is no secret; the secret's hash is compared in
    /// constant time, against a fixed one where there is no row.
    package func authenticate(_ token: String) async throws -> Caller? {
        guard let (id, secret) = TokenForm.parse(token) else { return nil }
        let hash = vault.tokenHash(secret)
        let row = try await grant(of: id)
        let stored = try row?.bytes("hash") ?? [UInt8](repeating: 0, count: hash.count)
        guard constantTimeEqual(stored, hash), let row else { return nil }
        return try caller(id, row)
    }

    /// What a token that was checked before allows now; nil once it is revoked. For answers that
    /// take long.
    package func caller(_ token: ChannelNumber) async throws -> Caller? {
        try await grant(of: token).flatMap { try caller(token, $0) }
    }

    private func grant(of token: ChannelNumber) async throws -> PostgresRow? {
        try await pool.withConnection {
            try await $0.query(
                """
                select t.role, t.hash, t.subject,
                    array(
                        select channel from token_channel tc where tc.token = t.id
                        union all
                        select c.id from channel_subject s join channel c on c.id = s.channel
                        where s.subject = t.subject and c.state <> 'forgotten') as channels
                from token t where t.id = $1 and t.revoked_at is null
                """, [.int64(token.rawValue)])
        }.first
    }

    private func caller(_ token: ChannelNumber, _ row: PostgresRow) throws -> Caller? {
        guard let role = TokenRole(rawValue: try row.text("role")) else { return nil }
        let channels = try row.channelNumbers("channels")
        return Caller(
            token: token, role: role, scope: role == .admin ? .all : .only(Set(channels)),
            subject: try row.optionalChannelNumber("subject"))
    }
}
