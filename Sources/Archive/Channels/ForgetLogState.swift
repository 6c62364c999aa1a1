import Postgres
import Vault

/// How far the database agrees with the forget log beside the key ring.
package struct ForgetLogState: Sendable, Equatable {
    /// The latest record of the log that something in the database came of; nil where nothing
    /// did. A log without it is an older copy.
    package let known: ForgetLogHead?
    /// Records up to this one have been applied to the database.
    package let applied: UInt64
}

extension PostgresConnection {
    package func forgetLogState() throws -> ForgetLogState {
        let rows = try query(
            "select known_sequence, known_check, applied_sequence from forget_log")
        guard let row = rows.first else { return ForgetLogState(known: nil, applied: 0) }
        let sequence = UInt64(clamping: try row.int64("known_sequence"))
        let check = try row.optionalBytes("known_check")
        return ForgetLogState(
            known: check.map { ForgetLogHead(sequence: sequence, check: $0) },
            applied: UInt64(clamping: try row.int64("applied_sequence")))
    }

    /// Notes that something in the database came of the log up to `head`.
    package func noteForgetLog(_ head: ForgetLogHead) throws {
        _ = try execute(
            """
            update forget_log set known_sequence = $1, known_check = $2
            where known_sequence < $1 or known_check is null
            """, [.int64(Int64(clamping: head.sequence)), .bytes(head.check)])
    }

    /// Notes that database and log agree up to `head`; unless another process has noted more
    /// since `state` was read.
    package func setForgetLog(_ head: ForgetLogHead, replacing state: ForgetLogState) throws {
        _ = try execute(
            """
            update forget_log set known_sequence = $1, known_check = $2, applied_sequence = $1
            where known_sequence <= $1 or known_sequence = $3
            """,
            [
                .int64(Int64(clamping: head.sequence)), .bytes(head.check),
                .int64(Int64(clamping: state.known?.sequence ?? 0)),
            ])
    }

    /// The identifier of the key ring that the database belongs to; nil as long as it is unused.
    package func ringOfForgetLog() throws -> String? {
        try query("select ring from forget_log").first?.optionalText("ring")
    }

    package func setRingOfForgetLog(_ identifier: String) throws {
        _ = try execute("update forget_log set ring = $1 where ring is null", [.text(identifier)])
    }

    /// Numbers after `after`, in order, of which the database says that their keys are gone: of
    /// channels, of subjects whose forget is done, and of requests about a part of a channel,
    /// which seal their reason under their own.
    package func forgottenNumbers(after: Int64, limit: Int) throws -> [ChannelNumber] {
        try query(
            """
            select number from (
                select id as number from channel
                where state = 'forgotten' and id > $1 and not exists (
                    select from forget_target t join forget_request r on r.id = t.request
                    where t.channel = channel.id and r.first_period is null
                        and r.state <> 'done' and t.shredded_at is null)
                union
                select target from forget_request
                where scope = 'subject' and state = 'done' and target > $1
                union
                select id from forget_request
                where scope = 'period' and state = 'done' and id > $1
                union
                -- A refused request's reason goes with the whole channel that it was about.
                select r.id from forget_request r join channel c on c.id = r.target
                where r.scope = 'period' and r.state = 'refused' and r.id > $1
                    and c.state = 'forgotten' and c.registration is null) forgotten
            order by number limit $2
            """, [.int64(after), .int64(Int64(limit))]
        ).map { try $0.channelNumber("number") }
    }

    /// Stretches of periods of channels that live on, of which the database says that their keys
    /// are gone; by the number of the request, after `after`.
    package func forgottenPeriods(
        after: Int64, limit: Int
    ) throws -> [(request: Int64, channel: ChannelNumber, periods: ClosedRange<Period>)] {
        try query(
            """
            select r.id, t.channel, r.first_period, r.last_period
            from forget_request r join forget_target t on t.request = r.id
            where r.first_period is not null and t.shredded_at is not null and r.id > $1
            order by r.id limit $2
            """, [.int64(after), .int64(Int64(limit))]
        ).map { row in
            let first = Period(rawValue: UInt16(clamping: try row.int32("first_period")))
            let last = Period(rawValue: UInt16(clamping: try row.int32("last_period")))
            return (
                try row.int64("id"), try row.channelNumber("channel"), first...max(first, last)
            )
        }
    }

}

extension Archive {
    /// Notes how far the log goes now, after keys were destroyed: a log that is restored from a
    /// copy made before is then noticed.
    package func noteForgetLog() async throws {
        let head = try vault.logHead()
        try await pool.withConnection { try await $0.noteForgetLog(head) }
    }
}
