import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// What of a channel's verified messages is new, and what was there.
struct MessageIntake {
    /// A message the archive has not, with all its attachments that were found.
    struct New {
        let message: VerifiedMessage
        let lookup: [UInt8]
        var bundles: [Bundle]
        var confirmed: Bool
        var milestone: Int32?
    }

    /// A further attachment of a message the archive has.
    struct Attachment {
        let sequence: Int64
        let bundle: Bundle
        /// The first trytes of the payload, kept with the message.
        let head: Trytes
        let address: Hash
    }

    var new: [New] = []
    var attachments: [Attachment] = []
    /// Sequences of messages that were there and are now known to be confirmed.
    var confirmed: [Int64: Int32?] = [:]
    /// A message lies in the chain a second time: the chain leads back to a passed root.
    var cycle = false
}

extension Archive {
    /// Attachments of one message that are kept whole.
    package static let wholeAttachmentLimit = 4

    /// Attachments of one message that are told apart and counted: what a flood of
    /// reattachments may cost in rows.
    package static let countedAttachmentLimit = 1000

    func intake(
        _ messages: [VerifiedMessage], into channel: ChannelNumber,
        on connection: PostgresConnection
    ) async throws -> MessageIntake {
        var intake = MessageIntake()
        guard !messages.isEmpty else { return intake }
        let lookups = try messages.map { try lookup(of: $0, in: channel) }
        let rows = try await connection.query(
            """
            select lookup, sequence, position from message
            where channel = $1 and lookup = any ($2)
            """, [.int64(channel.rawValue), .bytesArray(lookups)])
        var known: [[UInt8]: (sequence: Int64, position: Int64)] = [:]
        for row in rows {
            known[try row.bytes("lookup")] = (
                try row.int64("sequence"), try row.int64("position")
            )
        }
        var newIndex: [[UInt8]: Int] = [:]
        for (message, lookup) in zip(messages, lookups) {
            if let (sequence, position) = known[lookup] {
                guard position == message.position else {
                    intake.cycle = true
                    continue
                }
                if message.confirmed { intake.confirmed[sequence] = message.milestone }
                intake.attachments.append(attachment(message, sequence: sequence, channel))
            } else if let index = newIndex[lookup] {
                intake.new[index].bundles.append(message.bundle)
                intake.new[index].confirmed = intake.new[index].confirmed || message.confirmed
                intake.new[index].milestone = intake.new[index].milestone ?? message.milestone
            } else {
                newIndex[lookup] = intake.new.count
                intake.new.append(
                    .init(
                        message: message, lookup: lookup, bundles: [message.bundle],
                        confirmed: message.confirmed, milestone: message.milestone))
            }
        }
        return intake
    }

    /// Two payloads are the same message when root, leaf and message hash are the same
    /// (mam-v0, *The signature*).
    private func lookup(of message: VerifiedMessage, in channel: ChannelNumber) throws -> [UInt8] {
        var writer = ByteWriter()
        writer.write(message.root.revealPacked())
        writer.write(message.message.index)
        writer.write(message.message.messageHash.packed)
        return try vault.lookupHash(writer.bytes, domain: "message", channel: channel)
    }

    private func attachment(
        _ message: VerifiedMessage, sequence: Int64, _ channel: ChannelNumber
    ) -> MessageIntake.Attachment {
        MessageIntake.Attachment(
            sequence: sequence, bundle: message.bundle,
            head: MessageHead(root: message.root, message: message.message, bundle: message.bundle)
                .payload,
            address: message.bundle.address)
    }

    /// Inserts new messages under the sequences from `first` on and marks twins of a leaf.
    ///
    /// - Returns: How many, and their attachments.
    func insert(
        _ new: [MessageIntake.New], into channel: ChannelNumber, from first: Int64, now: Date,
        on connection: PostgresConnection
    ) async throws -> (count: Int, attachments: [MessageIntake.Attachment]) {
        guard !new.isEmpty else { return (0, []) }
        let period = Period(now)
        var attachments: [MessageIntake.Attachment] = []
        var heads: [[UInt8]] = []
        var days: [PostgresValue] = []
        for (offset, entry) in new.enumerated() {
            let sequence = first + Int64(offset)
            let head = MessageHead(
                root: entry.message.root, message: entry.message.message,
                bundle: entry.message.bundle)
            let column = SealedColumn.messageHead
            heads.append(
                try vault.seal(head.encoded, column.context(channel, period, row: sequence)))
            days.append(head.claimedDay.map(PostgresValue.int32) ?? .null)
            attachments += entry.bundles.map {
                MessageIntake.Attachment(
                    sequence: sequence, bundle: $0, head: head.payload,
                    address: entry.message.bundle.address)
            }
        }
        for (offset, entry) in new.enumerated() {
            let leaf = Int64(clamping: entry.message.message.index)
            _ = try await connection.execute(
                """
                with twins as (
                    update message set conflict = true
                    where channel = $1 and position = $3 and leaf = $4
                    returning sequence)
                insert into message (
                    channel, sequence, position, leaf, period, side_key, claimed_day,
                    first_seen_at, attachments, conflict, confirmed, milestone, lookup,
                    sealed_head)
                values ($1, $2, $3, $4, $5, $6, $7, $8, 0, exists (select from twins), $9, $10,
                    $11, $12)
                """,
                [
                    .int64(channel.rawValue), .int64(first + Int64(offset)),
                    .int64(entry.message.position), .int64(leaf),
                    .int32(Int32(period.rawValue)),
                    entry.message.sideKey.map(PostgresValue.int16) ?? .null, days[offset],
                    .timestamp(now), .bool(entry.confirmed),
                    entry.milestone.map(PostgresValue.int32) ?? .null,
                    .bytes(entry.lookup), .bytes(heads[offset]),
                ])
        }
        return (new.count, attachments)
    }

    /// Counts attachments that are not known yet, and keeps the first of a message whole.
    ///
    /// - Returns: How many attachments of messages that were there before are new.
    func insert(
        _ attachments: [MessageIntake.Attachment], into channel: ChannelNumber, now: Date,
        on connection: PostgresConnection
    ) async throws -> Int {
        let period = Period(now)
        let column = SealedColumn.attachmentEvidence
        var added = 0
        for attachment in attachments {
            let lookup = try vault.lookupHash(
                attachment.bundle.tail.packed, domain: "attachment", channel: channel)
            let known = try await connection.query(
                """
                select m.attachments as number,
                    exists (
                        select from attachment a where a.channel = $1 and a.lookup = $3) as known
                from message m where m.channel = $1 and m.sequence = $2
                """,
                [.int64(channel.rawValue), .int64(attachment.sequence), .bytes(lookup)])
            guard let row = known.first, try !row.bool("known") else { continue }
            let number = Int(try row.int32("number"))
            guard number < Self.countedAttachmentLimit else { continue }
            let evidence: [UInt8]? =
                number < Self.wholeAttachmentLimit
                ? try vault.seal(
                    EvidenceEncoding.encode(
                        attachment.bundle, head: attachment.head, address: attachment.address),
                    column.context(
                        channel, period,
                        row: SealedColumn.attachmentRow(attachment.sequence, number: number)))
                : nil
            _ = try await connection.execute(
                """
                with counted as (
                    update message set attachments = attachments + 1
                    where channel = $1 and sequence = $2)
                insert into attachment (channel, sequence, number, period, lookup, sealed_evidence)
                values ($1, $2, $3, $4, $5, $6)
                """,
                [
                    .int64(channel.rawValue), .int64(attachment.sequence), .int32(Int32(number)),
                    .int32(Int32(period.rawValue)), .bytes(lookup), .optional(evidence),
                ])
            added += number > 0 ? 1 : 0
        }
        return added
    }
}

extension SealedColumn {
    /// Names an attachment within its channel.
    package static func attachmentRow(_ sequence: Int64, number: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.write(sequence)
        writer.write(Int32(number))
        return writer.bytes
    }
}

extension PostgresRow {
    func period(_ column: PostgresColumn) throws -> Period {
        Period(rawValue: UInt16(clamping: try int32(column)))
    }
}
