import Foundation
import Postgres
import Secrets
import Vault

/// How far a request is.
package enum ForgetState: String, Sendable, Codable, CaseIterable {
    case received
    /// The person is who he says.
    case checked
    /// To be carried out, when its time has come and no hold stands against it.
    case approved
    case executing, done
    /// With a reason, or stopped as a mistake.
    case refused
}

/// A request to forget, as the archive shows it.
package struct ForgetRequestRecord: Sendable {
    package enum Kind: String, Sendable, Codable {
        case subject, channel, period
        /// What a channel's retention forgets by itself: nobody asked.
        case retention
    }

    package let id: ChannelNumber
    package let kind: Kind
    /// The subject's or channel's number.
    package let target: ChannelNumber
    /// The key periods of a part of a channel; nil for the whole of it.
    package let periods: ClosedRange<Period>?
    /// What becomes of the person's channels that are others' data, too.
    package let shared: SharedChannels
    /// How many of them there were when it began.
    package let sharedCount: Int?
    package var state: ForgetState { life.state }
    /// Who vouched for it, and until when it has time.
    package let life: RequestLife
    package let receivedAt: Date
    package var dueAt: Date { life.dueAt }
    package let finishedAt: Date?
    package let vacuumedAt: Date?
    /// The signed receipt, a JSON document without personal data, once done.
    package let receipt: String?
    /// Of what was asked for, keyed by the salt; nil where nobody asked.
    package let commitment: [UInt8]?
    /// Proves together with what was asked for that the receipt is the requester's. Known
    /// only to who made the request, right then: it is kept nowhere.
    package internal(set) var salt: ForgetSalt?

    let sealedNote: [UInt8]?

    init(row: PostgresRow) throws {
        id = try row.channelNumber("id")
        target = try row.channelNumber("target")
        guard let kind = Kind(rawValue: try row.text("scope")),
            let state = ForgetState(rawValue: try row.text("state"))
        else { throw ArchiveError.damaged(table: "forget_request", channel: id) }
        self.kind = kind
        shared = SharedChannels(rawValue: try row.text("shared")) ?? .refuse
        sharedCount = try row.optionalInt32("shared_channels").map { Int($0) }
        receivedAt = try row.timestamp("received_at")
        life = RequestLife(
            state: state,
            checkedBy: try row.optionalInt64("checked_by").map(Signatory.init(stored:)),
            approvedBy: try row.optionalInt64("approved_by").map(Signatory.init(stored:)),
            notBefore: try row.optionalTimestamp("not_before"),
            extendedBy: Int(try row.int16("extended_by")), dueAt: try row.timestamp("due_at"))
        sealedNote = try row.optionalBytes("sealed_note")
        finishedAt = try row.optionalTimestamp("finished_at")
        vacuumedAt = try row.optionalTimestamp("vacuumed_at")
        receipt = try row.optionalText("receipt")
        commitment = try row.optionalBytes("commitment")
        periods = try row.optionalPeriods("first_period", "last_period")
    }

    static let columns = """
        id, scope, target, first_period, last_period, state, received_at, due_at, finished_at,
        vacuumed_at, receipt, commitment, checked_by, approved_by, not_before, extended_by,
        sealed_note, shared, shared_channels
        """
}

extension Archive {
    /// Bytes of UTF-8 a request's reason may have.
    package static let reasonLimit = 2000

    /// Requests a list has at most.
    package static let requestPageLimit = 500

    /// Takes a request. One for a target that has an unfinished request already gives that,
    /// without its salt.
    ///
    /// It is due in one month (GDPR, article 12(3)).
    ///
    /// - Parameters:
    ///   - shared: What becomes of channels that are others' data, too. It is looked at again when
    ///     the request begins.
    ///   - opening: How far it is from the start.
    ///   - policy: What approval takes.
    /// - Throws: `ArchiveError.onHold`, `.sharedChannels`, `.noSuchSubject`, `.noSuchChannel` (also for a forgotten
    ///   one), `.periodNotBegun`, `.reasonTooLong`.
    package func receiveForgetRequest(
        _ scope: ForgetSelector, shared: SharedChannels = .refuse, reason: String?,
        opening: RequestLife.Opening = .approved,
        policy: RequestPolicy = RequestPolicy(), now: Date
    ) async throws -> ForgetRequestRecord {
        if let reason, reason.utf8.count > Self.reasonLimit {
            throw ArchiveError.reasonTooLong(limit: Self.reasonLimit)
        }
        if let last = scope.periods?.upperBound, last > Period(now) {
            throw ArchiveError.periodNotBegun(last)
        }
        let id = try vault.newChannelNumber()
        let salt = ForgetSalt.random()
        return try await pool.withTransaction { connection in
            let (kind, target) = try await lockedTarget(scope, on: connection)
            guard try await !isHeld(target, shared: shared, on: connection) else {
                throw ArchiveError.onHold
            }
            if shared == .refuse {
                let others = try await sharedChannels(of: target, on: connection)
                guard others.isEmpty else { throw ArchiveError.sharedChannels(others) }
            }
            let requester = Signatory(AuditActor.current)
            let life = RequestLife(opening, by: requester, policy, at: now)
            let periods = [scope.periods?.lowerBound, scope.periods?.upperBound].map {
                $0.map { PostgresValue.int32(Int32($0.rawValue)) } ?? .null
            }
            let open = try await connection.query(
                """
                select \(ForgetRequestRecord.columns) from forget_request
                where target = $1 and scope = $2 and first_period is not distinct from $3
                    and last_period is not distinct from $4 and shared = $5
                    and state not in ('done', 'refused')
                order by received_at limit 1
                """,
                [.int64(target.rawValue), .text(kind.rawValue)] + periods
                    + [.text(shared.rawValue)])
            if let row = open.first { return try ForgetRequestRecord(row: row) }
            let column = SealedColumn.requestReason
            let rows = try await connection.query(
                """
                insert into forget_request (
                    id, scope, target, sealed_reason, received_at, due_at,
                    first_period, last_period, commitment, state, requester, checked_by,
                    approved_by, not_before, shared)
                values ($1, $2, $3, $4, $5, $5::timestamptz + interval '1 month',
                    $6, $7, $8, $9, $10, $11, $12, $13, $14)
                returning \(ForgetRequestRecord.columns)
                """,
                [
                    .int64(id.rawValue), .text(kind.rawValue), .int64(target.rawValue),
                    .optional(
                        reason.map {
                            // With a period the channel stays, and the reason goes all the same.
                            try vault.seal(
                                Array($0.utf8),
                                column.context(kind == .period ? id : target, row: id.rawValue))
                        }),
                    .timestamp(now),
                ] + periods + [
                    .bytes(salt.commitment(to: scope)), .text(life.state.rawValue),
                    .int64(requester.stored), life.checkedBy.map { .int64($0.stored) } ?? .null,
                    life.approvedBy.map { .int64($0.stored) } ?? .null, .optional(life.notBefore),
                    .text(shared.rawValue),
                ])
            guard let row = rows.first else { throw ArchiveError.noSuchRequest }
            try await recordAct(
                .forgetReceived, ["request": id.text, "scope": kind.rawValue], now: now,
                on: connection)
            var record = try ForgetRequestRecord(row: row)
            record.salt = salt
            return record
        }
    }

    /// Locks the target's row, so that of two requests for it one comes first.
    private func lockedTarget(_ scope: ForgetSelector, on connection: PostgresConnection)
        async throws
        -> (ForgetRequestRecord.Kind, ChannelNumber)
    {
        switch scope {
        case .subject(let pseudonym):
            return (.subject, try await lockedSubject(pseudonym, on: connection))
        case .channel(let channel), .period(let channel, _):
            let record = try await lockedChannel(channel, on: connection)
            guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(channel) }
            // A revocation could go, and what it revokes stay.
            guard scope.periods == nil || !record.isConsent else {
                throw ArchiveError.consentChannel(channel)
            }
            return (scope.periods == nil ? .channel : .period, channel)
        }
    }

    /// Locks a subject's row, so that what is done about it comes before or after.
    /// - Throws: `ArchiveError.noSuchSubject`.
    func lockedSubject(_ pseudonym: String, on connection: PostgresConnection) async throws
        -> ChannelNumber
    {
        let rows = try await connection.query(
            "select number from subject where lookup = $1 for update",
            [.bytes(vault.subjectHash(Array(pseudonym.utf8)))])
        guard let row = rows.first else { throw ArchiveError.noSuchSubject }
        return try row.channelNumber("number")
    }

    /// - Throws: `ArchiveError.noSuchRequest`.
    package func forgetRequest(_ id: ChannelNumber) async throws -> ForgetRequestRecord {
        try await pool.withConnection { try await forgetRequest(id, on: $0) }
    }

    package func forgetRequest(_ id: ChannelNumber, on connection: PostgresConnection)
        async throws -> ForgetRequestRecord
    {
        let rows = try await connection.query(
            "select \(ForgetRequestRecord.columns) from forget_request where id = $1",
            [.int64(id.rawValue)])
        guard let row = rows.first else { throw ArchiveError.noSuchRequest }
        return try ForgetRequestRecord(row: row)
    }

    /// Requests of somebody, without what retention forgets by itself: those that are open
    /// first, the next due before others, then the latest.
    ///
    /// - Parameter onlyOpen: None that are done or refused.
    package func forgetRequests(onlyOpen: Bool = false) async throws -> [ForgetRequestRecord] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(ForgetRequestRecord.columns) from forget_request
                where scope <> 'retention' and (not $2 or state not in ('done', 'refused'))
                order by state in ('done', 'refused'),
                    case when state not in ('done', 'refused') then due_at end,
                    received_at desc, id
                limit $1
                """, [.int64(Int64(Self.requestPageLimit)), .bool(onlyOpen)])
        }
        return try rows.map(ForgetRequestRecord.init(row:))
    }

    /// Requests that are done and whose receipts are still to be completed: first those whose dead
    /// rows are there yet, so that however many wait for a copy of the ring hold up no other; of
    /// these and of the rest the first done first.
    package func incompleteForgetRequests() async throws -> [ForgetRequestRecord] {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(ForgetRequestRecord.columns) from forget_request
                where state = 'done' and completed_at is null
                order by vacuumed_at is not null, finished_at, id limit $1
                """, [.int64(Int64(Self.requestPageLimit))])
        }
        return try rows.map(ForgetRequestRecord.init(row:))
    }

    /// Requests to be carried out now, the longest due first: begun and not done, or approved,
    /// with nothing to wait for and nobody else's channel in them unasked.
    ///
    /// - Parameter ofRetention: those of retention alone, or all but those; nil for both.
    package func openForgetRequests(ofRetention: Bool? = nil, now: Date = .now) async throws
        -> [ForgetRequestRecord]
    {
        let holds = RequestConditions.holds(
            "forget_request.target", shared: "forget_request.shared")
        let others = RequestConditions.shared("forget_request.target")
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(ForgetRequestRecord.columns) from forget_request
                where ($3::boolean is null or $3 = (scope = 'retention')) and (
                    state = 'executing' or (
                    state = 'approved' and (not_before is null or not_before <= $2)
                    and not exists (\(holds))
                    and (shared <> 'refuse' or scope = 'retention' or not exists (\(others)))))
                order by due_at, id limit $1
                """,
                [
                    .int64(Int64(Self.requestPageLimit)), .timestamp(now),
                    ofRetention.map(PostgresValue.bool) ?? .null,
                ])
        }
        return try rows.map(ForgetRequestRecord.init(row:))
    }
}
