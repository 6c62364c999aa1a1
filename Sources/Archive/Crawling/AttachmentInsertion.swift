import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

extension Archive {
    /// Attachments of one message that are kept whole.
    package static let wholeAttachmentLimit = 4

    /// Attachments of one message that are told apart and counted: what a flood of
    /// reattachments may cost in rows.
    package static let countedAttachmentLimit = 1000

    /// The attachments of a new message that are counted, each tail once.
    static func distinctAttachments(of new: MessageIntake.New) -> [Bundle] {
        var tails: Set<Hash> = []
        let distinct = new.bundles.filter { tails.insert($0.tail).inserted }
        return Array(distinct.prefix(countedAttachmentLimit))
    }

    /// An attachment to be inserted.
    private struct NewAttachment {
        let channel: ChannelNumber
        let sequence: Int64
        let number: Int
        let lookup: [UInt8]
        let message: VerifiedMessage
        let bundle: Bundle
        /// Its message's, where both are new: what proves a message goes with it.
        let period: Period
    }

    /// A message of a channel.
    private struct Place: Hashable {
        let channel: Int64
        let sequence: Int64
    }

    /// Keeps the first attachments of a message whole and counts the others.
    func insertAttachments(
        of entries: inout [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws {
        var attachments: [NewAttachment] = []
        for index in entries.indices {
            let entry = entries[index]
            for (offset, new) in entry.intake.new.enumerated() {
                let bundles = Self.distinctAttachments(of: new)
                entries[index].furtherAttachments += bundles.count - 1
                for (number, bundle) in bundles.enumerated() {
                    attachments.append(
                        NewAttachment(
                            channel: entry.channel,
                            sequence: entry.cursor.nextSequence + Int64(offset), number: number,
                            lookup: try attachmentLookup(bundle.tail, entry.channel),
                            message: new.message, bundle: bundle,
                            period: new.period ?? entry.period(now)))
                }
            }
        }
        attachments += try await repeatedAttachments(of: &entries, now: now, on: connection)
        try await insert(attachments, on: connection)
        let answering = Set(entries.filter(\.cursor.isNodeAnswering).map(\.channel))
        try await insertNodeLookups(
            of: attachments.filter {
                answering.contains($0.channel) && $0.number < Self.wholeAttachmentLimit
            }.map {
                NodeAttachment(
                    channel: $0.channel, sequence: $0.sequence, number: $0.number,
                    period: $0.period, transactions: $0.bundle.transactions,
                    hashes: $0.bundle.hashes)
            }, on: connection)
    }

    func attachmentLookup(_ tail: Hash, _ channel: ChannelNumber) throws -> [UInt8] {
        try vault.lookupHash(tail.packed, domain: "attachment", channel: channel)
    }

    /// Those of messages that were there before which are not known yet; counts them.
    private func repeatedAttachments(
        of entries: inout [CommitEntry], now: Date, on connection: PostgresConnection
    ) async throws -> [NewAttachment] {
        let found = try entries.enumerated().flatMap { index, entry in
            try entry.intake.repeated.map { repeated in
                (
                    index, repeated,
                    Place(channel: entry.channel.rawValue, sequence: repeated.sequence),
                    try attachmentLookup(repeated.message.bundle.tail, entry.channel)
                )
            }
        }
        guard !found.isEmpty else { return [] }
        var known = try await knownAttachments(
            found.map { ($0.2.channel, $0.3) }, on: connection)
        let forgotten = try await forgottenHashes(
            found.map { attachmentTombstone($0.3, of: entries[$0.0].channel) }, on: connection)
        let before = try await attachmentCounts(of: Set(found.map(\.2)), on: connection)
        var counts = before
        var new: [NewAttachment] = []
        for (index, repeated, place, lookup) in found {
            guard
                !forgotten.contains(attachmentTombstone(lookup, of: entries[index].channel)),
                known.insert(lookup).inserted, let number = counts[place],
                number < Self.countedAttachmentLimit
            else { continue }
            counts[place] = number + 1
            entries[index].furtherAttachments += 1
            new.append(
                NewAttachment(
                    channel: entries[index].channel, sequence: repeated.sequence, number: number,
                    lookup: lookup, message: repeated.message, bundle: repeated.message.bundle,
                    period: entries[index].period(now)))
        }
        try await setAttachmentCounts(
            counts.filter { before[$0.key] != $0.value }, on: connection)
        return new
    }

    private func knownAttachments(
        _ lookups: [(channel: Int64, lookup: [UInt8])], on connection: PostgresConnection
    ) async throws -> Set<[UInt8]> {
        let rows = try await connection.query(
            """
            select a.lookup from unnest($1::bigint[], $2::bytea[]) as k (channel, lookup)
                join attachment a on a.channel = k.channel and a.lookup = k.lookup
            """,
            [.int64Array(lookups.map(\.channel)), .bytesArray(lookups.map(\.lookup))])
        return Set(try rows.map { try $0.bytes("lookup") })
    }

    private func attachmentCounts(of places: Set<Place>, on connection: PostgresConnection)
        async throws -> [Place: Int]
    {
        let places = Array(places)
        let rows = try await connection.query(
            """
            select m.channel, m.sequence, m.attachments
            from unnest($1::bigint[], $2::bigint[]) as k (channel, sequence)
                join message m on m.channel = k.channel and m.sequence = k.sequence
            """, [.int64Array(places.map(\.channel)), .int64Array(places.map(\.sequence))])
        var counts: [Place: Int] = [:]
        for row in rows {
            let place = Place(
                channel: try row.int64("channel"), sequence: try row.int64("sequence"))
            counts[place] = Int(try row.int32("attachments"))
        }
        return counts
    }

    private func setAttachmentCounts(
        _ counts: [Place: Int], on connection: PostgresConnection
    ) async throws {
        guard !counts.isEmpty else { return }
        let counts = Array(counts)
        _ = try await connection.execute(
            """
            update message m set attachments = k.attachments
            from unnest($1::bigint[], $2::bigint[], $3::integer[])
                as k (channel, sequence, attachments)
            where m.channel = k.channel and m.sequence = k.sequence
            """,
            [
                .int64Array(counts.map(\.key.channel)), .int64Array(counts.map(\.key.sequence)),
                .int32Array(counts.map { Int32($0.value) }),
            ])
    }

    private func insert(
        _ attachments: [NewAttachment], on connection: PostgresConnection
    ) async throws {
        guard !attachments.isEmpty else { return }
        let evidence = try attachments.map(sealedEvidence)
        _ = try await connection.execute(
            """
            insert into attachment (channel, sequence, number, period, lookup, sealed_evidence)
            select k.channel, k.sequence, k.number, k.period, k.lookup, k.sealed_evidence
            from unnest(
                $1::bigint[], $2::bigint[], $3::integer[], $4::bytea[], $5::bytea[],
                $6::integer[])
                as k (channel, sequence, number, lookup, sealed_evidence, period)
            """,
            [
                .int64Array(attachments.map(\.channel.rawValue)),
                .int64Array(attachments.map(\.sequence)),
                .int32Array(attachments.map { Int32($0.number) }),
                .bytesArray(attachments.map(\.lookup)), .bytesArray(evidence),
                .int32Array(attachments.map { Int32($0.period.rawValue) }),
            ])
    }

    /// Nil beyond the attachments that are kept whole.
    private func sealedEvidence(of attachment: NewAttachment) throws -> [UInt8]? {
        guard attachment.number < Self.wholeAttachmentLimit else { return nil }
        let message = attachment.message
        let headCount = (message.message.headTritCount + 2) / 3
        let isFirst = attachment.bundle.tail == message.bundle.tail
        return try vault.seal(
            EvidenceEncoding.encode(
                attachment.bundle, head: message.payload[0..<headCount],
                address: message.bundle.address, payload: isFirst ? message.payload : nil),
            SealedColumn.attachmentEvidence.context(
                attachment.channel, attachment.period,
                row: SealedColumn.attachmentRow(attachment.sequence, number: attachment.number)))
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
    package func period(_ column: PostgresColumn) throws -> Period {
        Period(rawValue: UInt16(clamping: try int32(column)))
    }

    /// Nil where both are null.
    func optionalPeriods(_ first: PostgresColumn, _ last: PostgresColumn) throws
        -> ClosedRange<Period>?
    {
        guard try optionalInt32(first) != nil else { return nil }
        let lower = try period(first)
        return lower...max(lower, try period(last))
    }
}
