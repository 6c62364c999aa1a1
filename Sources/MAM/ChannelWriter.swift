import Ternary

/// A message as a device publishes it.
package struct WrittenMessage: Hashable, Sendable {
    /// To be laid into the fragments of a bundle.
    package let payload: Trytes
    package let root: Root
    package let nextRoot: Root
    /// Where the bundle belongs.
    package let address: Hash
    /// The leaf in its tree.
    package let index: UInt64
    /// Which tree of the channel, from 0.
    package let tree: UInt64
}

/// Writes a channel, message after message and tree after tree (mam-v0, *Writing*). The same
/// seed, settings and contents give the same payloads.
package struct ChannelWriter: Sendable, Redacted {
    package let mode: ChannelMode
    package let securityLevel: Int
    package let leavesPerTree: Int
    /// The tree of the next message, from 0.
    package private(set) var tree: UInt64
    /// The leaf of the next message in its tree.
    package private(set) var leaf: Int

    private let seed: Seed
    private var sideKey: SideKey?
    private var current: MerkleTree
    /// The tree after `current`, made when the first message needs its root.
    private var following: MerkleTree?

    /// - Parameters:
    ///   - sideKey: for a restricted channel, and for no other.
    ///   - securityLevel: 1...3.
    ///   - leavesPerTree: a power of two up to 65,536. All of them are derived here, some 1,500
    ///     permutations each at level 2.
    ///   - tree: where to start, or to go on after a restart.
    ///   - leaf: the same within the tree.
    /// - Throws: `leafCount`, `securityLevel`, `sideKey`, `position`, `exhausted`.
    package init(
        seed: Seed, mode: ChannelMode, sideKey: SideKey? = nil, securityLevel: Int = 2,
        leavesPerTree: Int = 1, tree: UInt64 = 0, leaf: Int = 0
    ) throws(WriteError) {
        guard (1...MerkleTree.maximumLeafCount).contains(leavesPerTree),
            leavesPerTree & (leavesPerTree - 1) == 0
        else { throw .leafCount(leavesPerTree) }
        guard SecurityLevel.range.contains(securityLevel) else {
            throw .securityLevel(securityLevel)
        }
        guard (mode == .restricted) == (sideKey != nil) else { throw .sideKey(mode) }
        guard (0..<leavesPerTree).contains(leaf) else { throw .position(leaf: leaf) }
        self.seed = seed
        self.mode = mode
        self.sideKey = sideKey
        self.securityLevel = securityLevel
        self.leavesPerTree = leavesPerTree
        self.tree = tree
        self.leaf = leaf
        current = MerkleTree(
            seed: seed, firstLeaf: try Self.firstLeaf(ofTree: tree, leavesPerTree),
            leafCount: leavesPerTree, securityLevel: securityLevel)
    }

    package var standIn: String { "<writer of a channel at tree \(tree), leaf \(leaf)>" }

    /// The root of the next message: to register the channel with.
    package var root: Root { current.root }

    /// Where the next message belongs.
    package var address: Hash { ChannelAddress.address(of: root, mode: mode) }

    /// The next message is masked with `sideKey`.
    ///
    /// - Throws: `sideKey` unless the channel is restricted.
    package mutating func change(sideKey: SideKey) throws(WriteError) {
        guard mode == .restricted else { throw .sideKey(mode) }
        self.sideKey = sideKey
    }

    /// Writes `text` as UTF-8.
    ///
    /// - Throws: `contentTooLong`, `nonceNotFound`, `exhausted`; then no leaf was used.
    package mutating func write(_ text: String) throws(WriteError) -> WrittenMessage {
        try write(trits: MessageText.trytes(text).trits)
    }

    /// Writes `trytes` as they are; throws as for text.
    package mutating func write(trytes: Trytes) throws(WriteError) -> WrittenMessage {
        try write(trits: trytes.trits)
    }

    /// Writes `trits`, not always whole trytes; throws as for text.
    package mutating func write(trits: [Trit]) throws(WriteError) -> WrittenMessage {
        let next = try followingTree()
        let writer = MessageWriter(
            root: root, nextRoot: next.root, sideKey: sideKey, seed: seed,
            firstLeaf: try Self.firstLeaf(ofTree: tree, leavesPerTree),
            securityLevel: securityLevel)
        let written = WrittenMessage(
            payload: try writer.payload(
                content: trits, index: UInt64(leaf), siblings: current.siblings(ofLeaf: leaf)),
            root: root, nextRoot: next.root, address: address, index: UInt64(leaf), tree: tree)
        leaf += 1
        if leaf == leavesPerTree {
            leaf = 0
            tree += 1
            current = next
            following = nil
        }
        return written
    }

    private mutating func followingTree() throws(WriteError) -> MerkleTree {
        if let following { return following }
        guard tree < UInt64.max else { throw .exhausted }
        let made = MerkleTree(
            seed: seed, firstLeaf: try Self.firstLeaf(ofTree: tree + 1, leavesPerTree),
            leafCount: leavesPerTree, securityLevel: securityLevel)
        following = made
        return made
    }

    /// - Throws: `exhausted` where a leaf of the tree does not fit 64 bits.
    private static func firstLeaf(
        ofTree tree: UInt64, _ leavesPerTree: Int
    ) throws(WriteError) -> UInt64 {
        let first = tree.multipliedReportingOverflow(by: UInt64(leavesPerTree))
        guard !first.overflow,
            !first.partialValue.addingReportingOverflow(UInt64(leavesPerTree)).overflow
        else { throw .exhausted }
        return first.partialValue
    }
}
