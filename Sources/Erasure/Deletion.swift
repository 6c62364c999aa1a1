import Archive
import Postgres
import Vault

/// Deleting rows, in bounded batches: short transactions, which readers and crawlers of other
/// channels do not notice.
extension Eraser {
    func deleteWhole(_ channel: ChannelNumber, _ request: ChannelNumber) async throws {
        for table in ChannelTable.allCases {
            while try await deleteBatch(of: table, channel, request) == Self.batch {
                try await settings.faultPoint(.deletingBatch)
            }
            try await settings.faultPoint(.deletingBatch)
        }
        _ = try await archive.pool.withConnection {
            _ = try await $0.execute(
                "delete from registration where hash = (select registration from channel where id = $1)",
                [.int64(channel.rawValue)])
            return try await $0.execute(
                """
                update channel set registration = null, sealed_label = null,
                    sealed_purpose = null, basis = null, reason = null, next_sequence = 0, head_position = 0, last_look_at = null,
                    last_news_at = $2, next_look_at = $2, created_at = $2, open_period = 0,
                    retention_months = null, retained_from = 0,
                    node_interface = null, node_work = null, consent_of = null, device = null
                where id = $1
                """, [.int64(channel.rawValue), .timestamp(clock())])
        }
    }

    private func deleteBatch(
        of table: ChannelTable, _ channel: ChannelNumber, _ request: ChannelNumber
    ) async throws -> Int {
        try await archive.pool.withTransaction { connection in
            _ = try await connection.lockedRequest(request)
            let deleted = try await connection.execute(
                """
                delete from \(table.rawValue) where channel = $1 and ctid = any (array(
                    select ctid from \(table.rawValue) where channel = $1 limit $2))
                """, [.int64(channel.rawValue), .int64(Int64(Self.batch))])
            try await connection.count(deleted, as: table.rawValue, channel, request)
            return deleted
        }
    }

    /// Deletes what came in the periods: messages with all their attachments, whenever those
    /// came; attachments of messages that stay; bundles that wait for a key.
    ///
    /// A message that stays keeps its count of attachments, because they are numbered by it.
    func deletePart(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>, _ request: ChannelNumber
    ) async throws {
        var after: Int64? = -1
        while let last = after {
            after = try await deleteMessages(of: channel, periods, after: last, request)
            try await settings.faultPoint(.deletingBatch)
        }
        var key: (Int64, Int32)? = (-1, -1)
        while let last = key {
            key = try await deleteAttachments(of: channel, periods, after: last, request)
        }
        try await archive.pool.withTransaction { connection in
            _ = try await connection.lockedRequest(request)
            guard try await connection.lockRow(of: channel) else { return }
            let deleted = try await connection.execute(
                "delete from candidate where channel = $1 and period between $2 and $3",
                [.int64(channel.rawValue)] + periods.parameters)
            try await connection.count(
                deleted, as: ChannelTable.candidate.rawValue, channel, request)
            // Passed trees that were kept only for what waited there.
            _ = try await connection.execute(
                """
                delete from tree t
                where channel = $1 and next_look_at = 'infinity' and not exists (
                    select from candidate c where c.channel = $1 and c.position = t.position)
                """, [.int64(channel.rawValue)])
        }
    }

    /// - Returns: The last sequence of the batch; nil where nothing is left.
    private func deleteMessages(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>, after: Int64,
        _ request: ChannelNumber
    ) async throws -> Int64? {
        try await archive.pool.withTransaction { connection in
            _ = try await connection.lockedRequest(request)
            // A commit of a crawl that adds an attachment holds this, too. What is forgotten as
            // a whole is deleted by that, after its roots were read.
            guard try await connection.lockRow(of: channel) else { return nil }
            let rows = try await connection.query(
                """
                with batch as materialized (
                    select sequence from message
                    where channel = $1 and sequence > $4 and period between $2 and $3
                    order by sequence limit $5),
                messages as (
                    delete from message where channel = $1
                        and sequence in (select sequence from batch) returning sequence),
                attachments as (
                    delete from attachment where channel = $1
                        and sequence in (select sequence from batch) returning 1),
                node_lookups as (
                    delete from node_lookup where channel = $1
                        and sequence in (select sequence from batch) returning 1),
                node_attachments as (
                    delete from node_attachment where channel = $1
                        and sequence in (select sequence from batch) returning 1)
                select (select max(sequence) from batch) as last,
                    (select count(*) from messages) as message,
                    (select count(*) from attachments) as attachment,
                    (select count(*) from node_lookups) as node_lookup,
                    (select count(*) from node_attachments) as node_attachment
                """,
                [.int64(channel.rawValue)] + periods.parameters + [
                    .int64(after), .int64(Int64(Self.batch)),
                ])
            guard let row = rows.first else { return nil }
            for table in [.message, .attachment] + ChannelTable.ofAttachments {
                try await connection.count(
                    Int(try row.int64(.name(table.rawValue))), as: table.rawValue, channel, request)
            }
            return try row.optionalInt64("last")
        }
    }

    /// - Returns: The key of the last attachment of the batch; nil where nothing is left.
    private func deleteAttachments(
        of channel: ChannelNumber, _ periods: ClosedRange<Period>, after: (Int64, Int32),
        _ request: ChannelNumber
    ) async throws -> (Int64, Int32)? {
        try await archive.pool.withTransaction { connection in
            _ = try await connection.lockedRequest(request)
            guard try await connection.lockRow(of: channel) else { return nil }
            let rows = try await connection.query(
                """
                with batch as materialized (
                    select sequence, number from attachment
                    where channel = $1 and (sequence, number) > ($4, $5)
                        and period between $2 and $3
                    order by sequence, number limit $6),
                deleted as (
                    delete from attachment where channel = $1
                        and (sequence, number) in (select sequence, number from batch)),
                node_lookups as (
                    delete from node_lookup where channel = $1
                        and (sequence, number) in (select sequence, number from batch)
                    returning 1),
                node_attachments as (
                    delete from node_attachment where channel = $1
                        and (sequence, number) in (select sequence, number from batch)
                    returning 1)
                select sequence, number, (select count(*) from node_lookups) as node_lookup,
                    (select count(*) from node_attachments) as node_attachment
                from batch order by sequence, number
                """,
                [.int64(channel.rawValue)] + periods.parameters + [
                    .int64(after.0), .int32(after.1), .int64(Int64(Self.batch)),
                ])
            try await connection.count(
                rows.count, as: ChannelTable.attachment.rawValue, channel, request)
            for table in ChannelTable.ofAttachments {
                try await connection.count(
                    Int(try rows.first?.int64(.name(table.rawValue)) ?? 0), as: table.rawValue,
                    channel, request)
            }
            return try rows.last.map { (try $0.int64("sequence"), try $0.int32("number")) }
        }
    }
}

extension PostgresConnection {
    /// Locks the row under which everybody writes for a channel.
    ///
    /// - Returns: False where the channel is being forgotten as a whole, or was.
    func lockRow(of channel: ChannelNumber) throws -> Bool {
        let rows = try query(
            "select state from channel where id = $1 for update", [.int64(channel.rawValue)])
        return try rows.first?.text("state") != ChannelState.forgotten.rawValue
    }
}
