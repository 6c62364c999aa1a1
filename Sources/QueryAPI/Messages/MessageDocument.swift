import Archive
import Foundation
import MAM
import Ternary

/// A message as the interface tells it.
package struct MessageDocument: Codable, Sendable, Hashable {
    /// The order in which the archive took messages in.
    package let sequence: Int64
    /// Trees from the registered root.
    package let position: Int64
    /// The message in its tree.
    package let leaf: Int64
    /// Absent where the content is none; then `trytes` has it.
    package let text: String?
    /// The content where it is no text, filled up with zero trits to a whole tryte.
    package let trytes: Trytes?
    package let tag: Trytes
    package let bundle: Hash
    package let tail: Hash
    package let address: Hash
    /// 1...3.
    package let securityLevel: Int
    /// What the attacher claimed; absent where that is no time from 1970 to 9999.
    package let claimedAt: Timestamp?
    package let firstSeenAt: Timestamp
    package let confirmed: Bool
    /// Known only from dumps and node events.
    package let milestone: Int32?
    /// How many were counted, the first included.
    package let attachments: Int
    /// Another authentic message was signed with the same leaf.
    package let conflict: Bool

    init(_ stored: StoredMessage, _ message: Message, address: Hash) {
        sequence = stored.sequence
        position = stored.position
        leaf = stored.leaf
        text = message.text
        trytes = text == nil ? message.contentTrytes : nil
        tag = stored.head.tag
        bundle = stored.head.bundle
        tail = stored.head.tail
        self.address = address
        securityLevel = stored.head.securityLevel
        claimedAt = stored.head.claimedAt.map(Timestamp.init)
        firstSeenAt = Timestamp(stored.firstSeenAt)
        confirmed = stored.confirmed
        milestone = stored.milestone
        attachments = stored.attachments
        conflict = stored.conflict
    }
}

extension MessageDocument: CustomStringConvertible {
    /// Without the content, which may be personal data.
    package var description: String { "<message \(sequence)>" }
}
