import Archive
import Diagnostics
import Foundation
import Postgres
import Vault

/// Carries out forget requests: the only code that deletes what a person's channels hold.
package struct Eraser: Sendable {
    /// Rows one transaction deletes, and heads one transaction takes roots from: small
    /// enough that readers and crawlers of other channels do not notice.
    static let batch = 1000

    let archive: Archive
    let settings: EraserSettings
    let clock: @Sendable () -> Date
    let log: Log
    /// Tells recipients before the receipt is written; nil where there is no webhook.
    let notifier: (any RecipientNotifier)?

    package init(
        archive: Archive, settings: EraserSettings = EraserSettings(),
        notifier: (any RecipientNotifier)? = nil,
        clock: @escaping @Sendable () -> Date = { Date() }, log: Log
    ) {
        self.archive = archive
        self.notifier = notifier
        self.settings = settings
        self.clock = clock
        self.log = log
    }

    /// Does what a request asks for, from wherever it stands to its end.
    ///
    /// - Parameter progress: Told before each step.
    /// - Returns: The request, done; its receipt is final after `complete`.
    /// - Throws: `ArchiveError.noSuchRequest`, `ErasureError.notGone`, or what the database
    ///   or the vault says; the request then goes on with the next call.
    package func execute(
        _ request: ChannelNumber, progress: @Sendable (ForgetJob.Step) -> Void = { _ in }
    ) async throws -> ForgetRequestRecord {
        while true {
            let record = try await archive.forgetRequest(request)
            let step = try await job(record).next
            progress(step)
            try await take(step, record)
            if step == .finished { return record }
        }
    }

    func take(_ step: ForgetJob.Step, _ record: ForgetRequestRecord) async throws {
        switch step {
        case .begin: try await begin(record.id)
        case .bury(let channel): try await bury(channel, record)
        case .shred(let channel): try await shred(channel, record)
        case .delete(let channel): try await delete(channel, record)
        case .conclude: try await conclude(record)
        case .finished:
            log.info("forgotten", ["request": .string(record.id.text)])
        }
    }

    func job(_ record: ForgetRequestRecord) async throws -> ForgetJob {
        let rows = try await archive.pool.withConnection {
            try await $0.query(
                """
                select channel, buried_at is not null as buried,
                    shredded_at is not null as shredded, deleted_at is not null as deleted
                from forget_target where request = $1 order by channel
                """, [.int64(record.id.rawValue)])
        }
        return ForgetJob(
            state: record.state,
            targets: try rows.map {
                .init(
                    channel: try $0.channelNumber("channel"),
                    buried: try $0.bool("buried"), shredded: try $0.bool("shredded"),
                    deleted: try $0.bool("deleted"))
            })
    }

    /// Shuts everybody else out of what is covered, and writes down what that is.
    private func begin(_ request: ChannelNumber) async throws {
        // So that the readers of this process are among those to be told; others' reads come to be
        // told when they are recorded.
        try? await archive.audit.flush()
        try await archive.pool.withTransaction { connection in
            let row = try await connection.lockedRequest(request)
            let record = try await archive.forgetRequest(request, on: connection)
            // Another process may have begun it meanwhile, or be done with it.
            let begun = [ForgetState.executing, .done].map(\.rawValue)
            guard try !begun.contains(row.text("state")) else { return }
            try await archive.checkBegin(record, now: clock(), on: connection)
            switch record.kind {
            case .subject, .channel: try await beginWhole(record, on: connection)
            case .period, .retention: try await beginPart(record, on: connection)
            }
            try await archive.prepareNotices(of: request, now: clock(), on: connection)
            _ = try await connection.execute(
                "update forget_request set state = 'executing' where id = $1",
                [.int64(request.rawValue)])
        }
        try await settings.faultPoint(.begun)
    }

    /// Raises every covered channel's epoch, which shuts out crawlers, and makes them
    /// forgotten, which shuts out readers; a subject's row goes, so that the pseudonym leads
    /// nowhere from here on.
    ///
    /// A channel whose own forget has begun and is not finished is covered, too: until its
    /// last row is gone it knows its subject. Its tombstones, once written, need not be
    /// written again, and could not be, when its keys are gone.
    private func beginWhole(_ record: ForgetRequestRecord, on connection: PostgresConnection)
        async throws
    {
        let isSubject = record.kind == .subject
        let target: [PostgresValue] = [.int64(record.target.rawValue)]
        // Waits for a registration under way, so that what it adds is covered, too.
        _ = try await connection.query(
            "select 1 as one from subject where number = $1 for update", target)
        if isSubject {
            let shared = try await archive.sharedChannels(of: record.target, on: connection)
            _ = try await connection.execute(
                "update forget_request set shared_channels = $2 where id = $1",
                [.int64(record.id.rawValue), .int32(Int32(clamping: shared.count))])
        }
        let covered = try await connection.query(
            """
            with covered as (
                select id from channel
                where \(isSubject ? Self.ofSubject : "id = $2")
                    and (state <> 'forgotten' or registration is not null)
                order by id for update),
            shut as (
                update channel set state = 'forgotten', reason = null, epoch = epoch + 1,
                    readers_epoch = readers_epoch + 1, lease_owner = null, lease_until = null,
                    sealed_label = null, sealed_purpose = null
                where id in (select id from covered))
            insert into forget_target (request, channel, buried_at)
            select $1, id, (
                select min(t.buried_at)
                from forget_target t join forget_request r on r.id = t.request
                where t.channel = covered.id and r.first_period is null)
            from covered returning channel
            """,
            [.int64(record.id.rawValue)] + target
                + (isSubject ? [.bool(record.shared == .leave)] : []))
        try await connection.announce(covered.map { try $0.channelNumber("channel") })
        if isSubject {
            _ = try await connection.execute(
                "delete from channel_subject where subject = $1", target)
            _ = try await connection.execute("delete from subject where number = $1", target)
        }
    }

    /// The channels of the subject $2; where $3 is true, without those that are others' data, too,
    /// and not being forgotten by themselves.
    private static let ofSubject = """
        id in (select channel from channel_subject where subject = $2)
            and not ($3 and state <> 'forgotten' and exists (
                select from channel_subject o where o.channel = id and o.subject <> $2))
        """

    /// Raises the channel's epoch, so that no crawl or import under way writes any more what
    /// it began to read before. The channel is followed on meanwhile: from here on nothing is
    /// sealed under the months that go, not even in the month under way, and what the
    /// tombstones name is not taken in again.
    ///
    /// Of the month under way a part may have been forgotten before; what came since is
    /// sealed under the next month's key, and goes with this request, which means all of it.
    private func beginPart(_ record: ForgetRequestRecord, on connection: PostgresConnection)
        async throws
    {
        guard let periods = record.periods else { return }
        let rows = try await connection.query(
            "select state, open_period from channel where id = $1 for update",
            [.int64(record.target.rawValue)])
        // A channel that is gone as a whole needs nothing any more.
        guard let row = rows.first, try row.text("state") != ChannelState.forgotten.rawValue else {
            return
        }
        let underWay = max(Period(clock()), try row.period("open_period"))
        let last = periods.upperBound < Period(clock()) ? periods.upperBound : underWay
        let parameters: [PostgresValue] = [
            .int64(record.id.rawValue), .int64(record.target.rawValue),
            .int32(Int32(last.rawValue)),
        ]
        _ = try await connection.execute(
            """
            with shut as (
                update channel set epoch = epoch + 1, readers_epoch = readers_epoch + 1,
                    lease_owner = null, lease_until = null,
                    open_period = greatest(open_period, $3 + 1)
                where id = $2),
            range as (update forget_request set last_period = $3 where id = $1)
            insert into forget_target (request, channel) values ($1, $2)
            """, parameters)
        try await connection.announce([record.target])
    }

    private func bury(_ channel: ChannelNumber, _ record: ForgetRequestRecord) async throws {
        try await forgetUnreadableCount(channel, record.id)
        if let periods = record.periods {
            try await archive.buryPart(
                of: channel, periods, batch: Self.batch, request: record.id, clock: clock)
        } else {
            try await archive.buryWhole(
                channel, batch: Self.batch, request: record.id, clock: clock)
        }
        // Another request for the same channel wrote all tombstones, and then took the keys
        // away while this one was still reading.
        if try archive.vault.isForgotten(channel) {
            try await forgetUnreadableCount(channel, record.id, ifBuriedByAnother: true)
        }
        try await settings.faultPoint(.buryingBatch)
        try await noteSample(of: channel, record)
        try await mark("buried_at", channel, record.id)
        try await settings.faultPoint(.buried)
    }

    /// Notes bytes of what will be deleted, sealed so that the search does not find the note.
    private func noteSample(of channel: ChannelNumber, _ record: ForgetRequestRecord) async throws {
        try await archive.pool.withTransaction { connection in
            let sample = try await Sample.noted(of: channel, record.periods, on: connection)
            _ = try await connection.execute(
                """
                update forget_target set sealed_sample = $3
                where request = $1 and channel = $2 and deleted_at is null
                """,
                [
                    .int64(record.id.rawValue), .int64(channel.rawValue),
                    .bytes(
                        try archive.vault.sealCursor(
                            sample.encoded, scope: Self.sampleScope(record.id, channel))),
                ])
        }
    }

    static func sampleScope(_ request: ChannelNumber, _ channel: ChannelNumber) -> String {
        "forget sample \(request.text) \(channel.text)"
    }

    /// A burial that starts over counts anew what it cannot read.
    private func forgetUnreadableCount(
        _ channel: ChannelNumber, _ request: ChannelNumber, ifBuriedByAnother: Bool = false
    ) async throws {
        _ = try await archive.pool.withConnection {
            try await $0.execute(
                """
                update forget_target set counts = counts - $3
                where request = $1 and channel = $2 and (not $4 or exists (
                    select from forget_target o join forget_request r on r.id = o.request
                    where o.channel = $2 and o.request <> $1 and o.buried_at is not null
                        and r.first_period is null))
                """,
                [
                    .int64(request.rawValue), .int64(channel.rawValue),
                    .text(ForgetCount.unreadable), .bool(ifBuriedByAnother),
                ])
        }
    }

    private func shred(_ channel: ChannelNumber, _ record: ForgetRequestRecord) async throws {
        try await settings.faultPoint(.beforeShredding)
        let scopes = record.scopes(of: channel) + record.ownScopes
        if record.periods == nil {
            try await forget(scopes + reasons(of: channel))
            try await deleteReasons(of: channel)
        } else {
            // Not while a forget of the whole channel still reads its roots.
            try await archive.pool.withTransaction { connection in
                guard try await connection.lockRow(of: channel) else { return }
                try await archive.vault.waiting { (vault) throws(VaultError) in
                    try vault.forgetWithoutCopies(scopes)
                }
            }
            _ = try await archive.vault.waiting { $0.updateCopies() }
        }
        try await archive.noteForgetLog()
        try await settings.faultPoint(.shredded)
        try await mark("shredded_at", channel, record.id)
        try await settings.faultPoint(.markedShredded)
    }

    /// What requests for parts of a channel were made for is sealed under their own numbers,
    /// and stays with those that were refused or never approved. Their rows name them until the
    /// keys are gone, so that a forget that is cut off finds them again.
    private func reasons(of channel: ChannelNumber) async throws -> [ForgetScope] {
        let rows = try await archive.pool.withConnection {
            try await $0.query(
                """
                select id from forget_request
                where target = $1 and scope = 'period' and sealed_reason is not null
                """, [.int64(channel.rawValue)])
        }
        return try rows.map { .channel(try $0.channelNumber("id")) }
    }

    private func deleteReasons(of channel: ChannelNumber) async throws {
        _ = try await archive.pool.withConnection {
            try await $0.execute(
                """
                update forget_request set sealed_reason = null
                where target = $1 and scope = 'period' and sealed_reason is not null
                """, [.int64(channel.rawValue)])
        }
    }

    func forget(_ scopes: [ForgetScope]) async throws {
        _ = try await archive.vault.waiting { (vault) throws(VaultError) in
            try vault.forget(scopes)
        }
    }

    func mark(_ column: String, _ channel: ChannelNumber, _ request: ChannelNumber)
        async throws
    {
        _ = try await archive.pool.withConnection {
            try await $0.execute(
                """
                update forget_target set \(column) = coalesce(\(column), $3)
                where request = $1 and channel = $2
                """,
                [.int64(request.rawValue), .int64(channel.rawValue), .timestamp(clock())])
        }
    }

    private func delete(_ channel: ChannelNumber, _ record: ForgetRequestRecord) async throws {
        if let periods = record.periods {
            try await deletePart(of: channel, periods, record.id)
        } else {
            try await deleteWhole(channel, record.id)
        }
        try await settings.faultPoint(.rowsDeleted)
        try await mark("deleted_at", channel, record.id)
        try await settings.faultPoint(.markedDeleted)
    }
}
