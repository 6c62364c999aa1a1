import Archive
import Foundation
import Postgres
import Vault

/// A channel with a day of a meter's messages: what the crawler stored of it, over and over, each
/// sealed anew for its own row.
enum LongChannel {
    /// A DSMR 5 meter sends one a second.
    static let messageCount = 86_400

    private static let batch = 2000

    static func grow(_ channel: ChannelNumber, in archive: Archive) async throws {
        let first = Int(try await archive.channel(channel).messageCount)
        let originals = try await archive.messages(
            of: channel, MessageRange(), limit: Archive.messageBatchLimit
        ).messages
        let now = Date()
        for start in stride(from: first, to: messageCount, by: batch) {
            let sequences = (start..<min(start + batch, messageCount)).map { Int64($0) }
            let copies = sequences.map { originals[Int($0) % originals.count] }
            try await insert(copies, as: sequences, of: channel, into: archive, now: now)
        }
        _ = try await archive.pool.withConnection {
            try await $0.execute("vacuum (analyze) message")
        }
    }

    private static func insert(
        _ copies: [StoredMessage], as sequences: [Int64], of channel: ChannelNumber,
        into archive: Archive, now: Date
    ) async throws {
        let period = Period(now)
        let heads = try zip(sequences, copies).map { sequence, copy in
            try archive.vault.seal(
                copy.head.encoded,
                SealedColumn.messageHead.context(channel, period, row: sequence))
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
                    .int64Array(sequences), .int16Array(copies.map(\.sideKey)),
                    .bytesArray(lookups), .bytesArray(heads),
                ])
            _ = try await connection.execute(
                "update channel set next_sequence = $2, head_position = $2 where id = $1",
                [.int64(channel.rawValue), .int64((sequences.last ?? 0) + 1)])
        }
    }
}
