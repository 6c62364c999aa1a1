/// Why a channel stands as it stands, in `ChannelRecord.reason`.
package enum StallReason: String, Sendable, CaseIterable {
    /// Nothing new for longer than the crawler's patience: the device stopped, or a message
    /// never reached the ledger and what follows cannot be found.
    case quiet = "chain.quiet"
    /// A bundle at the next address lacks a transaction that no node has.
    case incompleteBundle = "chain.incomplete-bundle"
    /// There is a bundle at the next address that no known side key opens.
    case unreadable = "chain.unreadable"
    /// More lies at the next address than can be looked at.
    case flooded = "chain.flooded"
    /// The next root is one the chain passed already.
    case cycle = "chain.cycle"
    /// The next root was forgotten.
    case forgotten = "chain.forgotten"
    /// No node answered as it should.
    case unreachable = "node.unreachable"
    /// What is stored of the channel cannot be read.
    case damaged = "archive.damaged"
    /// The last look ended with an error that only the log tells.
    case failed = "crawl.failed"

    /// For people.
    package var explanation: String {
        switch self {
        case .quiet:
            "nothing new for long: the device stopped, or a message never reached the ledger"
        case .incompleteBundle: "a bundle at the next address lacks a transaction"
        case .unreadable: "what lies at the next address is opened by no known side key"
        case .flooded: "more lies at the next address than can be looked at"
        case .cycle: "the chain leads back to a root it already passed"
        case .forgotten: "the chain leads to a root that was forgotten"
        case .unreachable: "no node answered as it should"
        case .damaged: "what is stored of the channel cannot be read with this key ring"
        case .failed: "the last look failed; the log says why"
        }
    }
}
