import Foundation
import MAM
import Postgres
import Vault

extension Archive {
    /// What the new messages of a commit are inserted with, column by column.
    private struct MessageColumns {
        var channel: [Int64] = []
        var sequence: [Int64] = []
        var position: [Int64] = []
        var leaf: [Int64] = []
        var sideKey: [Int16?] = []
        var claimedDay: [Int32?] = []
        var attachments: [Int32] = []
        var conflict: [Bool] = []
        var confirmed: [Bool] = []
        var milestone: [Int32?] = []
        var lookup: [[UInt8]] = []
        var head: [[UInt8]] = []
        var period: [Int32] = []
    }

    /// Inserts new messages under the sequences that follow their channels' last.
    func insertMessages(
        of entries: inout [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws {
        var columns = MessageColumns()
        for entry in entries {
            for (offset, new) in entry.intake.new.enumerated() {
                let message = new.message
                let period = new.period ?? entry.period(now)
                let sequence = entry.cursor.nextSequence + Int64(offset)
                let head = MessageHead(
                    root: message.root, message: message.message, bundle: message.bundle,
                    payload: message.payload, milestone: message.milestone)
                columns.channel.append(entry.channel.rawValue)
                columns.sequence.append(sequence)
                columns.position.append(message.position)
                columns.leaf.append(Int64(clamping: message.message.index))
                columns.sideKey.append(message.sideKey)
                columns.claimedDay.append(head.claimedDay)
                columns.attachments.append(Int32(Self.distinctAttachments(of: new).count))
                columns.conflict.append(entry.intake.twinLeaves.contains(.init(message)))
                columns.confirmed.append(new.confirmed)
                columns.milestone.append(new.milestone)
                columns.lookup.append(new.lookup)
                columns.period.append(Int32(period.rawValue))
                columns.head.append(
                    try vault.seal(
                        head.encoded,
                        SealedColumn.messageHead.context(entry.channel, period, row: sequence)))
            }
        }
        try await insert(columns, now: now, on: connection)
    }

    private func insert(
        _ columns: MessageColumns, now: Date, on connection: PostgresConnection
    ) async throws {
        guard !columns.channel.isEmpty else { return }
        _ = try await connection.execute(
            """
            insert into message (
                channel, sequence, position, leaf, period, side_key, claimed_day, first_seen_at,
                attachments, conflict, confirmed, milestone, lookup, sealed_head)
            select n.channel, n.sequence, n.position, n.leaf, n.period, n.side_key,
                n.claimed_day, $14, n.attachments, n.conflict, n.confirmed, n.milestone,
                n.lookup, n.sealed_head
            from unnest(
                $1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[],
                $6::integer[], $7::integer[], $8::boolean[], $9::boolean[], $10::integer[],
                $11::bytea[], $12::bytea[], $13::integer[]) as n (
                channel, sequence, position, leaf, side_key, claimed_day, attachments,
                conflict, confirmed, milestone, lookup, sealed_head, period)
            """,
            [
                .int64Array(columns.channel), .int64Array(columns.sequence),
                .int64Array(columns.position), .int64Array(columns.leaf),
                .int16Array(columns.sideKey), .int32Array(columns.claimedDay),
                .int32Array(columns.attachments), .boolArray(columns.conflict),
                .boolArray(columns.confirmed), .int32Array(columns.milestone),
                .bytesArray(columns.lookup), .bytesArray(columns.head),
                .int32Array(columns.period), .timestamp(now),
            ])
    }
}
