import Archive
import MAM
import Tangle
import Ternary

/// What one look at one tree's address gave.
package struct TreeReport: Sendable {
    package let tree: FollowedTree
    /// Authentic messages, by leaf, then in the order in which their bundles were seen.
    package var messages: [VerifiedMessage] = []
    /// Well-formed bundles that no known side key opens.
    package var unreadable: [Bundle] = []
    /// Bundles that waited for a key and were opened, or turned out to be nothing.
    package var settled: [Bundle] = []
    /// Transactions that need not be fetched again.
    package var judged: [Hash] = []
    /// Tails whose bundles lack a transaction: not known yet.
    package var incompleteTails: [Hash] = []
    /// Transactions that the source named and did not give.
    package var unanswered: [Hash] = []
    /// How many transactions that were incomplete or not given before had no turn this time.
    package var postponed = 0
    /// Tails of messages that the ledger has not confirmed.
    package var unconfirmed: [Hash] = []
    /// Tails that it confirmed since the last look.
    package var confirmed: [Hash: Int32?] = [:]
    /// Bundles that are no message of this root, whatever the key.
    package var rejected = 0
    /// There are transactions that were never looked at: the next look comes to them.
    package var leftOver = false
    /// More lies at the address than was looked at, or than the source tells.
    package var flooded = false

    package init(tree: FollowedTree) { self.tree = tree }

    /// What the first message names as the next tree.
    package var nextRoot: Root? { messages.first?.message.nextRoot }

    /// What may turn out to be something at another look.
    package var unresolved: [Hash] { incompleteTails + unanswered }
}
