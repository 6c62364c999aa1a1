import Archive
import Foundation
import MAM
import Postgres
import Vault

extension Archive {
    /// Writes tombstones of every root the archive knows of a channel: of its trees, of its
    /// messages, of trees that were forgotten in part before, and of those that it was told of and
    /// does not follow. Nothing is added to a channel
    /// that is being forgotten, so the batches cover all there is.
    ///
    /// A value that does not open is counted and passed over: it must not keep the rest from
    /// being forgotten.
    func buryWhole(
        _ channel: ChannelNumber, batch: Int, request: ChannelNumber,
        clock: @Sendable () -> Date
    ) async throws {
        var last: [UInt8]? = []
        while let after = last {
            last = try await pool.withTransaction { connection in
                _ = try await connection.lockedRequest(request)
                try await connection.holdTombstones(.exclusive)
                let hashes = try await connection.query(
                    """
                    select hash from (
                        select hash from partly_forgotten_root where channel = $1 and hash > $2
                        union select hash from bypassed_root where channel = $1 and hash > $2) h
                    order by hash limit $3
                    """, [.int64(channel.rawValue), .bytes(after), .int64(Int64(batch))]
                ).map { try $0.bytes("hash") }
                let buried = try await bury(hashes: hashes, now: clock(), on: connection)
                try await connection.count(buried, as: ForgetCount.tombstones, channel, request)
                return hashes.last
            }
        }
        var after: Int64? = -1
        while let last = after {
            after = try await pool.withTransaction { connection in
                _ = try await connection.lockedRequest(request)
                try await connection.holdTombstones(.exclusive)
                let found = try await storedRoots(
                    of: channel, after: last, limit: batch, on: connection)
                let buried = try await bury(found.roots, now: clock(), on: connection)
                try await connection.count(buried, as: ForgetCount.tombstones, channel, request)
                try await connection.count(
                    found.unreadable, as: ForgetCount.unreadable, channel, request)
                return found.last
            }
        }
    }

    /// Writes tombstones of what goes with a channel's periods; `PartTombstones.swift` says
    /// which. The bundles that wait come first: until then a commit may make a message of one,
    /// sealed under its period; after that nothing is sealed under these periods any more, so the
    /// batches cover all there is.
    func buryPart(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>, batch: Int,
        request: ChannelNumber, clock: @Sendable () -> Date
    ) async throws {
        _ = try await inBurial(of: channel, request) { connection in
            let rows = try await connection.query(
                """
                select lookup from candidate where channel = $1 and period between $2 and $3
                """, [.int64(channel.rawValue)] + periods.parameters)
            let hashes = try rows.map {
                candidateTombstone(try $0.bytes("lookup"), of: channel)
            }
            let buried = try await bury(hashes: hashes, now: clock(), on: connection)
            try await connection.count(buried, as: ForgetCount.tombstones, channel, request)
        }
        var sequence: Int64? = -1
        while let last = sequence {
            sequence =
                try await inBurial(of: channel, request) { connection in
                    try await buryMessages(
                        of: channel, periods, after: last, batch: batch, request: request,
                        now: clock(), on: connection)
                } ?? nil
        }
        var key: (Int64, Int32)? = (-1, -1)
        while let last = key {
            key =
                try await inBurial(of: channel, request) { connection in
                    try await buryAttachments(
                        of: channel, periods, after: last, batch: batch, request: request,
                        now: clock(), on: connection)
                } ?? nil
        }
    }

    /// Runs a batch where no crawl can commit anything for the channel at the same time.
    ///
    /// - Returns: Nil where the channel is being forgotten as a whole: all its roots get
    ///   tombstones then.
    private func inBurial<Value: Sendable>(
        of channel: ChannelNumber, _ request: ChannelNumber,
        _ body: (PostgresConnection) async throws -> Value
    ) async throws -> Value? {
        try await pool.withTransaction { connection in
            _ = try await connection.lockedRequest(request)
            try await connection.holdTombstones(.exclusive)
            let rows = try await connection.query(
                "select state from channel where id = $1 for update",
                [.int64(channel.rawValue)])
            guard try rows.first?.text("state") != ChannelState.forgotten.rawValue else {
                return nil
            }
            return try await body(connection)
        }
    }

    private func buryMessages(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>, after: Int64, batch: Int,
        request: ChannelNumber, now: Date, on connection: PostgresConnection
    ) async throws -> Int64? {
        let rows = try await connection.query(
            """
            with batch as materialized (
                select sequence, position, leaf, period, sealed_head from message
                where channel = $1 and sequence > $4 and period between $2 and $3
                order by sequence limit $5),
            passed as (
                select d.position from (select distinct position from batch) d
                where d.position < (select head_position from channel where id = $1)
                    and not exists (
                        select from tree t where t.channel = $1 and t.position = d.position)
                    and not exists (
                        select from message m where m.channel = $1 and m.position = d.position
                            and m.period not between $2 and $3))
            select batch.*, p.position is not null as passed
            from batch left join passed p using (position) order by sequence
            """,
            [.int64(channel.rawValue)] + periods.parameters + [
                .int64(after), .int64(Int64(batch)),
            ])
        var hashes: Set<[UInt8]> = []
        var open: Set<[UInt8]> = []
        var unreadable = 0
        for row in rows {
            guard let root = try root(of: row, in: channel) else {
                unreadable += 1
                continue
            }
            if try row.bool("passed") {
                hashes.insert(rootTombstone(root))
            } else {
                hashes.insert(leafTombstone(try row.int64("leaf"), of: root))
                open.insert(rootTombstone(root))
            }
        }
        let buried = try await bury(hashes: Array(hashes), now: now, on: connection)
        try await connection.count(buried, as: ForgetCount.tombstones, channel, request)
        try await connection.count(unreadable, as: ForgetCount.unreadable, channel, request)
        try await notePartlyForgotten(Array(open), of: channel, on: connection)
        return try rows.last?.int64("sequence")
    }

    /// Attachments of messages that stay.
    private func buryAttachments(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>, after: (Int64, Int32),
        batch: Int, request: ChannelNumber, now: Date, on connection: PostgresConnection
    ) async throws -> (Int64, Int32)? {
        let rows = try await connection.query(
            """
            select a.sequence, a.number, a.lookup from attachment a
                join message m on m.channel = a.channel and m.sequence = a.sequence
            where a.channel = $1 and (a.sequence, a.number) > ($4, $5)
                and a.period between $2 and $3 and m.period not between $2 and $3
            order by a.sequence, a.number limit $6
            """,
            [.int64(channel.rawValue)] + periods.parameters + [
                .int64(after.0), .int32(after.1), .int64(Int64(batch)),
            ])
        let hashes = try rows.map { attachmentTombstone(try $0.bytes("lookup"), of: channel) }
        let buried = try await bury(hashes: hashes, now: now, on: connection)
        try await connection.count(buried, as: ForgetCount.tombstones, channel, request)
        return try rows.last.map { (try $0.int64("sequence"), try $0.int32("number")) }
    }
}
