import Foundation
import Postgres
import Vault

extension Archive {
    /// Lets something happen to a request.
    ///
    /// - Parameter note: Why it is refused or extended; sealed, and told to the person.
    /// - Throws: `ArchiveError.noSuchRequest`, `.reasonTooLong`; `RequestLifeError`.
    @discardableResult
    package func advance(
        _ id: ChannelNumber, _ event: RequestLife.Event, policy: RequestPolicy = RequestPolicy(),
        note: String? = nil, now: Date
    ) async throws -> ForgetRequestRecord {
        if let note, note.utf8.count > Self.reasonLimit {
            throw ArchiveError.reasonTooLong(limit: Self.reasonLimit)
        }
        return try await pool.withTransaction { connection in
            let record = try await lockedForgetRequest(id, on: connection)
            let life = try record.life.after(event, policy)
            _ = try await connection.execute(
                """
                update forget_request set state = $2, checked_by = $3, approved_by = $4,
                    not_before = $5, extended_by = $6, due_at = $7,
                    sealed_note = coalesce($8, sealed_note),
                    finished_at = case when $2 = 'refused' then $9 else finished_at end
                where id = $1
                """,
                [
                    .int64(id.rawValue), .text(life.state.rawValue),
                    life.checkedBy.map { .int64($0.stored) } ?? .null,
                    life.approvedBy.map { .int64($0.stored) } ?? .null,
                    .optional(life.notBefore), .int16(Int16(life.extendedBy)),
                    .timestamp(life.dueAt),
                    .optional(try note.flatMap { try sealed($0, on: record) }),
                    .timestamp(now),
                ])
            if let kind = event.auditKind {
                try await recordAct(kind, ["request": id.text], now: now, on: connection)
            }
            return try await forgetRequest(id, on: connection)
        }
    }

    /// Nil where the target was forgotten meanwhile: nothing is kept of it any more.
    private func sealed(_ note: String, on request: ForgetRequestRecord) throws -> [UInt8]? {
        do {
            return try vault.seal(
                Array(note.utf8),
                SealedColumn.requestNote.context(request.target, row: request.id.rawValue))
        } catch VaultError.forgotten {
            return nil
        }
    }

    /// Has a request checked and approved by the operator, to be carried out at once: the
    /// command line is one step, whatever requests over HTTP take.
    ///
    /// - Throws: `RequestLifeError`.
    package func hasten(_ request: ForgetRequestRecord, now: Date) async throws {
        var request = request
        if request.state == .received {
            request = try await advance(request.id, .check(by: .operation), now: now)
        }
        let waits = request.life.notBefore.map { $0 > now } ?? false
        if request.state == .checked || (request.state == .approved && waits) {
            try await advance(request.id, .approve(by: .operation, at: now), now: now)
        }
    }

    private func lockedForgetRequest(_ id: ChannelNumber, on connection: PostgresConnection)
        async throws -> ForgetRequestRecord
    {
        _ = try await connection.query(
            "select id from forget_request where id = $1 for update", [.int64(id.rawValue)])
        return try await forgetRequest(id, on: connection)
    }

    /// Whether a request may begin, in the transaction in which it does, with its row locked.
    ///
    /// - Throws: `RequestLifeError` where it may not: not approved, waiting, or held;
    ///   `ArchiveError.sharedChannels` where a channel has become others' data, too, and nobody
    ///   said what is to become of it.
    package func checkBegin(
        _ record: ForgetRequestRecord, now: Date, on connection: PostgresConnection
    )
        async throws
    {
        // A hold that is being set comes before this, or after the forget has begun.
        let target: [PostgresValue] = [.int64(record.target.rawValue)]
        _ = try await connection.query(
            """
            select number from subject
            where number = $1
                or number in (select subject from channel_subject where channel = $1)
                or number in (
                    select o.subject from channel_subject s
                        join channel_subject o on o.channel = s.channel
                    where s.subject = $1)
            order by lookup for update
            """, target)
        _ = try await connection.query(
            """
            select id from channel
            where id = $1 or id in (select channel from channel_subject where subject = $1)
            order by id for update
            """, target)
        let held = try await isHeld(record.target, shared: record.shared, on: connection)
        _ = try record.life.after(.begin(at: now, held: held))
        guard record.shared == .refuse, record.kind != .retention else { return }
        let others = try await sharedChannels(of: record.target, on: connection)
        guard others.isEmpty else { throw ArchiveError.sharedChannels(others) }
    }

    /// Why a request was refused or extended; nil where it was not, or that is forgotten.
    package func note(on request: ForgetRequestRecord) throws -> String? {
        guard let sealed = request.sealedNote else { return nil }
        let column = SealedColumn.requestNote
        do {
            let bytes = try vault.open(
                sealed, column, column.context(request.target, row: request.id.rawValue))
            return String(decoding: bytes, as: UTF8.self)
        } catch VaultError.forgotten {
            return nil
        }
    }

    /// A person's own requests, the latest first: those his token made, and those about him and
    /// his channels.
    package func forgetRequests(of caller: Caller) async throws -> [ForgetRequestRecord] {
        guard let subject = caller.subject else { return [] }
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(ForgetRequestRecord.columns) from forget_request
                where (requester = $1 or target = $2 or target = any ($3)) and scope <> 'retention'
                order by received_at desc, id limit $4
                """,
                [
                    .int64(caller.token.rawValue), .int64(subject.rawValue),
                    caller.scope.parameter, .int64(Int64(Self.requestPageLimit)),
                ])
        }
        return try rows.map(ForgetRequestRecord.init(row:))
    }

    /// A request that a caller may know of; others are told like those that never were, after
    /// the same statement.
    package func forgetRequest(_ id: ChannelNumber, for caller: Caller) async throws
        -> ForgetRequestRecord
    {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select \(ForgetRequestRecord.columns) from forget_request
                where id = $1 and ($2 or requester = $3 or target = $4 or target = any ($5))
                """,
                [
                    .int64(id.rawValue), .bool(caller.role == .admin),
                    .int64(caller.token.rawValue), .optional(caller.subject),
                    caller.scope.parameter,
                ])
        }
        guard let row = rows.first else { throw ArchiveError.noSuchRequest }
        return try ForgetRequestRecord(row: row)
    }

    /// How many requests wait for an answer, and how many of them are late.
    package func openRequestCounts(now: Date) async throws -> (open: Int, late: Int) {
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select count(*) as open, count(*) filter (where due_at < $1) as late
                from forget_request
                where state not in ('done', 'refused') and scope <> 'retention'
                """, [.timestamp(now)])
        }
        guard let row = rows.first else { return (0, 0) }
        return (Int(try row.int64("open")), Int(try row.int64("late")))
    }
}

extension RequestLife.Event {
    fileprivate var auditKind: AuditKind? {
        switch self {
        case .check: .forgetChecked
        case .approve: .forgetApproved
        case .refuse: .forgetRefused
        case .extend: .forgetExtended
        case .begin, .finish: nil
        }
    }
}
