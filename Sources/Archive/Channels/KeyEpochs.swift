import Foundation
import Postgres
import Vault

/// A side key of a channel as it is shown: everything but the key.
package struct KeyEpoch: Sendable, Equatable {
    package let number: Int16
    /// The tree from which it opens messages: the first that it opened, or the one from which a
    /// rotation announced it. Nil while neither is known.
    package let firstPosition: Int64?
    package let addedAt: Date
}

extension Archive {
    /// A channel's key epochs in the order of the chain, those of which nothing is known last.
    /// - Throws: `ArchiveError.noSuchChannel`.
    package func keyEpochs(of channel: ChannelNumber) async throws -> [KeyEpoch] {
        _ = try await self.channel(channel)
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                select number, first_position, added_at from side_key where channel = $1
                order by first_position nulls last, number
                """, [.int64(channel.rawValue)])
        }
        return try rows.map { row in
            KeyEpoch(
                number: try row.int16("number"),
                firstPosition: try row.optionalInt64("first_position"),
                addedAt: try row.timestamp("added_at"))
        }
    }
}

extension NumberedSideKey {
    /// A channel's side keys in the order in which they are likely to open what lies in a tree:
    /// the epoch that the tree belongs to; keys of which nothing is known, the newest first; the
    /// other epochs, the nearest first.
    package static func likely(_ keys: [NumberedSideKey], at position: Int64) -> [NumberedSideKey] {
        let epoch = keys.filter { $0.firstPosition.map { $0 <= position } ?? false }
            .max { ($0.firstPosition ?? 0, $0.number) < ($1.firstPosition ?? 0, $1.number) }
        func rank(_ key: NumberedSideKey) -> (Int, UInt64, Int16) {
            if key.number == epoch?.number { return (0, 0, 0) }
            guard let first = key.firstPosition else { return (1, 0, -key.number) }
            let distance =
                first >= position
                ? UInt64(bitPattern: first &- position) : UInt64(bitPattern: position &- first)
            return (2, distance, -key.number)
        }
        return keys.map { ($0, rank($0)) }.sorted { $0.1 < $1.1 }.map(\.0)
    }
}
