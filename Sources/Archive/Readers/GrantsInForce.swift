import Foundation
import Postgres
import Vault

/// A grant by which something may be read now: neither revoked nor expired.
package struct GrantInForce: Sendable, Hashable {
    /// Who gave it.
    package enum Source: Sendable, Hashable {
        /// An admin or the operator, by this grant.
        case grant(ChannelNumber)
        /// The owner, by the message of this sequence in his consent channel.
        case consent(ChannelNumber, sequence: Int64)
    }

    package let source: Source
    package let channel: ChannelNumber
    package let window: GrantWindow
    let sealedPurpose: [UInt8]?

    init(row: PostgresRow) throws {
        if let consent = try row.optionalChannelNumber("consent") {
            source = .consent(consent, sequence: try row.int64("event"))
        } else {
            source = .grant(try row.channelNumber("id"))
        }
        channel = try row.channelNumber("channel")
        window = try WindowColumns.window(row)
        sealedPurpose = try row.optionalBytes("sealed_purpose")
    }
}

extension Archive {
    /// The grants of a token `t` that are in force, those that consents give included, as `g`; of a
    /// channel, or of all where that is null. The time is the database's, which is the same for all
    /// processes.
    private static func grants(of channel: String) -> String {
        """
        (select g.id, g.channel, \(WindowColumns.stored), g.sealed_purpose,
            null::bigint as consent, null::bigint as event
        from access_grant g
        where g.token = t.id and (\(channel) is null or g.channel = \(channel))
            and g.revoked_at is null and (g.expires_at is null or g.expires_at > now())
        union all
        \(Consents.grants(of: "t.lookup", channel))) g
        """
    }

    /// What a token's row says, with its grants, a row each.
    ///
    /// - Parameter channel: The only one that is asked for; nil for all.
    func tokenRows(_ token: ChannelNumber, about channel: ChannelNumber?) async throws
        -> [PostgresRow]
    {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select t.role, t.hash, t.subject, pg_is_in_recovery() as is_copy,
                    array(
                        select c.id from channel_subject s join channel c on c.id = s.channel
                        where s.subject = t.subject and c.state <> 'forgotten') as channels,
                    g.*
                from token t left join lateral \(Self.grants(of: "$2::bigint"))
                    on t.role = 'reader'
                where t.id = $1 and t.revoked_at is null
                """, [.int64(token.rawValue), .optional(channel)])
        }
        // A copy may not know yet what was revoked.
        guard try rows.first?.bool("is_copy") != true else { throw ArchiveError.interrupted }
        return rows
    }

    func caller(
        _ token: ChannelNumber, _ rows: [PostgresRow], _ askedAt: ContinuousClock.Instant
    ) throws -> Caller? {
        guard let row = rows.first, let role = TokenRole(rawValue: try row.text("role")) else {
            return nil
        }
        let scope: ChannelScope =
            switch role {
            case .admin: .all
            case .subject: .only(Set(try row.channelNumbers("channels")))
            case .reader:
                .granted(
                    try rows.compactMap { row in
                        try row.optionalInt64("channel") == nil
                            ? nil : try GrantInForce(row: row)
                    })
            }
        return Caller(
            askedAt: askedAt, token: token, role: role, scope: scope,
            subject: try row.optionalChannelNumber("subject"))
    }

    /// Who reads what: a token, and the grants it needs for it.
    package struct Reading: Sendable, Hashable {
        package let token: ChannelNumber
        package let channel: ChannelNumber
        /// None where the token's role is enough.
        let grants: Set<GrantInForce>

        package init(_ caller: Caller, of channel: ChannelNumber) {
            token = caller.token
            self.channel = channel
            grants = caller.scope.grants(of: channel)
        }
    }

    /// Those of the readings that may go on: their tokens are not revoked, and all their grants
    /// are in force.
    func allowed(_ readings: Set<Reading>) async throws -> Set<Reading> {
        guard !readings.isEmpty else { return [] }
        let asked = Array(readings)
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select asked.place, pg_is_in_recovery() as is_copy, g.*
                from unnest($1::bigint[], $2::bigint[])
                        with ordinality as asked (token, channel, place)
                    join token t on t.id = asked.token and t.revoked_at is null
                    left join lateral \(Self.grants(of: "asked.channel")) on true
                """,
                [
                    .int64Array(asked.map(\.token.rawValue)),
                    .int64Array(asked.map(\.channel.rawValue)),
                ])
        }
        guard try rows.first?.bool("is_copy") != true else { throw ArchiveError.interrupted }
        var found: [Int: Set<GrantInForce>] = [:]
        for row in rows {
            let place = Int(try row.int64("place")) - 1
            found[place, default: []].formUnion(
                try row.optionalInt64("channel") == nil ? [] : [GrantInForce(row: row)])
        }
        return Set(
            asked.enumerated().compactMap { place, reading in
                found[place]?.isSuperset(of: reading.grants) == true ? reading : nil
            })
    }

    /// What a caller may read now of a channel: known for less than a second.
    ///
    /// - Throws: `ArchiveError.noSuchToken` where his token was revoked, `.fenced` where something
    ///   was taken away by which something was prepared for him, and not all; `.interrupted` where
    ///   the database took too long to tell.
    package func checkStillAllowed(_ caller: Caller, of channel: ChannelNumber) async throws
        -> ChannelScope
    {
        guard let now = try await self.caller(caller.token, about: channel) else {
            throw ArchiveError.noSuchToken
        }
        guard now.isFresh else { throw ArchiveError.interrupted }
        guard now.scope.grants(of: channel).isEmpty || now.scope.keeps(caller.scope, of: channel)
        else { throw ArchiveError.fenced(channel) }
        return now.scope
    }

    /// That what was prepared for a caller may be handed out. Asks again only where what is known of
    /// him is older than a second.
    ///
    /// - Throws: as for a single channel; `.fenced` also where all was taken away.
    package func checkStillAllowed(_ caller: Caller) async throws {
        guard !caller.isFresh else { return }
        guard let now = try await self.caller(caller.token) else {
            throw ArchiveError.noSuchToken
        }
        guard now.isFresh else { throw ArchiveError.interrupted }
        guard case .granted(let grants) = caller.scope else { return }
        for channel in grants.keys where !now.scope.keeps(caller.scope, of: channel) {
            throw ArchiveError.fenced(channel)
        }
    }

    /// What the grants are for by which messages were read, sorted.
    func basis(of grants: some Collection<GrantInForce>) throws -> ReadBasis {
        var basis = ReadBasis()
        for grant in grants {
            switch grant.source {
            case .grant(let id): basis.grants.append(id)
            case .consent(let channel, _): basis.consents.append(channel)
            }
        }
        basis.grants.sort()
        basis.consents = Set(basis.consents).sorted()
        basis.purposes = Set(try grants.compactMap(purpose)).sorted()
        return basis
    }

    /// Nil also where the channel is being forgotten.
    private func purpose(of grant: GrantInForce) throws -> String? {
        guard let sealed = grant.sealedPurpose else { return nil }
        switch grant.source {
        case .grant(let id): return try grantPurpose(sealed, of: grant.channel, id)
        case .consent(let channel, let sequence):
            do {
                return try consentEvent(sealed, of: channel, sequence: sequence).goal
            } catch VaultError.forgotten {
                return nil
            }
        }
    }

    func grantPurpose(
        _ sealed: [UInt8], of channel: ChannelNumber, _ id: ChannelNumber
    ) throws -> String? {
        let column = SealedColumn.grantPurpose
        do {
            let bytes = try vault.open(sealed, column, column.context(channel, row: id.rawValue))
            return String(decoding: bytes, as: UTF8.self)
        } catch VaultError.forgotten {
            return nil
        }
    }
}

extension Caller {
    /// Whether it was asked for less than a second ago.
    fileprivate var isFresh: Bool { ContinuousClock.now - askedAt < ChannelWatch.limit }
}

/// By which grants something was read, and what they are for.
struct ReadBasis: Sendable, Hashable {
    var grants: [ChannelNumber] = []
    /// Consent channels.
    var consents: [ChannelNumber] = []
    var purposes: [String] = []

    static let none = ReadBasis()
}
