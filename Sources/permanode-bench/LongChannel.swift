import Archive
import Foundation
import Postgres
import Ternary
import Vault

/// A channel with a day of a meter's messages: what the crawler stored of it, over and over, each
/// sealed anew for its own row.
enum LongChannel {
    /// A DSMR 5 meter sends one a second.
    static let messageCount = 86_400

    private static let batch = 2000

    static func grow(_ channel: ChannelNumber, in archive: Archive) async throws {
        try await grow(channel, to: messageCount, in: archive)
        _ = try await archive.pool.withConnection {
            try await $0.execute("vacuum (analyze) message")
        }
    }

    /// What proves the messages.
    enum Evidence {
        case none
        /// As it was sealed for another row: as large as real evidence, and nobody can open it.
        case copied
        /// Sealed anew for its row.
        case real
    }

    /// - Parameters:
    ///   - ownRoots: Each message gets a root of its own, as in a chain of trees of one leaf. Such
    ///     messages can be forgotten, but not decrypted.
    static func grow(
        _ channel: ChannelNumber, to count: Int, ownRoots: Bool = false,
        evidence: Evidence = .none, in archive: Archive
    ) async throws {
        let first = Int(try await archive.channel(channel).messageCount)
        let originals = try await archive.messages(
            of: channel, MessageRange(), limit: Archive.messageBatchLimit
        ).messages
        let now = Date()
        for start in stride(from: first, to: count, by: batch) {
            let sequences = (start..<min(start + batch, count)).map { Int64($0) }
            let copies = sequences.map {
                let head = originals[Int($0) % originals.count].head.encoded
                return ownRoots ? withOwnRoot(head) : head
            }
            let keys = sequences.map { originals[Int($0) % originals.count].sideKey }
            try await insert(copies, keys, as: sequences, of: channel, into: archive, now: now)
            switch evidence {
            case .none: break
            case .copied:
                try await repeatEvidence(
                    of: channel, first: originals.count, sequences, in: archive, now: now)
            case .real:
                try await sealEvidence(
                    of: channel, first: originals.count, sequences, in: archive, now: now)
            }
        }
    }

    /// The encoded head with other bytes where its root stands (see `MessageHead`).
    private static func withOwnRoot(_ head: [UInt8]) -> [UInt8] {
        var head = head
        let root = (0..<Hash.tritCount).map { _ in Trit.random(in: -1...1) }
        head.replaceSubrange(1..<1 + Hash.packedCount, with: T5B1.pack(root))
        return head
    }

    private static func repeatEvidence(
        of channel: ChannelNumber, first: Int, _ sequences: [Int64], in archive: Archive,
        now: Date
    ) async throws {
        guard let from = sequences.first, let to = sequences.last else { return }
        _ = try await archive.pool.withConnection {
            try await $0.execute(
                """
                insert into attachment (channel, sequence, number, period, lookup, sealed_evidence)
                select $1, s, 0, $2, uuid_send(gen_random_uuid()), a.sealed_evidence
                from generate_series($3::int8, $4::int8) s
                    join attachment a on a.channel = $1 and a.sequence = s % $5 and a.number = 0
                """,
                [
                    .int64(channel.rawValue), .int32(Int32(Period(now).rawValue)), .int64(from),
                    .int64(to), .int64(Int64(first)),
                ])
        }
    }

    private static func sealEvidence(
        of channel: ChannelNumber, first: Int, _ sequences: [Int64], in archive: Archive,
        now: Date
    ) async throws {
        let column = SealedColumn.attachmentEvidence
        let period = Period(now)
        try await archive.pool.withTransaction { connection in
            let originals = try await connection.query(
                """
                select sequence, period, sealed_evidence from attachment
                where channel = $1 and number = 0 and sequence < $2 order by sequence
                """, [.int64(channel.rawValue), .int64(Int64(first))]
            ).map { row in
                try archive.vault.open(
                    row.bytes("sealed_evidence"),
                    column.context(
                        channel, Period(rawValue: UInt16(clamping: row.int32("period"))),
                        row: SealedColumn.attachmentRow(row.int64("sequence"), number: 0)))
            }
            let sealed = try sequences.map { sequence in
                try archive.vault.seal(
                    originals[Int(sequence) % originals.count],
                    column.context(
                        channel, period, row: SealedColumn.attachmentRow(sequence, number: 0)))
            }
            _ = try await connection.execute(
                """
                insert into attachment (channel, sequence, number, period, lookup, sealed_evidence)
                select $1, s, 0, $2, uuid_send(gen_random_uuid()), e
                from unnest($3::int8[], $4::bytea[]) c (s, e)
                """,
                [
                    .int64(channel.rawValue), .int32(Int32(period.rawValue)),
                    .int64Array(sequences), .bytesArray(sealed),
                ])
        }
    }

    private static func insert(
        _ copies: [[UInt8]], _ keys: [Int16?], as sequences: [Int64], of channel: ChannelNumber,
        into archive: Archive, now: Date
    ) async throws {
        let period = Period(now)
        let heads = try zip(sequences, copies).map { sequence, copy in
            try archive.vault.seal(
                copy, SealedColumn.messageHead.context(channel, period, row: sequence))
        }
        let lookups = sequences.map { _ in (0..<16).map { _ in UInt8.random(in: 0...255) } }
        try await archive.pool.withTransaction { connection in
            _ = try await connection.execute(
                """
                insert into message (
                    channel, sequence, position, leaf, period, side_key, first_seen_at, lookup,
                    sealed_head)
                select $1, s, s, 0, $2, k, $3, l, h
                from unnest($4::int8[], $5::int2[], $6::bytea[], $7::bytea[]) c (s, k, l, h)
                """,
                [
                    .int64(channel.rawValue), .int32(Int32(period.rawValue)), .timestamp(now),
                    .int64Array(sequences), .int16Array(keys),
                    .bytesArray(lookups), .bytesArray(heads),
                ])
            _ = try await connection.execute(
                "update channel set next_sequence = $2, head_position = $2 where id = $1",
                [.int64(channel.rawValue), .int64((sequences.last ?? 0) + 1)])
        }
    }
}
