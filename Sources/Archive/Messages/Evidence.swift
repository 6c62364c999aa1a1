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
        try await evidence(
            of: readable(channel, within: scope), sequence: sequence, within: scope)
    }

    /// The same of a channel that may be read.
    package func evidence(
        of record: ChannelRecord, sequence: Int64, within scope: ChannelScope
    ) async throws -> (message: StoredMessage, attachments: [KeptAttachment]) {
        guard let found = try await evidence(of: record, sequences: [sequence], within: scope).first
        else {
            throw ArchiveError.noSuchMessage(record.id, sequence: sequence)
        }
        return try found.evidence.get()
    }

    /// The same for many messages of a channel that may be read, at most `evidenceBatchLimit`, in
    /// the order of their sequences; those that are not there are left out.
    ///
    /// - Returns: `ArchiveError.damaged` where a value does not open or does not parse.
    /// - Throws: `ArchiveError.noSuchChannel` for one that was forgotten meanwhile.
    func evidence(
        of record: ChannelRecord, sequences: [Int64], within scope: ChannelScope = .all
    ) async throws -> [(sequence: Int64, evidence: KeptEvidence)] {
        let wanted = Array(sequences.prefix(Self.evidenceBatchLimit))
        let sealed = try await sealedEvidence(
            of: record.id, sequences: wanted, scope.windows(of: record.id))
        try noteRead(
            Set(sealed.sequences()), of: record.id, by: basis(of: scope.grants(of: record.id)))
        let opening = try EvidenceOpening(sealed, modes: [record.id: record.mode], of: self)
        try opening.checkNoneIsGone()
        return opening.found().map { ($0.place.sequence, $0.evidence) }
    }

    /// All side keys of a channel by number, to decrypt stored messages with.
    package func sideKeys(of channel: ChannelNumber) async throws -> [Int16: SideKey] {
        let keys = try await pool.withConnection { try await sideKeys(of: channel, on: $0) }
        return Dictionary(keys.map { ($0.number, $0.key) }, uniquingKeysWith: { first, _ in first })
    }
}
