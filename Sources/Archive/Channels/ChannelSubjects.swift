import Foundation
import Postgres
import Vault

/// Whose data a channel is: none, one, or several people of a household.
extension Archive {
    /// Adds people to a channel and takes others off it; who is there, or is not, already stays
    /// so. A person who is taken off does not see the channel any more, and a forget of him does
    /// not take it; what the archive has of the channel stays.
    ///
    /// What the audit log says of it goes with the person, not with the channel.
    ///
    /// - Throws: `ArchiveError.noSuchChannel` (also for a forgotten one), `.noSuchSubject` for
    ///   somebody to be taken off, `.subjectMalformed`, `.tooManySubjects`; `.onHold` where a
    ///   hold on the channel or on who is taken off stands against it; `.consentChannel`.
    package func changeSubjects(
        of channel: ChannelNumber, adding added: [String], removing removed: [String], now: Date
    ) async throws {
        for pseudonym in added { try ChannelRegistration.check(subject: pseudonym) }
        try await pool.withTransaction { connection in
            // People before channels, as everywhere.
            let off = try await lockedSubjects(removed, on: connection)
            let on = try await subjectNumbers(of: added, now, on: connection)
            let record = try await lockedChannel(channel, on: connection)
            guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(channel) }
            guard !record.isConsent else { throw ArchiveError.consentChannel(channel) }
            let gone = try await unlink(off.filter { !on.contains($0) }, from: channel, connection)
            let new = try await connection.link(on, to: channel)
            let left = try await connection.query(
                "select count(*) as people from channel_subject where channel = $1",
                [.int64(channel.rawValue)])
            let limit = ChannelRegistration.subjectCountLimit
            guard try left.first?.int64("people") ?? 0 <= Int64(limit) else {
                throw ArchiveError.tooManySubjects(limit: limit)
            }
            for (subjects, kind) in [(gone, AuditKind.subjectRemoved), (new, .subjectAdded)] {
                for subject in subjects {
                    try await recordAct(
                        kind, of: subject, ["channel": channel.text], now: now, on: connection)
                }
            }
        }
    }

    /// - Returns: Who was taken off now.
    private func unlink(
        _ subjects: [ChannelNumber], from channel: ChannelNumber, _ connection: PostgresConnection
    ) async throws -> [ChannelNumber] {
        guard !subjects.isEmpty else { return [] }
        let parameters: [PostgresValue] = [
            .int64(channel.rawValue), .int64Array(subjects.map(\.rawValue)),
        ]
        let held = try await connection.query(
            """
            select 1 as one from legal_hold where target = any ($2)
                or (target = $1 and exists (
                    select from channel_subject where channel = $1 and subject = any ($2)))
            limit 1
            """, parameters)
        guard held.isEmpty else { throw ArchiveError.onHold }
        return try await connection.query(
            """
            delete from channel_subject where channel = $1 and subject = any ($2)
            returning subject
            """, parameters
        ).map { try $0.channelNumber("subject") }
    }

    /// The numbers of people, of whom a new one gets one; their rows are locked.
    func subjectNumbers(
        of pseudonyms: [String], _ now: Date, on connection: PostgresConnection
    ) async throws -> [ChannelNumber] {
        let column = SealedColumn.subjectPseudonym
        var numbers: [ChannelNumber] = []
        for (lookup, pseudonym) in inOrder(pseudonyms) {
            let number = try vault.newChannelNumber()
            // The update changes nothing; it locks the row against a forget and returns it.
            let rows = try await connection.query(
                """
                insert into subject (number, lookup, sealed_pseudonym, created_at)
                values ($1, $2, $3, $4)
                on conflict (lookup) do update set created_at = subject.created_at
                returning number
                """,
                [
                    .int64(number.rawValue), .bytes(lookup),
                    .bytes(try vault.seal(Array(pseudonym.utf8), column.context(number))),
                    .timestamp(now),
                ])
            numbers += try rows.map { try $0.channelNumber("number") }
        }
        return numbers
    }

    /// Locks people's rows.
    /// - Throws: `ArchiveError.noSuchSubject`.
    private func lockedSubjects(_ pseudonyms: [String], on connection: PostgresConnection)
        async throws -> [ChannelNumber]
    {
        guard !pseudonyms.isEmpty else { return [] }
        let lookups = inOrder(pseudonyms).map(\.lookup)
        let rows = try await connection.query(
            "select number from subject where lookup = any ($1) order by lookup for update",
            [.bytesArray(lookups)])
        guard rows.count == lookups.count else { throw ArchiveError.noSuchSubject }
        return try rows.map { try $0.channelNumber("number") }
    }

    /// In the order in which everybody locks people's rows: by their hashes.
    private func inOrder(_ pseudonyms: [String]) -> [(lookup: [UInt8], pseudonym: String)] {
        Set(pseudonyms).map { (lookup: vault.subjectHash(Array($0.utf8)), pseudonym: $0) }
            .sorted { $0.lookup.lexicographicallyPrecedes($1.lookup) }
    }

    /// The subject with this pseudonym.
    /// - Throws: `ArchiveError.noSuchSubject`.
    package func subject(_ pseudonym: String) async throws -> ChannelNumber {
        let lookup = vault.subjectHash(Array(pseudonym.utf8))
        let rows = try await pool.withConnection {
            try await $0.query("select number from subject where lookup = $1", [.bytes(lookup)])
        }
        guard let row = rows.first else { throw ArchiveError.noSuchSubject }
        return try row.channelNumber("number")
    }
}

extension PostgresConnection {
    /// - Returns: Whose data the channel was not yet.
    @discardableResult
    func link(_ subjects: [ChannelNumber], to channel: ChannelNumber) throws -> [ChannelNumber] {
        guard !subjects.isEmpty else { return [] }
        return try query(
            """
            insert into channel_subject (channel, subject) select $1, s from unnest($2::bigint[]) s
            on conflict do nothing returning subject
            """, [.int64(channel.rawValue), .int64Array(subjects.map(\.rawValue))]
        ).map { try $0.channelNumber("subject") }
    }
}
