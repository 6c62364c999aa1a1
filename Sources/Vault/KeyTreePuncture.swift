import Secrets

extension KeyTree {
    /// The tree without what lies at and beneath `holes`; this tree where that is gone already.
    ///
    /// One pass over the nodes whatever the number of holes, so forget many channels together.
    ///
    /// - Throws: `VaultError.ringFull` beyond `maximumNodeCount` nodes.
    package func punctured(_ holes: [TreePath]) throws(VaultError) -> KeyTree {
        let pieces = remainder(Self.outermost(holes))
        guard !pieces.elementsEqual(paths, by: { $0.path == $1 }) else { return self }
        guard pieces.count <= Self.maximumNodeCount else { throw .ringFull }
        let keys = SecretBytes(count: pieces.count * Self.keyCount) { output in
            fill(output, with: pieces)
        }
        guard let tree = KeyTree(paths: pieces.map(\.path), keys: keys) else { throw .ringFull }
        return tree
    }

    /// A node of the new tree, and which of the old ones it lies at or beneath.
    private struct Piece {
        let path: TreePath
        let source: Int
    }

    /// In order, without those that lie at or beneath another.
    static func outermost(_ holes: [TreePath]) -> [TreePath] {
        var kept: [TreePath] = []
        for hole in holes.sorted() where !(kept.last?.contains(hole) ?? false) {
            kept.append(hole)
        }
        return kept
    }

    /// Whether one of `nodes` (in order, apart from each other) lies at or above `path`.
    static func covers(_ nodes: [TreePath], _ path: TreePath) -> Bool {
        var low = 0
        var high = nodes.count
        while low < high {
            let middle = (low + high) / 2
            if nodes[middle].bits > path.bits { high = middle } else { low = middle + 1 }
        }
        return low > 0 && nodes[low - 1].contains(path)
    }

    /// What is left when `holes` (in order, apart from each other) are cut out, in order.
    private func remainder(_ holes: [TreePath]) -> [Piece] {
        var pieces: [Piece] = []
        pieces.reserveCapacity(paths.count + holes.count * TreePath.leafDepth / 2)
        var next = 0
        for (source, node) in paths.enumerated() {
            while next < holes.count, holes[next].lastLeafBits < node.bits { next += 1 }
            if next < holes.count, holes[next].contains(node) { continue }
            let first = next
            while next < holes.count, node.contains(holes[next]) { next += 1 }
            Self.cut(holes[first..<next], from: node, source: source, into: &pieces)
        }
        return pieces
    }

    /// Appends the fewest nodes that cover `node` without `holes`, all of which lie within it.
    /// Goes at most 64 calls deep.
    private static func cut(
        _ holes: ArraySlice<TreePath>, from node: TreePath, source: Int, into pieces: inout [Piece]
    ) {
        guard let first = holes.first else {
            pieces.append(Piece(path: node, source: source))
            return
        }
        guard first != node else { return }
        let right = node.child(right: true)
        let middle = holes.firstIndex { $0.bits >= right.bits } ?? holes.endIndex
        cut(holes[..<middle], from: node.child(right: false), source: source, into: &pieces)
        cut(holes[middle...], from: right, source: source, into: &pieces)
    }

    /// Derives the pieces' keys. They come in order, so each goes on from where its way parts
    /// from the way of the one before: no node is derived twice.
    private func fill(_ output: UnsafeMutableRawBufferPointer, with pieces: [Piece]) {
        let size = Self.keyCount
        // The keys on the way to the latest piece, by depth; wiped when they are released.
        _ = SecretBytes(count: (TreePath.leafDepth + 1) * size) { way in
            keys.withBytes { keys in
                guard let output = output.baseAddress, let way = way.baseAddress,
                    let keys = keys.baseAddress
                else { return }
                var previous: Piece?
                for (index, piece) in pieces.enumerated() {
                    let node = paths[piece.source]
                    var depth = node.depth
                    if let previous, previous.source == piece.source {
                        depth = (previous.path.bits ^ piece.path.bits).leadingZeroBitCount
                    } else {
                        (way + depth * size).copyMemory(
                            from: keys + piece.source * size, byteCount: size)
                    }
                    while depth < piece.path.depth {
                        Self.step(
                            from: way + depth * size, right: piece.path.goesRight(at: depth),
                            into: way + (depth + 1) * size)
                        depth += 1
                    }
                    (output + index * size).copyMemory(from: way + depth * size, byteCount: size)
                    previous = piece
                }
            }
        }
    }
}
