import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// Bundles of one channel that wait for a side key: which are kept.
///
/// Anybody can put well-formed bundles at an address, so the room is bounded. What was found
/// at passed trees takes half of it at most and makes way, the oldest tree's first, for what
/// is found at the head, where the chain waits.
package struct WaitingRoom: Sendable {
    /// Bundles a channel keeps: a day of quarters of an hour.
    package static let bundleLimit = 96

    /// Bytes they take, each at most half: some 1,300 transactions. All of them are held during
    /// every turn of the channel.
    package static let byteLimit = 2 << 20

    /// A bundle that waits.
    package struct Entry: Sendable, Equatable {
        package let lookup: [UInt8]
        package let position: Int64
        package let byteCount: Int

        package init(lookup: [UInt8], position: Int64, byteCount: Int) {
            self.lookup = lookup
            self.position = position
            self.byteCount = byteCount
        }
    }

    /// The oldest tree's first, in the order in which they came.
    package private(set) var entries: [Entry]
    /// Lookups of those that had to make way.
    package private(set) var evicted: [[UInt8]] = []

    package init(_ entries: [Entry]) { self.entries = entries }

    /// Whether the bundle is to be kept; false also where it is there already.
    package mutating func admit(_ entry: Entry, atHead: Bool) -> Bool {
        let share = atHead ? 1 : 2
        guard entry.byteCount <= Self.byteLimit / 2,
            !entries.contains(where: { $0.lookup == entry.lookup })
        else { return false }
        var staying = entries[...]
        var byteCount = entries.reduce(entry.byteCount) { $0 + $1.byteCount }
        while staying.count >= Self.bundleLimit / share || byteCount > Self.byteLimit / share {
            guard atHead, let first = staying.first, first.position < entry.position else {
                return false
            }
            byteCount -= first.byteCount
            staying.removeFirst()
        }
        evicted += entries.prefix(entries.count - staying.count).map(\.lookup)
        entries = Array(staying) + [entry]
        entries.sort { $0.position < $1.position }
        return true
    }
}

extension Archive {
    /// Keeps bundles that wait for a key, within the bounds, and drops those that no longer do.
    func keepWaiting(
        _ found: CrawlFindings, period: Period, now: Date, on connection: PostgresConnection
    ) async throws {
        let channel = found.lease.channel
        try await drop(try found.settled.map { try lookup($0, channel) }, channel, on: connection)
        guard !found.waiting.isEmpty else { return }
        var room = WaitingRoom(try await waitingEntries(of: channel, on: connection))
        let column = SealedColumn.candidateBundle
        for finding in found.waiting {
            let lookup = try lookup(finding.bundle, channel)
            let encoded = EvidenceEncoding.encodeWhole(finding.bundle.transactions)
            let entry = WaitingRoom.Entry(
                lookup: lookup, position: finding.position, byteCount: encoded.count)
            guard room.admit(entry, atHead: finding.atHead) else { continue }
            _ = try await connection.execute(
                """
                insert into candidate (channel, lookup, position, period, sealed_bundle, seen_at)
                values ($1, $2, $3, $4, $5, $6)
                """,
                [
                    .int64(channel.rawValue), .bytes(lookup), .int64(finding.position),
                    .int32(Int32(period.rawValue)),
                    .bytes(try vault.seal(encoded, column.context(channel, period, row: lookup))),
                    .timestamp(now),
                ])
        }
        try await drop(room.evicted, channel, on: connection)
    }

    /// Deletes what no longer waits, and trees that were kept only for it.
    private func drop(
        _ lookups: [[UInt8]], _ channel: ChannelNumber, on connection: PostgresConnection
    ) async throws {
        guard !lookups.isEmpty else { return }
        _ = try await connection.execute(
            "delete from candidate where channel = $1 and lookup = any ($2)",
            [.int64(channel.rawValue), .bytesArray(lookups)])
        _ = try await connection.execute(
            """
            delete from tree t
            where channel = $1 and next_look_at = 'infinity' and not exists (
                select from candidate c where c.channel = $1 and c.position = t.position)
            """, [.int64(channel.rawValue)])
    }

    private func waitingEntries(of channel: ChannelNumber, on connection: PostgresConnection)
        async throws -> [WaitingRoom.Entry]
    {
        let rows = try await connection.query(
            """
            select lookup, position, octet_length(sealed_bundle) as bytes from candidate
            where channel = $1 order by position, seen_at
            """, [.int64(channel.rawValue)])
        return try rows.map { row in
            WaitingRoom.Entry(
                lookup: try row.bytes("lookup"), position: try row.int64("position"),
                byteCount: Int(try row.int32("bytes")))
        }
    }

    /// What waited for a key came in in the period it waited in, and goes with that: in a
    /// backup it lies sealed under that period's key.
    func sealLikeWaiting(_ entries: inout [CommitEntry], on connection: PostgresConnection)
        async throws
    {
        for index in entries.indices {
            let (channel, settled) = (entries[index].channel, entries[index].found.settled)
            guard !entries[index].intake.new.isEmpty, !settled.isEmpty else { continue }
            let rows = try await connection.query(
                "select lookup, period from candidate where channel = $1 and lookup = any ($2)",
                [
                    .int64(channel.rawValue),
                    .bytesArray(try settled.map { try lookup($0, channel) }),
                ])
            var periods: [[UInt8]: Period] = [:]
            for row in rows { periods[try row.bytes("lookup")] = try row.period("period") }
            for new in entries[index].intake.new.indices {
                let bundles = entries[index].intake.new[new].bundles
                entries[index].intake.new[new].period = try bundles.compactMap {
                    periods[try lookup($0, channel)]
                }.min()
            }
        }
    }

    func waitingBundle(_ row: PostgresRow, of channel: ChannelNumber) throws -> WaitingBundle {
        let column = SealedColumn.candidateBundle
        let encoded = try vault.open(
            row.bytes("sealed_bundle"), column,
            column.context(channel, row.period("period"), row: row.bytes("lookup")))
        guard
            let transactions = try? EvidenceEncoding.decode(
                encoded, head: Trytes(validated: []), address: .null),
            let bundle = try? Bundle(transactions)
        else { throw ArchiveError.damaged(table: column.table, channel: channel) }
        return WaitingBundle(position: try row.int64("position"), bundle: bundle)
    }

    /// Makes the passed trees due whose bundles wait for a key.
    func lookAtWaiting(of channel: ChannelNumber, now: Date, on connection: PostgresConnection)
        async throws
    {
        _ = try await connection.execute(
            """
            update tree set next_look_at = $2
            where channel = $1
                and position in (select position from candidate where channel = $1)
            """, [.int64(channel.rawValue), .timestamp(now)])
    }

    /// Bundles are told apart by what they carry, so that reattachments of one, which anybody can
    /// make, take no room.
    func lookup(_ bundle: Bundle, _ channel: ChannelNumber) throws -> [UInt8] {
        try lookup(ofPayload: bundle.messageTrytes, channel)
    }

    /// The same by the bundle's payload.
    func lookup(ofPayload payload: Trytes, _ channel: ChannelNumber) throws -> [UInt8] {
        try vault.lookupHash(payload.ascii, domain: "candidate", channel: channel)
    }
}
