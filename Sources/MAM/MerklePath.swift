import Ternary

/// The way from a leaf to the root of its tree (mam-v0, *The signature*).
enum MerklePath {
    /// What `leaf` and `siblings` (243 trits each, leaf upwards) lead to. Bit k of `index`
    /// says on which side of sibling k the way runs.
    static func root(leaf: [Trit], index: UInt64, siblings: ArraySlice<Trit>) -> [Trit] {
        var node = leaf
        var rest = siblings
        // A shift beyond 63 gives 0, as it should.
        for bit in 0..<siblings.count / Hash.tritCount {
            let sibling = rest.prefix(Hash.tritCount)
            rest = rest.dropFirst(Hash.tritCount)
            node =
                (index >> UInt64(bit)) & 1 == 0
                ? parent(node, sibling) : parent(sibling, node)
        }
        return node
    }

    static func parent(
        _ left: some Sequence<Trit>, _ right: some Sequence<Trit>
    ) -> [Trit] {
        CurlP.hash(Array(left) + Array(right), rounds: .mam)
    }
}
