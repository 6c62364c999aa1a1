import Archive
import Crawler
import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import TestSupport
import Vault

import struct Tangle.Bundle

extension TestArchive {
    /// Registers a channel of the vectors and follows it to its end: the archive then has
    /// what the recorded ledger holds of it.
    package func fill(
        channel name: String, subject: String? = nil, clock: TestClock = TestClock()
    ) async throws -> ChannelNumber {
        try await fill([ChannelVector.named(name)], subject: subject, clock: clock)[0]
    }

    /// The same for several channels, in the order given.
    package func fill(
        _ vectors: [ChannelVector], subject: String? = nil, clock: TestClock = TestClock()
    ) async throws -> [ChannelNumber] {
        var channels: [ChannelNumber] = []
        for vector in vectors {
            channels.append(try await register(vector, subject: subject, now: clock.now))
        }
        _ = try await crawler(Self.ledger.get(), clock: clock).crawlUntilIdle()
        return channels
    }

    /// A channel with one message, crawled.
    package func fill(text: String, clock: TestClock = TestClock()) async throws -> ChannelNumber {
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: "T", count: Hash.tryteCount)), mode: .private,
            securityLevel: 1)
        let root = writer.root
        let written = try writer.write(text)
        let built = try BundleBuilder.bundle(
            address: written.address, messageTrytes: written.payload,
            tag: Trytes(validated: []), timestamp: 1_700_000_000)
        let bundle = try Bundle(
            Attachment.attach(
                built, trunk: .null, branch: .null, minWeightMagnitude: 0,
                attachmentTimestamp: 1_700_000_000_000))
        let tangle = MemoryTangle()
        for (transaction, hash) in zip(bundle.transactions, bundle.hashes) {
            tangle.add(transaction, hash: hash)
        }
        let channel = try await archive.register(
            ChannelRegistration(root: root, mode: .private), now: clock.now)
        _ = try await crawler(tangle, clock: clock).crawlUntilIdle()
        return channel
    }

    /// Nobody changes it, so all tests may share it.
    private static let ledger = Result { try MemoryTangle.recorded() }

    /// Repeats a filled channel's first messages until it has `count`, each in a tree of its
    /// own: thousands of messages that read like real ones, without the signing.
    package func multiply(_ channel: ChannelNumber, to count: Int, now: Date = Date()) async throws
    {
        let first = Int(try await archive.channel(channel).messageCount)
        let originals = try await archive.messages(
            of: channel, MessageRange(), limit: Archive.messageBatchLimit
        ).messages
        let period = Period(now)
        for start in stride(from: first, to: count, by: 500) {
            let sequences = (start..<min(start + 500, count)).map { Int64($0) }
            let copies = sequences.map { originals[Int($0) % originals.count] }
            let heads = try zip(sequences, copies).map { sequence, copy in
                try vault.seal(
                    copy.head.encoded,
                    SealedColumn.messageHead.context(channel, period, row: sequence))
            }
            let lookups = sequences.map { _ in (0..<16).map { _ in UInt8.random(in: 0...255) } }
            let keys = copies.map { $0.sideKey.map(Int32.init) }
            try await pool.withTransaction { connection in
                _ = try await connection.execute(
                    """
                    insert into message (
                        channel, sequence, position, leaf, period, side_key, first_seen_at, lookup,
                        sealed_head)
                    select $1, s, s, 0, $2, k, $3, l, h
                    from unnest($4::int8[], $5::int4[], $6::bytea[], $7::bytea[]) c (s, k, l, h)
                    """,
                    [
                        .int64(channel.rawValue), .int32(Int32(period.rawValue)), .timestamp(now),
                        .int64Array(sequences), .int32Array(keys), .bytesArray(lookups),
                        .bytesArray(heads),
                    ])
                _ = try await connection.execute(
                    "update channel set next_sequence = $2, head_position = $2 where id = $1",
                    [.int64(channel.rawValue), .int64((sequences.last ?? 0) + 1)])
            }
        }
    }
}
