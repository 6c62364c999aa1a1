import Archive
import Foundation
import Postgres
import Vault

/// Deleting what a database that was restored from an older backup has again.
extension Reconciliation {
    /// Shuts everybody out of the channels as a forget does, and deletes their rows; of those that
    /// a forget is at now, that one does.
    func forget(
        _ numbers: [ChannelNumber], on connection: PostgresConnection,
        _ report: inout ReconciliationReport
    ) async throws {
        let parameter: [PostgresValue] = [.int64Array(numbers.map(\.rawValue))]
        let shut = try await connection.withTransaction { connection in
            try await connection.lockInOrder(numbers.map(\.rawValue))
            let shut = try await connection.query(
                """
                update channel set state = 'forgotten', reason = null, epoch = epoch + 1,
                    readers_epoch = readers_epoch + 1, lease_owner = null, lease_until = null,
                    sealed_label = null, sealed_purpose = null
                where id = any ($1) and state <> 'forgotten' returning id
                """, parameter
            ).map { try $0.channelNumber("id") }
            try await connection.announce(shut)
            return shut
        }
        report.channelsForgotten += shut.count
        let people = try await connection.withTransaction { connection in
            (
                links: try await connection.execute(
                    "delete from channel_subject where subject = any ($1)", parameter),
                subjects: try await connection.query(
                    "delete from subject where number = any ($1) returning number", parameter
                ).map { try $0.channelNumber("number") }
            )
        }
        // Nobody can forget against a hold, so it is older than the forget.
        _ = try await connection.execute(
            "delete from legal_hold where target = any ($1)", parameter)
        // Of what the database did not know to be forgotten, who asked has a receipt: carried out
        // again, there would be a second that says that nothing was there.
        report.requestsRefused += try await connection.execute(
            """
            update forget_request set state = 'refused', finished_at = now()
            where target = any ($1) and state in ('received', 'checked', 'approved')
                and scope <> 'retention'
            """, [.int64Array((shut + people.subjects).map(\.rawValue))])
        report.delete(people.links, from: .channelSubject)
        report.subjectsForgotten += people.subjects.count
        let channels = try await connection.query(
            """
            select id from channel where id = any ($1) and state = 'forgotten' and not exists (
                select from forget_target t join forget_request r on r.id = t.request
                where t.channel = channel.id and r.first_period is null and r.state <> 'done')
            """, parameter
        ).map { try $0.int64("id") }
        guard !channels.isEmpty else { return }
        for table in ChannelTable.allCases {
            let count = try await deleteAll(of: table, on: connection, [.int64Array(channels)]) {
                """
                delete from \($0) where ctid = any (array(
                    select ctid from \($0) where channel = any ($1) limit $2))
                """
            }
            report.delete(count, from: table)
        }
        _ = try await connection.execute(
            """
            delete from registration where hash in (
                select registration from channel where id = any ($1))
            """, [.int64Array(channels)])
        _ = try await connection.execute(
            """
            update channel set registration = null, sealed_label = null, sealed_purpose = null,
                basis = null, reason = null, next_sequence = 0, head_position = 0,
                last_look_at = null, last_news_at = created_at, next_look_at = created_at,
                open_period = 0, retention_months = null, retained_from = 0,
                node_interface = null, node_work = null, consent_of = null, device = null
            where id = any ($1) and registration is not null
            """, [.int64Array(channels)])
    }

    /// Deletes the rows of single periods; of channels of which a forget is at a period now,
    /// that one does.
    func delete(
        _ forgotten: [ForgottenPeriods], on connection: PostgresConnection,
        _ report: inout ReconciliationReport
    ) async throws {
        let busy = Set(
            try await connection.query(
                """
                select distinct t.channel from forget_target t
                join forget_request r on r.id = t.request
                where t.channel = any ($1) and r.state <> 'done'
                """, [.int64Array(forgotten.map(\.channel))]
            ).map { try $0.int64("channel") })
        let stretches = forgotten.filter { !busy.contains($0.channel) }
        guard !stretches.isEmpty else { return }
        let parameters: [PostgresValue] = [
            .int64Array(stretches.map(\.channel)), .int32Array(stretches.map(\.first)),
            .int32Array(stretches.map(\.last)),
        ]
        // In a month under way nothing is sealed under its key again.
        try await connection.withTransaction { connection in
            try await connection.lockInOrder(stretches.map(\.channel))
            _ = try await connection.execute(
                """
                update channel c set epoch = epoch + 1, readers_epoch = readers_epoch + 1,
                    lease_owner = null, lease_until = null,
                    open_period = greatest(c.open_period, gone.last + 1)
                from (select channel, max(last) as last
                    from unnest($1::bigint[], $2::int[], $3::int[]) as g (channel, first, last)
                    group by channel) gone
                where c.id = gone.channel and c.state <> 'forgotten' and gone.last < 65534
                    and c.open_period <= gone.last
                """, parameters)
        }
        for table in ChannelTable.ofPeriods {
            let count = try await deleteAll(of: table, on: connection, parameters) {
                """
                delete from \($0) where ctid = any (array(
                    select t.ctid from \($0) t
                    join unnest($1::bigint[], $2::int[], $3::int[]) as gone (channel, first, last)
                        on t.channel = gone.channel and t.period between gone.first and gone.last
                    limit $4))
                """
            }
            report.delete(count, from: table)
        }
        // A message's attachments go with it, whenever they came.
        let orphans = try await deleteAll(of: .attachment, on: connection, [parameters[0]]) {
            """
            delete from \($0) where ctid = any (array(
                select a.ctid from \($0) a
                where a.channel = any ($1) and not exists (
                    select from message m
                    where m.channel = a.channel and m.sequence = a.sequence)
                limit $2))
            """
        }
        report.delete(orphans, from: .attachment)
        for table in ChannelTable.ofAttachments {
            let count = try await deleteAll(of: table, on: connection, [parameters[0]]) {
                """
                delete from \($0) where ctid = any (array(
                    select t.ctid from \($0) t
                    where t.channel = any ($1) and not exists (
                        select from attachment a
                        where a.channel = t.channel and a.sequence = t.sequence
                            and a.number = t.number)
                    limit $2))
                """
            }
            report.delete(count, from: table)
        }
    }

    /// Partition after partition, because a row's place is unique in its own only.
    ///
    /// - Parameter sql: of a table's name; takes the most rows to delete as its last parameter.
    private func deleteAll(
        of table: ChannelTable, on connection: PostgresConnection, _ parameters: [PostgresValue],
        _ sql: (String) -> String
    ) async throws -> Int {
        var count = 0
        for leaf in try await connection.leaves(of: [table.rawValue]) {
            var deleted = Self.batch
            while deleted == Self.batch {
                deleted = try await connection.execute(
                    sql(leaf), parameters + [.int64(Int64(Self.batch))])
                count += deleted
            }
        }
        return count
    }
}

extension PostgresConnection {
    /// As commits do it, so that neither waits for the other in a circle.
    fileprivate func lockInOrder(_ channels: [Int64]) throws {
        _ = try query(
            "select 1 as one from channel where id = any ($1) order by id for update",
            [.int64Array(channels)])
    }
}
