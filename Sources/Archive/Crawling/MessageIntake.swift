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
        /// The key period of a bundle that waited for its key; nil for what is new.
        var period: Period?

        init(_ message: VerifiedMessage, lookup: [UInt8]) {
            self.message = message
            self.lookup = lookup
            bundles = [message.bundle]
            confirmed = message.confirmed
            milestone = message.milestone
        }

        mutating func add(_ attachment: VerifiedMessage) {
            bundles.append(attachment.bundle)
            confirmed = confirmed || attachment.confirmed
            milestone = milestone ?? attachment.milestone
        }
    }

    /// An attachment of a message the archive has.
    struct Repeated {
        let sequence: Int64
        let message: VerifiedMessage
    }

    /// Where a message that the archive has lies.
    struct Known {
        let sequence: Int64
        let position: Int64
        let leaf: Int64
    }

    /// A leaf of the channel's trees.
    struct Leaf: Hashable {
        let position: Int64
        let leaf: Int64

        init(_ message: VerifiedMessage) {
            position = message.position
            leaf = Int64(clamping: message.message.index)
        }

        init(_ known: Known) {
            position = known.position
            leaf = known.leaf
        }
    }

    var new: [New] = []
    private(set) var repeated: [Repeated] = []
    /// Sequences of messages that were there and are now known to be confirmed.
    private(set) var confirmed: [Int64: Int32?] = [:]
    /// A message lies in the chain a second time: the chain leads back to a passed root.
    private(set) var cycle = false
    /// Leaves that new messages have a message beside.
    private(set) var twinLeaves: Set<Leaf> = []
    /// Sequences of messages that were there, of the same leaves.
    private(set) var twins: [Int64] = []

    init() {}

    /// - Parameters:
    ///   - messages: with the keyed hash that tells each from others.
    ///   - known: those the archive has of the same hashes or leaves, by that hash.
    init(_ messages: [(VerifiedMessage, lookup: [UInt8])], known: [[UInt8]: Known]) {
        var newIndex: [[UInt8]: Int] = [:]
        for (message, lookup) in messages {
            if let place = known[lookup] {
                guard place.position == message.position else {
                    cycle = true
                    continue
                }
                if message.confirmed { confirmed[place.sequence] = message.milestone }
                repeated.append(Repeated(sequence: place.sequence, message: message))
            } else if let index = newIndex[lookup] {
                new[index].add(message)
            } else {
                newIndex[lookup] = new.count
                new.append(New(message, lookup: lookup))
            }
        }
        findTwins(among: known)
    }

    private mutating func findTwins(among known: [[UInt8]: Known]) {
        var leaves: Set<Leaf> = []
        for new in new {
            let leaf = Leaf(new.message)
            if !leaves.insert(leaf).inserted { twinLeaves.insert(leaf) }
        }
        guard !known.isEmpty else { return }
        for known in known.values where leaves.contains(Leaf(known)) {
            twinLeaves.insert(Leaf(known))
            twins.append(known.sequence)
        }
    }
}

extension Archive {
    /// Tells what is new of all entries' messages.
    func intake(_ entries: inout [CommitEntry], on connection: PostgresConnection) async throws {
        let messages = try entries.map { entry in
            entry.isRefused
                ? []
                : try entry.found.messages.map {
                    ($0, lookup: try lookup(of: $0, in: entry.channel))
                }
        }
        let wanted = zip(entries, messages).flatMap { entry, messages in
            messages.map { (entry.channel.rawValue, MessageIntake.Leaf($0.0), $0.lookup) }
        }
        guard !wanted.isEmpty else { return }
        let rows = try await connection.query(
            """
            with k as materialized (
                select * from unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[])
                    as k (channel, lookup, position, leaf))
            select m.channel, m.lookup, m.sequence, m.position, m.leaf
            from k join message m on m.channel = k.channel and m.lookup = k.lookup
            union
            select m.channel, m.lookup, m.sequence, m.position, m.leaf
            from k join message m
                on m.channel = k.channel and m.position = k.position and m.leaf = k.leaf
            """,
            [
                .int64Array(wanted.map(\.0)), .bytesArray(wanted.map(\.2)),
                .int64Array(wanted.map(\.1.position)), .int64Array(wanted.map(\.1.leaf)),
            ])
        var known: [Int64: [[UInt8]: MessageIntake.Known]] = [:]
        for row in rows {
            known[try row.int64("channel"), default: [:]][try row.bytes("lookup")] = .init(
                sequence: try row.int64("sequence"), position: try row.int64("position"),
                leaf: try row.int64("leaf"))
        }
        for (index, messages) in messages.enumerated() where !messages.isEmpty {
            entries[index].intake = MessageIntake(
                messages, known: known[entries[index].channel.rawValue] ?? [:])
            if entries[index].intake.cycle { entries[index].step = .cycle }
        }
        try await markTwins(of: entries, on: connection)
    }

    /// Marks messages that were there and now have another of the same leaf.
    private func markTwins(
        of entries: [CommitEntry], on connection: PostgresConnection
    ) async throws {
        let twins = entries.flatMap { entry in
            entry.intake.twins.map { (entry.channel.rawValue, $0) }
        }
        guard !twins.isEmpty else { return }
        _ = try await connection.execute(
            """
            update message m set conflict = true
            from unnest($1::bigint[], $2::bigint[]) as k (channel, sequence)
            where m.channel = k.channel and m.sequence = k.sequence and not m.conflict
            """, [.int64Array(twins.map(\.0)), .int64Array(twins.map(\.1))])
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
}
