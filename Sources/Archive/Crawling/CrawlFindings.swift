import Foundation
import MAM
import Tangle
import Ternary
import Vault

import struct Tangle.Bundle

/// A message whose signature was checked against its root, with the bundle that bears it.
package struct VerifiedMessage: Sendable {
    /// Shared, because it is handed on many times on its way into the archive.
    private final class Contents: Sendable {
        let position: Int64
        let root: Root
        let sideKey: Int16?
        let message: Message
        let bundle: Bundle
        let payload: Trytes

        init(
            position: Int64, root: Root, sideKey: Int16?, message: Message, bundle: Bundle,
            payload: Trytes
        ) {
            self.position = position
            self.root = root
            self.sideKey = sideKey
            self.message = message
            self.bundle = bundle
            self.payload = payload
        }
    }

    private let contents: Contents
    /// Whether a source said that the ledger confirmed it.
    package var confirmed: Bool
    /// The milestone that confirmed it, where a dump or a node event tells.
    package var milestone: Int32?

    /// - Parameter payload: the bundle's; nil has it put together.
    package init(
        position: Int64, root: Root, sideKey: Int16?, message: Message, bundle: Bundle,
        payload: Trytes? = nil, confirmed: Bool = false, milestone: Int32? = nil
    ) {
        contents = Contents(
            position: position, root: root, sideKey: sideKey, message: message, bundle: bundle,
            payload: payload ?? bundle.messageTrytes)
        self.confirmed = confirmed
        self.milestone = milestone
    }

    package var position: Int64 { contents.position }
    package var root: Root { contents.root }
    /// The number of the side key that opened it; nil in modes without.
    package var sideKey: Int16? { contents.sideKey }
    package var message: Message { contents.message }
    package var bundle: Bundle { contents.bundle }
    /// The bundle's, which is long to put together.
    package var payload: Trytes { contents.payload }
}

/// A bundle that no known key opens.
package struct WaitingFinding: Sendable {
    package let position: Int64
    package let bundle: Bundle
    /// Found at the head. What is found at passed trees may take only half of the room and
    /// makes way for what is found at the head, so that a forger cannot use it up there.
    package let atHead: Bool

    package init(position: Int64, bundle: Bundle, atHead: Bool) {
        self.position = position
        self.bundle = bundle
        self.atHead = atHead
    }
}

/// The head's step to the next tree.
package struct HeadAdvance: Sendable {
    /// The tree that is passed; where it is the head no more, nothing is done.
    package let position: Int64
    /// The root that a verified message of the tree before names.
    package let nextRoot: Root
    /// Until when the tree that is passed is looked at again.
    package let watchUntil: Date
    /// When it is looked at first.
    package let watchFrom: Date

    package init(position: Int64, nextRoot: Root, watchUntil: Date, watchFrom: Date) {
        self.position = position
        self.nextRoot = nextRoot
        self.watchUntil = watchUntil
        self.watchFrom = watchFrom
    }
}

/// How a look at a channel ends.
package struct LookEnd: Sendable {
    package let state: ChannelState
    package let reason: String?
    package let nextLookAt: Date

    package init(state: ChannelState, reason: String?, nextLookAt: Date) {
        self.state = state
        self.reason = reason
        self.nextLookAt = nextLookAt
    }
}

/// What a crawler found for one channel, to be stored in one transaction.
package struct CrawlFindings: Sendable {
    package let lease: CrawlLease
    /// The number of the earlier chain that the turn was at; nil for the channel's own head.
    package let filling: Int16?
    /// In the order in which sequences are to be given.
    package var messages: [VerifiedMessage] = []
    /// The first tree that each side key is known to open, where that is stored already.
    package var firstPositions: [Int16: Int64] = [:]
    /// Side keys that rotations among the messages announce, under the next free numbers.
    package var sideKeys: [NumberedSideKey] = []
    /// Bundles that no known key opens; kept within `WaitingRoom`'s bounds.
    package var waiting: [WaitingFinding] = []
    /// Bundles that no longer wait.
    package var settled: [Bundle] = []
    /// The head's step to the root that a message among the findings names.
    package var advance: HeadAdvance?
    /// Tails of attachments that the ledger confirmed, with the milestone where it is known.
    package var confirmed: [Hash: Int32?] = [:]
    /// Passed trees that were looked at, with the time of the next look; nil ends the watch.
    package var watched: [Int64: Date?] = [:]
    /// Ends the look and gives the lease back; nil keeps it.
    package var end: LookEnd?

    package init(lease: CrawlLease, filling: Int16? = nil) {
        self.lease = lease
        self.filling = filling
    }
}

/// What became of one channel's findings.
package enum CrawlOutcome: Sendable, Equatable {
    /// - Parameters:
    ///   - messages: new ones.
    ///   - attachments: further attachments of messages the archive has.
    ///   - chain: whether the head's step was taken, or why not.
    case stored(messages: Int, attachments: Int, chain: ChainStep)
    /// Somebody else took the channel over; nothing was written.
    case fenced
}

package enum ChainStep: Sendable, Equatable {
    case none
    case advanced
    /// The next root is the one where the earlier chain had to arrive: it is filled in.
    case joined
    /// The next root is one the chain passed already: it leads nowhere.
    case cycle
    /// The next root was forgotten, and is not followed.
    case forgotten
}
