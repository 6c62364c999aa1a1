import Archive
import Assembly
import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// A channel of a meter that sends a telegram every ten seconds: a day's messages, each written,
/// masked and signed, and that day as often as wanted, each row sealed anew. The crawler has no
/// part in it.
struct MeteredChannel: Sendable {
    static let interval = 10
    static let messagesADay = 86_400 / interval
    /// 2021-03-14T00:00:00 in Amsterdam.
    static let start: Int64 = 1_615_676_400

    private static let parts = 16
    private static let batch = 2_160

    let number: ChannelNumber
    /// Of one message each, as they are stored.
    private let heads: [[UInt8]]
    private let sideKey: Int16

    /// Registers a channel and writes a day of it.
    static func make(in archive: Archive) async throws -> MeteredChannel {
        let sideKey = try SideKey("BENCHMETER")
        let number = try await archive.register(
            ChannelRegistration(
                root: ChannelWriter(
                    seed: Seed(String(repeating: "M", count: Hash.tryteCount)),
                    mode: .restricted, sideKey: sideKey
                ).root, mode: .restricted, sideKey: sideKey),
            now: Date())
        guard let key = try await archive.sideKeys(of: number).keys.first else {
            throw BenchError("the channel has no side key")
        }
        let share = messagesADay / parts
        let heads = try await withThrowingTaskGroup(of: (Int, [[UInt8]]).self) { group in
            for part in 0..<parts {
                group.addTask {
                    (part, try write(part * share..<(part + 1) * share, sideKey, seed: part))
                }
            }
            return try await group.reduce(into: [Int: [[UInt8]]]()) { $0[$1.0] = $1.1 }
        }
        return MeteredChannel(
            number: number, heads: (0..<parts).flatMap { heads[$0] ?? [] }, sideKey: key)
    }

    /// The text of a message of the day.
    static func text(_ index: Int) throws -> String {
        guard let zone = TimeZone(identifier: "Europe/Amsterdam") else {
            throw BenchError("the time zone Europe/Amsterdam is unknown here: install tzdata")
        }
        let seconds = start + Int64(index * interval)
        let telegram = Telegram(
            time: Date(timeIntervalSince1970: Double(seconds)),
            energy: 2074 + Double(index) / 1000, power: 0.2 + Double(index * 37 % 90) / 100)
        struct Event: Encodable {
            let type = "DATA"
            let raw: String
            let timestamp: Int64
        }
        let encoded = try JSONEncoder().encode(
            Event(raw: telegram.text(zone: zone), timestamp: seconds * 1000))
        return String(decoding: encoded, as: UTF8.self)
    }

    /// With a seed of its own: what a message is read with is its root, which stands in its head.
    private static func write(
        _ indices: Range<Int>, _ sideKey: SideKey, seed: Int
    ) throws -> [[UInt8]] {
        let letter = Character(UnicodeScalar(UInt8(ascii: "A") + UInt8(seed)))
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: letter, count: Hash.tryteCount)), mode: .restricted,
            sideKey: sideKey, securityLevel: 1)
        return try indices.map { index in
            let written = try writer.write(text(index))
            let bundle = try Bundle(
                Attachment.attach(
                    BundleBuilder.bundle(
                        address: written.address, messageTrytes: written.payload,
                        tag: Trytes(validated: Array("BENCH".utf8)).padded(to: 27),
                        timestamp: start), trunk: .null, branch: .null, minWeightMagnitude: 0,
                    attachmentTimestamp: (start + Int64(index * interval)) * 1000))
            let request = ReadRequest(
                payload: written.payload, root: written.root, sideKey: sideKey)
            let message = try MessageReader.read([request], .alreadyVerified)[0].get()
            return MessageHead(root: written.root, message: message, bundle: bundle).encoded
        }
    }

    /// Stores the day so often, after what is there, each time as of the next day by its row.
    func fill(days: Range<Int>, in archive: Archive) async throws {
        for day in days {
            for start in stride(from: 0, to: heads.count, by: Self.batch) {
                try await insert(
                    start..<min(start + Self.batch, heads.count), of: day, into: archive)
            }
            if day % 30 == 29 { note("\((day + 1) * heads.count) messages are stored") }
        }
        _ = try await archive.pool.withConnection {
            try await $0.execute("vacuum (analyze) message")
        }
    }

    private func insert(_ part: Range<Int>, of day: Int, into archive: Archive) async throws {
        let period = Period(Date())
        let sequences = part.map { Int64(day * heads.count + $0) }
        let sealed = try zip(sequences, heads[part]).map { sequence, head in
            try archive.vault.seal(
                head, SealedColumn.messageHead.context(number, period, row: sequence))
        }
        let lookups = part.map { _ in (0..<16).map { _ in UInt8.random(in: 0...255) } }
        try await archive.pool.withTransaction { connection in
            _ = try await connection.execute(
                """
                insert into message (
                    channel, sequence, position, leaf, period, side_key, claimed_day,
                    first_seen_at, lookup, sealed_head)
                select $1, s, s, 0, $2, $3, $4, $5, l, h
                from unnest($6::int8[], $7::bytea[], $8::bytea[]) c (s, l, h)
                """,
                [
                    .int64(number.rawValue), .int32(Int32(period.rawValue)), .int16(sideKey),
                    .int32(Int32(Self.start / 86400) + Int32(day)), .timestamp(Date()),
                    .int64Array(sequences), .bytesArray(lookups), .bytesArray(sealed),
                ])
            _ = try await connection.execute(
                "update channel set next_sequence = $2, head_position = $2 where id = $1",
                [.int64(number.rawValue), .int64((sequences.last ?? 0) + 1)])
        }
    }
}
