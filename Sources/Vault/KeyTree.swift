import Secrets

/// The puncturable key tree: a key for every leaf, of which any can be destroyed for good.
///
/// The tree has 2^64 leaves (channel number, then period), and only a few of its nodes are kept.
/// A node's key is 32 bytes; its two children are derived from it with keyed BLAKE2b (a *GGM
/// tree*, after Goldreich, Goldwasser and Micali). Derivation goes down only: from a node follow
/// all keys beneath it, and nothing about those above or beside it.
///
///             new                 forget leaf 5            then leaves 6 and 7
///
///             [r]                       x                          x
///          /       \                 /     \                    /     \
///         o         o             [a]       x                [a]       x
///       /   \     /   \          /   \     /   \            /   \     /   \
///      o     o   o     o        o     o   x    [c]         o     o   x     x
///     / \   / \ / \   / \      / \   / \ / \   / \        / \   / \ / \   / \
///     0 1   2 3 4 5   6 7      0 1   2 3[4]x   6 7        0 1   2 3[4]x   x x
///
/// `[ ]` are the nodes kept, `o` what can be derived from them, `x` what nobody can derive any
/// more. In the beginning the root is kept: every leaf can be derived. To forget leaf 5 is to
/// **replace the node above it by the co-path**, the siblings along the way down to it: `a`, `c`
/// and 4. From these every other leaf is derived exactly as before, so nothing has to be
/// encrypted anew; but 5 needed `r` or a node on its own way, and those are gone. Forgetting a
/// whole subtree (a channel, whose node stands at depth 48) drops what is kept beneath it, or
/// opens the way down to it in the same manner.
///
/// What that gives:
/// - A key that was forgotten can be derived by nobody from what is left, whatever else he has:
///   not from the database, nor from a backup of it, since no key was ever stored there.
/// - It holds once the nodes that led to it are gone from everywhere: from the key ring file and
///   from every copy of that. Hence the ring is small, has a place of its own and is punctured
///   together with its copies.
/// - The path of a channel is a random number that is never used again: there is no key for new
///   data where an old one was forgotten, and the number does not tell when a channel came.
///
/// Sizes: the first forgotten channel leaves 48 nodes; later ones share the upper part of their
/// way, so n of them leave about n × (48 - log2 n): 31 nodes each for 100,000. A month forgotten
/// adds at most 16 within its channel, and retention, which forgets everything before a month,
/// keeps it at that.
///
/// A value without effects: writing it down durably is `KeyRingFile`'s part.
package struct KeyTree: Sendable {
    package static let keyCount = KeyDerivation.keyCount

    /// Bounds the key ring file to 700 MB; enough for half a million forgotten channels.
    package static let maximumNodeCount = 1 << 24

    /// The nodes kept, from left to right; none lies beneath another.
    package let paths: [TreePath]
    /// Their keys, 32 bytes each, in the same order.
    let keys: SecretBytes

    /// A tree of which nothing is forgotten.
    package init(root: SecretBytes) throws(SecretsError) {
        guard root.count == Self.keyCount else {
            throw .wrongLength(of: "root of a key tree", expected: 32, actual: root.count)
        }
        paths = [.root]
        keys = root
    }

    /// Nil unless the paths stand in order, apart from each other, and there is a key for each.
    init?(paths: [TreePath], keys: SecretBytes) {
        guard paths.count <= Self.maximumNodeCount, keys.count == paths.count * Self.keyCount,
            zip(paths, paths.dropFirst()).allSatisfy({ $0.lastLeafBits < $1.bits })
        else { return nil }
        self.paths = paths
        self.keys = keys
    }

    package var nodeCount: Int { paths.count }

    /// The key of a node or leaf; nil where it, or a part of what is beneath it, is forgotten.
    package func derive(_ path: TreePath) -> SecretBytes? {
        derive(path, use: nil)
    }

    /// The key for one use of a leaf; nil where it is forgotten.
    func derive(_ path: TreePath, use: LeafUse?) -> SecretBytes? {
        guard let index = indexOfNode(covering: path) else { return nil }
        return SecretBytes(count: Self.keyCount) { output in
            keys.withBytes { keys in
                guard let start = output.baseAddress, let keys = keys.baseAddress else { return }
                start.copyMemory(from: keys + index * Self.keyCount, byteCount: Self.keyCount)
                for depth in paths[index].depth..<path.depth {
                    Self.step(from: start, right: path.goesRight(at: depth), into: start)
                }
                if let use {
                    KeyDerivation.derive(
                        from: start, subkey: use.rawValue, context: LeafUse.context, into: start)
                }
            }
        }
    }

    /// Whether nothing at or beneath `path` can be derived.
    package func isPunctured(_ path: TreePath) -> Bool {
        guard indexOfNode(covering: path) == nil else { return false }
        let next = firstIndex { $0.bits >= path.bits }
        return next == paths.endIndex || !path.contains(paths[next])
    }

    /// Whether everything at and beneath `path` can be derived.
    package func isWhole(_ path: TreePath) -> Bool {
        indexOfNode(covering: path) != nil
    }

    /// Whether this tree derives nothing that `other` does not: what forgetting, and only
    /// forgetting, gives.
    package func isWithin(_ other: KeyTree) -> Bool {
        var index = 0
        for path in paths {
            while index < other.paths.count, other.paths[index].lastLeafBits < path.bits {
                index += 1
            }
            guard index < other.paths.count, other.paths[index].contains(path) else { return false }
        }
        return true
    }

    private func indexOfNode(covering path: TreePath) -> Int? {
        let index = firstIndex { $0.bits > path.bits } - 1
        return index >= 0 && paths[index].contains(path) ? index : nil
    }

    /// The first index whose node meets a condition that all after it meet too.
    private func firstIndex(where isBeyond: (TreePath) -> Bool) -> Int {
        var low = 0
        var high = paths.count
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(paths[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// One derivation, between two places of 32 bytes that may be the same.
    static func step(
        from parent: UnsafeRawPointer, right: Bool, into child: UnsafeMutableRawPointer
    ) {
        KeyDerivation.derive(
            from: parent, subkey: right ? 1 : 0, context: childContext, into: child)
    }

    private static let childContext = KeyDerivation.Context("pmn.tree")
}
