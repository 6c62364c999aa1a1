import Foundation

/// In which order messages are told.
package enum MessageOrder: String, Sendable, Codable, CaseIterable {
    /// The order in which the archive took them in: nothing ever appears before what was
    /// told already, so a reader who goes on from the last one misses nothing.
    case sequence
    /// The order of the chain: tree, leaf, sequence. Late leaves and twins stand in their
    /// place, before messages that may have been told already.
    case position
}

/// Where a reader stands: the last message told.
package struct MessageKey: Sendable, Equatable {
    package let sequence: Int64
    package let position: Int64
    package let leaf: Int64

    package init(sequence: Int64, position: Int64, leaf: Int64) {
        self.sequence = sequence
        self.position = position
        self.leaf = leaf
    }
}

/// Which messages of a channel, and in which order.
package struct MessageRange: Sendable, Equatable {
    package var order: MessageOrder = .sequence
    package var descending = false
    /// Claimed at this time or later; messages whose claim is no time are left out.
    package var from: Date?
    /// Claimed before this time; messages whose claim is no time are left out.
    package var to: Date?
    /// Taken in at this time or later.
    package var seenFrom: Date?
    /// Taken in before this time.
    package var seenTo: Date?
    /// This tree or a later one, counted from the registered root.
    package var firstPosition: Int64?
    /// This tree or an earlier one.
    package var lastPosition: Int64?

    package init() {}

    /// Whether a stored row does not tell all of whether a message is in the range: the exact
    /// claimed time is sealed.
    var isFiltered: Bool { from != nil || to != nil }

    func contains(_ claimedAt: Date?) -> Bool {
        guard isFiltered else { return true }
        guard let claimedAt else { return false }
        if let from, claimedAt < from { return false }
        if let to, claimedAt >= to { return false }
        return true
    }
}
