import Failures
import Foundation
import MAM
import Postgres
import Ternary
import Vault

/// A channel to be followed, as it is handed in.
package struct ChannelRegistration: Sendable {
    /// Bytes of UTF-8 a label may have: a line on a page.
    package static let labelLimit = 200
    /// Bytes of UTF-8 a purpose may have: a paragraph.
    package static let purposeLimit = 1000
    /// Bytes of UTF-8 a subject's pseudonym may have.
    package static let subjectLimit = 128
    /// People whose data a channel may be: a household, with room.
    package static let subjectCountLimit = 32

    package var root: Root
    package var mode: ChannelMode
    /// Needed in restricted mode, refused in the others.
    package var sideKey: SideKey?
    /// The operator's pseudonyms for the people whose data it is, never names.
    package var subjects: [String]
    package var label: String?
    /// What the messages are kept for.
    package var purpose: String?
    package var basis: LawfulBasis?
    /// How long its messages are kept; nil keeps all.
    package var retention: Retention?
    /// The private channel on which its one subject gives and takes consent.
    package var isConsent = false
    /// The IOTA address by which consent events name the device that writes it.
    package var device: Hash?

    package init(
        root: Root, mode: ChannelMode, sideKey: SideKey? = nil, subjects: [String] = [],
        label: String? = nil, purpose: String? = nil, basis: LawfulBasis? = nil,
        retention: Retention? = nil
    ) {
        self.root = root
        self.mode = mode
        self.sideKey = sideKey
        self.subjects = subjects
        self.label = label
        self.purpose = purpose
        self.basis = basis
        self.retention = retention
    }

    fileprivate func check() throws {
        guard (mode == .restricted) == (sideKey != nil) else {
            throw mode == .restricted
                ? ArchiveError.sideKeyMissing : ArchiveError.sideKeyNotWanted
        }
        if let label, label.utf8.count > Self.labelLimit {
            throw ArchiveError.labelTooLong(limit: Self.labelLimit)
        }
        if let purpose, purpose.utf8.count > Self.purposeLimit {
            throw ArchiveError.purposeTooLong(limit: Self.purposeLimit)
        }
        for subject in subjects { try Self.check(subject: subject) }
        guard !isConsent || (mode == .private && Set(subjects).count == 1 && retention == nil)
        else { throw ArchiveError.consentMalformed }
        guard Set(subjects).count <= Self.subjectCountLimit else {
            throw ArchiveError.tooManySubjects(limit: Self.subjectCountLimit)
        }
    }

    package static func check(subject: String) throws {
        guard (1...subjectLimit).contains(subject.utf8.count),
            subject.unicodeScalars.allSatisfy({ $0.value >= 32 && $0.value != 127 })
        else { throw ArchiveError.subjectMalformed(limit: subjectLimit) }
    }
}

extension Archive {
    /// Registers a channel; it is due for a look at once.
    ///
    /// - Returns: The new channel's number.
    /// - Throws: `ArchiveError.alreadyRegistered`, `.forgotten`, `.consentExists`, or what is wrong with the
    ///   registration.
    package func register(_ registration: ChannelRegistration, now: Date) async throws
        -> ChannelNumber
    {
        try registration.check()
        let root = registration.root.revealPacked()
        return try await pool.withTransaction { connection in
            try await connection.holdTombstones(.shared)
            guard try await !isForgotten(registration.root, on: connection) else {
                throw ArchiveError.forgotten
            }
            let subjects = try await subjectNumbers(
                of: registration.subjects, now, on: connection)
            let channel = try vault.newChannelNumber()
            let person = registration.isConsent ? subjects.first : nil
            if let person { try await checkNoConsentChannel(of: person, on: connection) }
            let (label, purpose) = (SealedColumn.channelLabel, SealedColumn.channelPurpose)
            let hash = vault.registrationHash(root)
            let isNew = try await connection.execute(
                "insert into registration (hash, channel) values ($1, $2) on conflict do nothing",
                [.bytes(hash), .int64(channel.rawValue)])
            guard isNew == 1 else {
                throw ArchiveError.alreadyRegistered(
                    try await registered(as: hash, on: connection))
            }
            _ = try await connection.execute(
                """
                insert into channel (
                    id, mode, state, registration, sealed_label,
                    created_at, next_look_at, last_news_at, basis, sealed_purpose,
                    retention_months, retained_from, consent_of, device)
                values ($1, $2, 'following', $3, $4, $5, $5, $5, $6, $7, $8, $9, $10, $11)
                """,
                [
                    .int64(channel.rawValue), .text(registration.mode.rawValue),
                    .bytes(hash),
                    .optional(
                        registration.label.map {
                            try vault.seal(Array($0.utf8), label.context(channel))
                        }),
                    .timestamp(now),
                    registration.basis.map { .text($0.rawValue) } ?? .null,
                    .optional(
                        registration.purpose.map {
                            try vault.seal(Array($0.utf8), purpose.context(channel))
                        }),
                    registration.retention.map { .int32(Int32($0.months)) } ?? .null,
                    .int32(Int32(Period(now).rawValue)), .optional(person),
                    .optional(registration.device.map(deviceLookup)),
                ])
            try await connection.link(subjects, to: channel)
            try await insertTree(
                channel, position: 0, root: registration.root, now: now, on: connection)
            if let sideKey = registration.sideKey {
                try await insert(sideKey, of: channel, now: now, on: connection)
            }
            try await recordAct(
                .channelAdded, of: channel, ["mode": registration.mode.rawValue], now: now,
                on: connection)
            return channel
        }
    }

    /// Under the lock of the person's row.
    private func checkNoConsentChannel(
        of person: ChannelNumber, on connection: PostgresConnection
    ) async throws {
        let rows = try await connection.query(
            "select id from channel where consent_of = $1", [.int64(person.rawValue)])
        if let row = rows.first {
            throw ArchiveError.consentExists(try row.channelNumber("id"))
        }
    }

    private func registered(as hash: [UInt8], on connection: PostgresConnection) async throws
        -> ChannelNumber
    {
        let rows = try await connection.query(
            """
            select c.id from registration r join channel c on c.id = r.channel
            where r.hash = $1 and c.state <> 'forgotten'
            """, [.bytes(hash)])
        guard let row = rows.first else { throw ArchiveError.forgotten }
        return try row.channelNumber("id")
    }
}
