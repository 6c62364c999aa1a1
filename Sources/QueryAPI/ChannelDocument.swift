import Archive
import MAM
import Vault

/// A channel as the interface tells it.
package struct ChannelDocument: Codable, Sendable, Hashable {
    package let id: String
    package let mode: ChannelMode
    package let state: ChannelState
    /// Why it is in this state, such as `chain.quiet`; absent where there is nothing to explain.
    package let reason: String?
    package let label: String?
    /// What the messages are kept for, and why that is lawful.
    package let purpose: String?
    package let basis: LawfulBasis?
    /// The operator's pseudonyms for the people whose data it is: told to admins only.
    package let subjects: [String]?
    /// How many were taken in; absent for who may read a part of them.
    package let messages: Int64?
    /// The tree now looked for, counted from the registered root; absent as above.
    package let headPosition: Int64?
    package let sideKeys: Int
    /// How long messages are kept, such as `13m`; absent where all are.
    package let retention: String?
    /// Whom a node's commands answer about it; absent for nobody.
    package let nodeInterface: NodeInterface?
    /// False while what those commands look things up by is being made or deleted; else absent.
    package let nodeInterfaceReady: Bool?
    /// True for the channel on which its subject gives and takes consent; else absent.
    package let consent: Bool?
    package let createdAt: Timestamp
    package let lastLookAt: Timestamp?
    /// Absent where the crawler does not look.
    package let nextLookAt: Timestamp?

    /// - Parameter isLimited: For who may read a part of its messages: how many others there are
    ///   is not told.
    package init(_ record: ChannelRecord, isAdmin: Bool, isLimited: Bool = false) {
        id = record.id.text
        mode = record.mode
        state = record.state
        reason = record.reason
        label = record.label
        purpose = record.purpose
        basis = record.basis
        subjects = isAdmin && !record.subjects.isEmpty ? record.subjects : nil
        messages = isLimited ? nil : record.messageCount
        headPosition = isLimited ? nil : record.headPosition
        sideKeys = record.sideKeyCount
        retention = record.retention?.text
        nodeInterface = record.nodeInterface
        nodeInterfaceReady = record.nodeInterfaceIsReady ? nil : false
        consent = record.isConsent ? true : nil
        createdAt = Timestamp(record.createdAt)
        lastLookAt = record.lastLookAt.map(Timestamp.init)
        nextLookAt =
            ChannelState.crawled.contains(record.state) ? Timestamp(record.nextLookAt) : nil
    }
}
