import Archive
import Vault

/// A grant as the interface tells it to admins.
package struct GrantDocument: Codable, Sendable, Hashable {
    package let id: String
    package let token: String
    package let channel: String
    package let purpose: String?
    /// Messages that the archive took in from this time to before the other.
    package let from: Timestamp?
    package let until: Timestamp?
    /// Both included.
    package let firstPosition: Int64?
    package let lastPosition: Int64?
    package let expires: Timestamp?
    package let grantedAt: Timestamp
    /// A token; absent for the operator.
    package let grantedBy: String?
    package let revokedAt: Timestamp?

    package init(_ record: GrantRecord) {
        id = record.id.text
        token = record.token.text
        channel = record.channel.text
        purpose = record.purpose
        from = record.window.seenFrom.map(Timestamp.init)
        until = record.window.seenUntil.map(Timestamp.init)
        firstPosition = record.window.firstPosition
        lastPosition = record.window.lastPosition
        expires = record.expiresAt.map(Timestamp.init)
        grantedAt = Timestamp(record.grantedAt)
        grantedBy = record.grantedBy.token?.text
        revokedAt = record.revokedAt.map(Timestamp.init)
    }
}
