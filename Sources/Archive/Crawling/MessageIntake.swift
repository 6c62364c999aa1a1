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
    }

    var new: [New] = []
    private(set) var repeated: [Repeated] = []
    /// Sequences of messages that were there and are now known to be confirmed.
    private(set) var confirmed: [Int64: Int32?] = [:]
    /// A message lies in the chain a second time: the chain leads back to a passed root.
    private(set) var cycle = false

    init() {}

    /// - Parameters:
    ///   - messages: with the keyed hash that tells each from others.
    ///   - known: those the archive has, by that hash.
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
            messages.map { (entry.channel.rawValue, $0.lookup) }
        }
        guard !wanted.isEmpty else { return }
        let rows = try await connection.query(
            """
            select m.lookup, m.sequence, m.position
            from unnest($1::bigint[], $2::bytea[]) as k (channel, lookup)
                join message m on m.channel = k.channel and m.lookup = k.lookup
            """, [.int64Array(wanted.map(\.0)), .bytesArray(wanted.map(\.1))])
        var known: [[UInt8]: MessageIntake.Known] = [:]
        for row in rows {
            known[try row.bytes("lookup")] = .init(
                sequence: try row.int64("sequence"), position: try row.int64("position"))
        }
        for (index, messages) in messages.enumerated() {
            entries[index].intake = MessageIntake(messages, known: known)
            if entries[index].intake.cycle { entries[index].step = .cycle }
        }
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
