import Foundation
import Postgres
import Secrets
import Ternary
import Vault

/// What a token lets its bearer do.
package enum TokenRole: String, Sendable, Codable {
    /// Everything.
    case admin
    /// Reading what its grants say.
    case reader
    /// Seeing, exporting and asking to forget what is held about one person: himself.
    case subject
}

/// A token as the archive shows it: everything but its secret.
package struct TokenRecord: Sendable {
    package let id: ChannelNumber
    package let role: TokenRole
    /// What a reader has grants for that are not revoked.
    package let channels: [ChannelNumber]
    /// The person a subject's token is bound to.
    package let subject: ChannelNumber?
    /// The IOTA address by which owners' consent names a reader.
    package let address: Hash?
    package let createdAt: Date
    package let revokedAt: Date?
}

/// Who asks: what a token that was checked allows.
package struct Caller: Sendable {
    /// Before the database was asked for what follows.
    package let askedAt: ContinuousClock.Instant
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
    ///   - channels: What a reader may read as a whole, by a grant each; ignored for the other
    ///     roles.
    ///   - purpose: What those grants are for.
    ///   - subject: The pseudonym of the person a subject's token is bound to; needed for that
    ///     role, ignored for the others.
    ///   - address: By which owners' consent names a reader; ignored for the other roles.
    /// - Throws: `ArchiveError.noSuchChannel`, `.noSuchSubject`, `.purposeTooLong`.
    package func createToken(
        _ role: TokenRole, channels: [ChannelNumber] = [], purpose: String? = nil,
        subject: String? = nil, address: Hash? = nil, now: Date
    ) async throws -> (record: TokenRecord, text: String) {
        let id = try vault.newChannelNumber()
        let secret = randomBytes(TokenForm.secretByteCount)
        let granted = role == .reader ? Array(Set(channels)).sorted() : []
        let address = role == .reader ? address : nil
        let grants = granted.map { NewGrant(token: id, channel: $0, purpose: purpose) }
        for grant in grants { try check(grant) }
        let person = try await pool.withTransaction { connection in
            let person = try await boundPerson(role, subject, on: connection)
            _ = try await connection.execute(
                """
                insert into token (id, role, hash, created_at, subject, address, lookup)
                values ($1, $2, $3, $4, $5, $6, $7)
                """,
                [
                    .int64(id.rawValue), .text(role.rawValue), .bytes(vault.tokenHash(secret)),
                    .timestamp(now), .optional(person),
                    address.map { .text($0.description) } ?? .null,
                    .optional(address.map(readerLookup)),
                ])
            for channel in granted {
                guard try await lockedChannel(channel, on: connection).state != .forgotten else {
                    throw ArchiveError.noSuchChannel(channel)
                }
            }
            try await recordAct(
                .tokenCreated, ["token": id.text, "role": role.rawValue], now: now, on: connection)
            for grant in grants { _ = try await insert(grant, now: now, on: connection) }
            if let person {
                try await recordAct(
                    .tokenGranted, of: person, ["token": id.text], now: now, on: connection)
            }
            return person
        }
        let record = TokenRecord(
            id: id, role: role, channels: granted, subject: person, address: address,
            createdAt: now, revokedAt: nil)
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
    package func tokens() async throws -> [TokenRecord] { try await tokens(nil) }

    /// - Throws: `ArchiveError.noSuchToken`.
    package func token(_ id: ChannelNumber) async throws -> TokenRecord {
        guard let token = try await tokens(id).first else { throw ArchiveError.noSuchToken }
        return token
    }

    private func tokens(_ only: ChannelNumber?) async throws -> [TokenRecord] {
        let rows = try await pool.query(
            """
            select t.id, t.role, t.subject, t.created_at, t.revoked_at, t.address,
                array(select distinct channel from access_grant g
                    where g.token = t.id and g.revoked_at is null
                    order by channel) as channels
            from token t where $1::bigint is null or t.id = $1 order by t.created_at, t.id
            """, [.optional(only)])
        return try rows.map { row in
            TokenRecord(
                id: try row.channelNumber("id"),
                role: TokenRole(rawValue: try row.text("role")) ?? .reader,
                channels: try row.channelNumbers("channels"),
                subject: try row.optionalChannelNumber("subject"),
                address: try row.optionalText("address").flatMap { try? Hash($0) },
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
    ///
    /// - Parameter channel: The only one that a reader's grants are asked for; nil for all.
    /// - Throws: `ArchiveError.interrupted` where the database is a copy, which may be behind.
    package func authenticate(_ token: String, about channel: ChannelNumber? = nil) async throws
        -> Caller?
    {
        guard let (id, secret) = TokenForm.parse(token) else { return nil }
        let hash = vault.tokenHash(secret)
        let askedAt = ContinuousClock.now
        let rows = try await tokenRows(id, about: channel)
        let stored = try rows.first?.bytes("hash") ?? [UInt8](repeating: 0, count: hash.count)
        guard constantTimeEqual(stored, hash) else { return nil }
        return try caller(id, rows, askedAt)
    }

    /// What a token that was checked before allows now; nil once it is revoked. For answers that
    /// take long.
    package func caller(_ token: ChannelNumber, about channel: ChannelNumber? = nil) async throws
        -> Caller?
    {
        let askedAt = ContinuousClock.now
        return try caller(token, await tokenRows(token, about: channel), askedAt)
    }
}
