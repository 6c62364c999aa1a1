import Ternary

/// Where the messages under a root lie (mam-v0, *Modes and where a message lies*).
package enum ChannelAddress {
    /// In public mode the root itself, otherwise Curl-P-81 of it. The side key has no part.
    package static func address(of root: Root, mode: ChannelMode) -> Hash {
        switch mode {
        case .public: root.revealHash()
        case .private, .restricted:
            Hash(sponge: CurlP.hash(root.revealTrits(), rounds: .transaction))
        }
    }

    /// The same for many roots, in their order, side by side.
    package static func addresses(of roots: [Root], mode: ChannelMode) -> [Hash] {
        switch mode {
        case .public: roots.map { $0.revealHash() }
        case .private, .restricted:
            CurlPBatch.hashes(of: roots.map { $0.revealTrytes() }, rounds: .transaction)
        }
    }
}
