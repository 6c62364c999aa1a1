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
    private let clock: @Sendable () -> Date
    private let log: Log
    /// Tells recipients before the receipt is written; nil where there is no webhook.
    private let notifier: (any RecipientNotifier)?

    package init(
        archive: Archive, notifier: (any RecipientNotifier)? = nil,
        clock: @escaping @Sendable () -> Date = { Date() }, log: Log
    ) {
        self.archive = archive
        self.notifier = notifier
        self.clock = clock
        self.log = log
    }

    /// Does what a request asks for, from wherever it stands to its end.
    ///
    /// - Parameter progress: Told before each step.
    /// - Returns: The request, done.
    /// - Throws: `ArchiveError.noSuchRequest`, `ErasureError.notGone`, or what the database
    ///   or the vault says; the request then goes on with the next call.
    package func execute(
        _ request: ChannelNumber, progress: @Sendable (ForgetJob.Step) -> Void = { _ in }
    ) async throws -> ForgetRequestRecord {
        while true {
            let step = try await job(request).next
            progress(step)
            switch step {
            case .begin: try await begin(request)
            case .bury(let channel): try await bury(channel, request)
            case .shred(let channel): try await shred(channel, request)
            case .delete(let channel): try await delete(channel, request)
            case .conclude: try await conclude(request)
            case .finished:
                log.info("forgotten", ["request": .string(request.text)])
                return try await archive.forgetRequest(request)
            }
        }
    }

    func job(_ request: ChannelNumber) async throws -> ForgetJob {
        let state = try await archive.forgetRequest(request).state
        let rows = try await archive.pool.withConnection {
            try await $0.query(
                """
                select channel, buried_at is not null as buried,
                    shredded_at is not null as shredded, deleted_at is not null as deleted
                from forget_target where request = $1 order by channel
                """, [.int64(request.rawValue)])
        }
        return ForgetJob(
            state: state,
            targets: try rows.map {
                .init(
                    channel: try $0.channelNumber("channel"),
                    buried: try $0.bool("buried"), shredded: try $0.bool("shredded"),
                    deleted: try $0.bool("deleted"))
            })
    }

    /// Raises every covered channel's epoch, which shuts out crawlers, and makes them
    /// forgotten, which shuts out readers; a subject's row goes, so that the pseudonym leads
    /// nowhere from here on.
    private func begin(_ request: ChannelNumber) async throws {
        try await archive.pool.withTransaction { connection in
            let row = try await connection.lockedRequest(request)
            guard try row.text("state") == ForgetState.received.rawValue else { return }
            // Waits for a registration under way, so that what it adds is covered, too.
            _ = try await connection.query(
                "select 1 as one from subject where number = $1 for update",
                [.int64(try row.int64("target"))])
            let column = try row.text("scope") == "subject" ? "subject" : "id"
            let parameters: [PostgresValue] = [
                .int64(request.rawValue), .int64(try row.int64("target")),
            ]
            _ = try await connection.execute(
                """
                with covered as (
                    select id from channel
                    where \(column) = $2 and state <> 'forgotten' order by id for update),
                shut as (
                    update channel set state = 'forgotten', reason = null, epoch = epoch + 1,
                        subject = null, sealed_label = null, sealed_purpose = null, lease_owner = null, lease_until = null
                    where id in (select id from covered))
                insert into forget_target (request, channel) select $1, id from covered
                """, parameters)
            try await archive.prepareNotices(of: request, now: clock(), on: connection)
            _ = try await connection.execute(
                """
                update forget_request set state = 'executing' where id = $1
                """, [.int64(request.rawValue)])
            if column == "subject" {
                _ = try await connection.execute(
                    "delete from subject where number = $1", [parameters[1]])
            }
        }
    }

    private func bury(_ channel: ChannelNumber, _ request: ChannelNumber) async throws {
        try await forgetUnreadableCount(channel, request)
        var after: Int64 = -1
        while let last = try await archive.buryRoots(
            of: channel, after: after, batch: Self.batch, request: request, now: clock())
        {
            after = last
        }
        try await mark("buried_at", channel, request)
    }

    /// A burial that starts over counts anew what it cannot read.
    private func forgetUnreadableCount(_ channel: ChannelNumber, _ request: ChannelNumber)
        async throws
    {
        _ = try await archive.pool.withConnection {
            try await $0.execute(
                """
                update forget_target set counts = counts - $3
                where request = $1 and channel = $2
                """,
                [
                    .int64(request.rawValue), .int64(channel.rawValue),
                    .text(ForgetCount.unreadable),
                ])
        }
    }

    private func shred(_ channel: ChannelNumber, _ request: ChannelNumber) async throws {
        try archive.vault.forget(channel)
        try await archive.noteForgetLog()
        try await mark("shredded_at", channel, request)
    }

    private func mark(_ column: String, _ channel: ChannelNumber, _ request: ChannelNumber)
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

    private func delete(_ channel: ChannelNumber, _ request: ChannelNumber) async throws {
        for table in ChannelTable.allCases {
            while try await deleteBatch(of: table, channel, request) == Self.batch {}
        }
        _ = try await archive.pool.withConnection {
            try await $0.execute(
                """
                update channel set registration = null, sealed_label = null, basis = null, reason = null,
                    next_sequence = 0, head_position = 0, last_look_at = null,
                    last_news_at = $2, next_look_at = $2, created_at = $2
                where id = $1
                """, [.int64(channel.rawValue), .timestamp(clock())])
        }
        try await mark("deleted_at", channel, request)
    }

    private func deleteBatch(
        of table: ChannelTable, _ channel: ChannelNumber, _ request: ChannelNumber
    ) async throws -> Int {
        try await archive.pool.withTransaction { connection in
            _ = try await connection.lockedRequest(request)
            let deleted = try await connection.execute(
                """
                delete from \(table.rawValue) where ctid = any (array(
                    select ctid from \(table.rawValue) where channel = $1 limit $2))
                """, [.int64(channel.rawValue), .int64(Int64(Self.batch))])
            try await connection.count(deleted, as: table.rawValue, channel, request)
            return deleted
        }
    }

    private func conclude(_ request: ChannelNumber) async throws {
        await notifier?.tell(request)
        let channels = try await job(request).targets.map(\.channel)
        let record = try await archive.forgetRequest(request)
        if record.kind == .subject { try archive.vault.forget(record.target) }
        // A key ring that was restored from an older copy has keys again that were gone.
        for channel in channels where try !archive.vault.isForgotten(channel) {
            try archive.vault.forget(channel)
        }
        let keys = try channels.filter { try !archive.vault.isForgotten($0) }.count
        try await archive.pool.withTransaction { connection in
            let row = try await connection.lockedRequest(request)
            guard try row.text("state") == ForgetState.executing.rawValue else { return }
            let remaining = try await connection.countRows(of: channels.map(\.rawValue))
                .values.reduce(0, +)
            guard remaining == 0, keys == 0 else {
                throw ErasureError.notGone(request: request, rows: remaining, keys: keys)
            }
            let receipt = try await receipt(record, channels: channels.count, on: connection)
            _ = try await connection.execute(
                """
                update forget_request set state = 'done', sealed_reason = null,
                    finished_at = $2, receipt = $3
                where id = $1
                """,
                [
                    .int64(request.rawValue), .timestamp(receipt.finishedAt),
                    .json(try receipt.json),
                ])
            try await archive.recordAct(
                .forgetDone, ["request": request.text], now: receipt.finishedAt, on: connection)
        }
    }

    private func receipt(
        _ record: ForgetRequestRecord, channels: Int, on connection: PostgresConnection
    ) async throws -> Receipt {
        let request: [PostgresValue] = [.int64(record.id.rawValue)]
        let times = try await connection.query(
            """
            select max(shredded_at) as shredded, max(deleted_at) as deleted
            from forget_target where request = $1
            """, request)
        let counts = try await connection.query(
            """
            select key, sum(value::bigint)::bigint as rows
            from forget_target, jsonb_each_text(counts) where request = $1 group by key
            """, request)
        var rows: [String: Int] = [:]
        for row in counts { rows[try row.text("key")] = Int(try row.int64("rows")) }
        let tombstones = rows.removeValue(forKey: ForgetCount.tombstones) ?? 0
        let unreadable = rows.removeValue(forKey: ForgetCount.unreadable) ?? 0
        return Receipt(
            request: record.id.text, scope: record.kind.rawValue, receivedAt: record.receivedAt,
            shreddedAt: try times.first?.optionalTimestamp("shredded"),
            deletedAt: try times.first?.optionalTimestamp("deleted"), finishedAt: clock(),
            channels: channels, rows: rows, tombstones: tombstones, unreadable: unreadable,
            remaining: 0)
    }
}

/// Names in `forget_target.counts` that are no tables.
enum ForgetCount {
    static let tombstones = "tombstones"
    static let unreadable = "unreadable"
}

extension PostgresConnection {
    /// The request's row, locked: of two that carry out one request, one waits for the other.
    func lockedRequest(_ request: ChannelNumber) throws -> PostgresRow {
        let rows = try query(
            "select state, scope, target from forget_request where id = $1 for update",
            [.int64(request.rawValue)])
        guard let row = rows.first else { throw ArchiveError.noSuchRequest }
        return row
    }

    /// Adds to a count of one channel's forget.
    func count(_ number: Int, as name: String, _ channel: ChannelNumber, _ request: ChannelNumber)
        throws
    {
        guard number > 0 else { return }
        _ = try execute(
            """
            update forget_target set counts = counts || jsonb_build_object(
                $3::text, coalesce((counts ->> $3)::bigint, 0) + $4)
            where request = $1 and channel = $2
            """,
            [
                .int64(request.rawValue), .int64(channel.rawValue), .text(name),
                .int64(Int64(number)),
            ])
    }
}
