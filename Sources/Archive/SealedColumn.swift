import Vault

/// The columns whose values are sealed; with channel, period and row they bind a value to
/// its place, so that no two can be swapped.
package enum SealedColumn: String, Sendable, CaseIterable {
    case subjectPseudonym = "subject.sealed_pseudonym"
    case channelLabel = "channel.sealed_label"
    case channelPurpose = "channel.sealed_purpose"
    case sideKey = "side_key.sealed_key"
    case providerKey = "provider_key.sealed_key"
    case treeRoot = "tree.sealed_root"
    case messageHead = "message.sealed_head"
    case attachmentEvidence = "attachment.sealed_evidence"
    case nodeHashes = "node_attachment.sealed_hashes"
    case candidateBundle = "candidate.sealed_bundle"
    case requestNote = "forget_request.sealed_note"
    case holdReason = "legal_hold.sealed_reason"
    case requestReason = "forget_request.sealed_reason"
    case grantPurpose = "access_grant.sealed_purpose"
    case consentEvent = "consent_event.sealed_event"
    case auditDetails = "audit_entry.sealed_details"

    package var table: String { names.table }

    private var column: String { names.column }

    private var names: (table: String, column: String) {
        Self.names[self] ?? Self.names(rawValue)
    }

    /// Taken apart once: every value that is sealed or opened asks for them.
    private static let names = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0, names($0.rawValue)) })

    private static func names(_ text: String) -> (table: String, column: String) {
        (String(text.prefix { $0 != "." }), String(text.drop { $0 != "." }.dropFirst()))
    }

    /// - Parameter row: what names the row within the channel: a position, a sequence, a
    ///   number, or several joined.
    package func context(
        _ channel: ChannelNumber, _ period: Period = .channel, row: [UInt8]
    ) -> SealingContext {
        SealingContext(table: table, column: column, channel: channel, period: period, row: row)
    }

    package func context(
        _ channel: ChannelNumber, _ period: Period = .channel, row: Int64 = 0
    ) -> SealingContext {
        SealingContext(table: table, column: column, channel: channel, period: period, row: row)
    }
}

extension Vault {
    /// Opens a stored value.
    /// - Throws: `ArchiveError.damaged` where it does not open under its place's key;
    ///   `VaultError.forgotten` where that key is gone.
    func open(_ sealed: [UInt8], _ column: SealedColumn, _ context: SealingContext) throws
        -> [UInt8]
    {
        do {
            return try open(sealed, context)
        } catch VaultError.wrongKeyOrDamaged {
            throw ArchiveError.damaged(table: column.table, channel: context.channel)
        }
    }
}
