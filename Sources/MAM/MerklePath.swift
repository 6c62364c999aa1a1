import Ternary

/// The nodes of a tree (mam-v0, *The signature*).
enum MerklePath {
    static func parent(
        _ left: some Sequence<Trit>, _ right: some Sequence<Trit>
    ) -> [Trit] {
        CurlP.hash(Array(left) + Array(right), rounds: .mam)
    }
}
