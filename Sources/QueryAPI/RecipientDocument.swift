import Archive
import Vault

/// Who read a channel, as the interface tells it.
package struct RecipientDocument: Codable, Sendable, Hashable {
    /// The reader's token id; absent for the operator and for `anyone`.
    package let token: String?
    /// True for those who read without a token, all together; else absent.
    package let anyone: Bool?
    package let firstReadAt: Timestamp
    package let lastReadAt: Timestamp
    /// How many were read, those read again counted again.
    package let messages: Int64

    package init(_ recipient: Recipient) {
        token = recipient.reader?.text
        anyone = recipient.isAnyone ? true : nil
        firstReadAt = Timestamp(recipient.firstReadAt)
        lastReadAt = Timestamp(recipient.lastReadAt)
        messages = recipient.messages
    }
}
