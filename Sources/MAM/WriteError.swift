import Failures

/// Why a message cannot be written.
package enum WriteError: Failure, Hashable {
    /// A tree has a power of two of leaves, at most `MerkleTree.maximumLeafCount`.
    case leafCount(Int)
    /// The security level is none of 1...3.
    case securityLevel(Int)
    /// A restricted channel has no side key, or another mode has one.
    case sideKey(ChannelMode)
    /// The leaf to start at is not in a tree.
    case position(leaf: Int)
    /// The content's length is beyond what a payload can state.
    case contentTooLong(tritCount: Int)
    /// No nonce was found within `NonceSearch.maximumAttempts`.
    case nonceNotFound
    /// All leaves that 64 bits can number are used.
    case exhausted

    package var code: String {
        switch self {
        case .leafCount: "mam.leaf-count"
        case .securityLevel: "mam.security-level"
        case .sideKey: "mam.side-key"
        case .position: "mam.position"
        case .contentTooLong: "mam.content-too-long"
        case .nonceNotFound: "mam.nonce-not-found"
        case .exhausted: "mam.exhausted"
        }
    }

    package var operation: String { "write message" }

    package var publicText: String {
        switch self {
        case .leafCount(let count):
            "a tree has a power of two of leaves up to \(MerkleTree.maximumLeafCount), not \(count)"
        case .securityLevel(let level): "the security level is 1, 2 or 3, not \(level)"
        case .sideKey(let mode):
            mode == .restricted
                ? "a restricted channel needs a side key"
                : "a \(mode.rawValue) channel has no side key"
        case .position(let leaf): "there is no leaf \(leaf) in a tree of this channel"
        case .contentTooLong(let count): "a message cannot have \(count) trits"
        case .nonceNotFound: "no nonce gives the message hash the security level"
        case .exhausted: "the channel has no leaf left"
        }
    }
}
