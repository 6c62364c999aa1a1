import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import Vault

/// An attachment that is kept whole: the bundle as it stood on the ledger.
package struct KeptAttachment: Sendable {
    /// 0 for the first verified one.
    package let number: Int
    /// Index 0 first.
    package let transactions: [Transaction]
}

extension Archive {
    /// A message and those of its attachments that are kept whole, the first verified first.
    ///
    /// - Throws: `ArchiveError.noSuchChannel` or `.noSuchMessage`, also outside `scope`;
    ///   `.wrongState` for a restricted channel; `.damaged`.
    package func evidence(
        of channel: ChannelNumber, sequence: Int64, within scope: ChannelScope = .all
    ) async throws -> (message: StoredMessage, attachments: [KeptAttachment]) {
        let record = try await self.channel(channel, within: scope)
        guard record.state != .forgotten else { throw ArchiveError.noSuchChannel(channel) }
        guard record.state != .restricted else {
            throw ArchiveError.wrongState(channel, record.state)
        }
        let (messageRow, rows) = try await pool.withConnection { connection in
            let parameters: [PostgresValue] = [.int64(channel.rawValue), .int64(sequence)]
            let message = try await connection.query(
                """
                select sequence, position, leaf, period, side_key, first_seen_at, attachments,
                    conflict, confirmed, milestone, sealed_head
                from message where channel = $1 and sequence = $2
                """, parameters)
            let attachments = try await connection.query(
                """
                select number, period, sealed_evidence from attachment
                where channel = $1 and sequence = $2 and sealed_evidence is not null
                order by number
                """, parameters)
            return (message.first, attachments)
        }
        guard let messageRow else {
            throw ArchiveError.noSuchMessage(channel, sequence: sequence)
        }
        try noteRead([sequence], of: channel)
        do {
            let message = try stored(messageRow, of: channel)
            let address = ChannelAddress.address(of: message.head.root, mode: record.mode)
            return (
                message,
                try rows.compactMap { row in
                    do {
                        return try attachment(row, of: message, in: channel, at: address)
                    } catch VaultError.forgotten {
                        guard try !vault.isForgotten(channel) else {
                            throw ArchiveError.noSuchChannel(channel)
                        }
                        return nil  // Its period is being forgotten, and the message stays.
                    }
                }
            )
        } catch VaultError.forgotten {
            throw try vault.isForgotten(channel)
                ? ArchiveError.noSuchChannel(channel)
                : ArchiveError.noSuchMessage(channel, sequence: sequence)
        }
    }

    private func attachment(
        _ row: PostgresRow, of message: StoredMessage, in channel: ChannelNumber, at address: Hash
    ) throws -> KeptAttachment {
        let number = Int(try row.int32("number"))
        let column = SealedColumn.attachmentEvidence
        let encoded = try vault.open(
            row.bytes("sealed_evidence"), column,
            column.context(
                channel, row.period("period"),
                row: SealedColumn.attachmentRow(message.sequence, number: number)))
        do {
            return KeptAttachment(
                number: number,
                transactions: try EvidenceEncoding.decode(
                    encoded, head: message.head.payload, address: address))
        } catch {
            throw ArchiveError.damaged(table: column.table, channel: channel)
        }
    }

    /// All side keys of a channel by number, to decrypt stored messages with.
    package func sideKeys(of channel: ChannelNumber) async throws -> [Int16: SideKey] {
        let keys = try await pool.withConnection { try await sideKeys(of: channel, on: $0) }
        return Dictionary(keys.map { ($0.number, $0.key) }, uniquingKeysWith: { first, _ in first })
    }
}
