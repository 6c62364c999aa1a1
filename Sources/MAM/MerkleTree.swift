import Ternary

/// A tree over consecutive leaves of a channel (mam-v0, *Writing*), all nodes in memory.
struct MerkleTree: Sendable {
    /// 65,536 leaves: with all nodes above them they take about 36 MB. The published client
    /// has trees of a few leaves.
    static let maximumLeafCount = 1 << 16

    /// Rows of nodes of 243 trits each: the leaves first, the root alone last.
    private let rows: [[[Trit]]]

    /// - Parameters:
    ///   - leafCount: a power of two up to `maximumLeafCount`.
    ///   - firstLeaf: counted across trees; `firstLeaf` + `leafCount` must fit 64 bits.
    init(seed: Seed, firstLeaf: UInt64, leafCount: Int, securityLevel: Int) {
        var row = (0..<UInt64(leafCount)).map { offset in
            LeafSigner(seed: seed, leaf: firstLeaf &+ offset, securityLevel: securityLevel).address
        }
        var rows = [row]
        while row.count > 1 {
            row = stride(from: 0, to: row.count - 1, by: 2).map { index in
                MerklePath.parent(row[index], row[index + 1])
            }
            rows.append(row)
        }
        self.rows = rows
    }

    var root: Root { Root(hash: Hash(sponge: rows.last?.first ?? [])) }

    /// The siblings of `leaf`, 0 ..< the number of leaves, from the leaf upwards.
    func siblings(ofLeaf leaf: Int) -> [[Trit]] {
        rows.dropLast().enumerated().map { height, row in row[(leaf >> height) ^ 1] }
    }
}
