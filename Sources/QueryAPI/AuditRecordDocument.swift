import Archive
import Vault

/// An entry of the log as the interface and `audit list` tell it.
package struct AuditRecordDocument: Encodable, Sendable {
    package let at: Timestamp
    package let kind: String
    /// A token; absent for the operator.
    package let actor: String?
    /// The channel or subject; absent for what is about no person.
    package let about: String?
    package let details: [String: String]?
    /// Why there are none.
    package let missing: String?
    package let writer: String
    package let number: Int64
    package let hash: String

    package init(_ record: AuditRecord) {
        let entry = record.entry
        at = Timestamp(entry.at)
        kind = entry.kind
        actor = entry.actor?.text
        about = entry.leaf == entry.writer ? nil : entry.leaf.text
        switch record.details {
        case .open(let found): (details, missing) = (found, nil)
        case .forgotten: (details, missing) = (nil, "forgotten")
        case .damaged: (details, missing) = (nil, "damaged")
        }
        writer = entry.writer.text
        number = entry.number
        hash = entry.hashText
    }
}
