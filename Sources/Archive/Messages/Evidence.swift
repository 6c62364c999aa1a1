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
    /// The key period it is sealed under.
    package let period: Period
    /// Index 0 first.
    package let transactions: [Transaction]
    /// Of the transactions, in the same order, as just computed.
    package let hashes: [Hash]
    /// The bundle hash of the transactions' essences, where it was just computed.
    package let essenceHash: Hash?
}

/// A message and what proves it, or why there is nothing to be had.
package typealias KeptEvidence = Result<
    (message: StoredMessage, attachments: [KeptAttachment]), ArchiveError
>

extension Archive {
    /// A message and those of its attachments that are kept whole, the first verified first.
    ///
    /// - Throws: `ArchiveError.noSuchChannel` or `.noSuchMessage`, also outside `scope`;
    ///   `.wrongState` for a restricted channel; `.damaged`.
    package func evidence(
        of channel: ChannelNumber, sequence: Int64, within scope: ChannelScope = .all
    ) async throws -> (message: StoredMessage, attachments: [KeptAttachment]) {
        try await evidence(of: readable(channel, within: scope), sequence: sequence)
    }

    /// The same of a channel that may be read.
    package func evidence(
        of record: ChannelRecord, sequence: Int64
    ) async throws -> (message: StoredMessage, attachments: [KeptAttachment]) {
        guard let evidence = try await self.evidence(of: record, sequences: [sequence]).first else {
            throw ArchiveError.noSuchMessage(record.id, sequence: sequence)
        }
        return try evidence.evidence.get()
    }

    /// Messages that one call gives evidence of at most: a few megabytes.
    package static let evidenceBatchLimit = 256

    /// The same for many messages of a channel that may be read, in the order of `sequences`;
    /// those that are not there are left out.
    ///
    /// - Returns: `ArchiveError.damaged` where a value does not open or does not parse.
    /// - Throws: `ArchiveError.noSuchChannel` for one that was forgotten meanwhile.
    package func evidence(
        of record: ChannelRecord, sequences: [Int64]
    ) async throws -> [(sequence: Int64, evidence: KeptEvidence)] {
        let channel = record.id
        let wanted = sequences.prefix(Self.evidenceBatchLimit)
        let (messageRows, rows) = try await pool.withConnection { connection in
            let parameters: [PostgresValue] = [
                .int64(channel.rawValue), .int64Array(wanted.map { $0 }),
            ]
            let messages = try await connection.query(
                """
                select sequence, position, leaf, period, side_key, first_seen_at, attachments,
                    conflict, confirmed, milestone, sealed_head
                from message where channel = $1 and sequence = any($2)
                """, parameters)
            let attachments = try await connection.query(
                """
                select sequence, number, period, sealed_evidence from attachment
                where channel = $1 and sequence = any($2) and sealed_evidence is not null
                order by sequence, number
                """, parameters)
            return (messages, attachments)
        }
        try noteRead(messageRows.map { try $0.int64("sequence") }, of: channel)
        return try evidence(of: record, wanted, messageRows, rows)
    }

    private func evidence(
        of record: ChannelRecord, _ sequences: ArraySlice<Int64>, _ messageRows: [PostgresRow],
        _ rows: [PostgresRow]
    ) throws -> [(sequence: Int64, evidence: KeptEvidence)] {
        var messages: [Int64: Result<StoredMessage, ArchiveError>] = [:]
        for row in messageRows {
            let sequence = try row.int64("sequence")
            messages[sequence] = try damageApart(in: record.id) { try stored(row, of: record.id) }
        }
        let readable = messages.values.compactMap { try? $0.get() }
        let addresses = ChannelAddress.addresses(of: readable.map(\.head.root), mode: record.mode)
        var addressOf: [Int64: Hash] = [:]
        var payloadOf: [Int64: Trytes] = [:]
        for (message, address) in zip(readable, addresses) {
            addressOf[message.sequence] = address
            payloadOf[message.sequence] = message.head.payload
        }
        var faults: [Int64: ArchiveError] = [:]
        var encoded: [(bytes: [UInt8], head: Trytes, address: Hash)] = []
        var places: [(sequence: Int64, number: Int, period: Period)] = []
        for row in rows {
            let sequence = try row.int64("sequence")
            guard let address = addressOf[sequence], let head = payloadOf[sequence] else {
                continue
            }
            let number = Int(try row.int32("number"))
            let opened = try damageApart(in: record.id) {
                try openEvidence(row, sequence: sequence, number: number, in: record.id)
            }
            switch opened {
            case nil: continue  // Its period is being forgotten, and the message stays.
            case .success(let bytes):
                encoded.append((bytes, head, address))
                places.append((sequence, number, try row.period("period")))
            case .failure(let error): faults[sequence] = error
            }
        }
        var attachments: [Int64: [KeptAttachment]] = [:]
        for (place, decoded) in zip(places, EvidenceEncoding.decode(encoded)) {
            switch decoded {
            case .success(let bundle):
                attachments[place.sequence, default: []].append(
                    KeptAttachment(
                        number: place.number, period: place.period,
                        transactions: bundle.transactions, hashes: bundle.hashes,
                        essenceHash: bundle.essenceHash))
            case .failure:
                faults[place.sequence] = ArchiveError.damaged(
                    table: SealedColumn.attachmentEvidence.table, channel: record.id)
            }
        }
        return sequences.compactMap { sequence in
            guard let message = messages[sequence] else { return nil }
            if let fault = faults[sequence] { return (sequence, .failure(fault)) }
            return (sequence, message.map { ($0, attachments[sequence] ?? []) })
        }
    }

    /// Damage of one value keeps nobody from reading the others; nor does a period that is
    /// being forgotten, of which there is nothing any more. Any other error does.
    private func damageApart<Value>(
        in channel: ChannelNumber, _ body: () throws -> Value
    ) throws -> Result<Value, ArchiveError>? {
        do {
            return .success(try body())
        } catch let error as ArchiveError {
            return .failure(error)
        } catch VaultError.forgotten {
            guard try !vault.isForgotten(channel) else {
                throw ArchiveError.noSuchChannel(channel)
            }
            return nil
        }
    }

    private func openEvidence(
        _ row: PostgresRow, sequence: Int64, number: Int, in channel: ChannelNumber
    ) throws -> [UInt8] {
        let column = SealedColumn.attachmentEvidence
        return try vault.open(
            row.bytes("sealed_evidence"), column,
            column.context(
                channel, row.period("period"),
                row: SealedColumn.attachmentRow(sequence, number: number)))
    }

    /// All side keys of a channel by number, to decrypt stored messages with.
    package func sideKeys(of channel: ChannelNumber) async throws -> [Int16: SideKey] {
        let keys = try await pool.withConnection { try await sideKeys(of: channel, on: $0) }
        return Dictionary(keys.map { ($0.number, $0.key) }, uniquingKeysWith: { first, _ in first })
    }
}
