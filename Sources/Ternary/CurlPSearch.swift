import CCurlP

/// Looks for the last trits of a block after which a sponge's rate ends with zeros: proof of
/// work. As many are tried at a time as there are lanes.
package struct CurlPSearch: ~Copyable {
    /// Searches there can be beside each other for one block: none tries what another does.
    package static let partCount = CURLP_SEARCH_PARTS
    /// Trits that are looked for at least; of fewer there might be too few to try.
    package static let fewestTrits = CURLP_SEARCH_LEAST_NONCE

    /// Inputs tried at a time.
    package let width: Int
    private let search: OpaquePointer
    private let rounds: CurlP.Rounds
    private let count: Int

    /// - Parameters:
    ///   - sponge: has absorbed what comes before the block.
    ///   - block: 243 trits, of which the last `count` are looked for.
    ///   - count: at least `fewestTrits`.
    ///   - zeros: how many trits at the end of the rate have to be 0.
    ///   - part: 0..<`partCount`.
    /// - Returns: nil where a number is out of its bounds, without memory, or where the path is
    ///   not available.
    package init?(
        _ sponge: CurlP, block: [Trit], count: Int, zeros: Int, part: Int = 0,
        path: CurlPLanes.Path = .best
    ) {
        guard block.count == CurlP.rateCount, let count32 = UInt32(exactly: count),
            let zeros = UInt32(exactly: zeros), let part = UInt32(exactly: part),
            let search = curlp_search_create(
                path.kernelPath, UInt32(path.width), sponge.state(with: block), count32, zeros, part
            )
        else { return nil }
        self.search = search
        self.count = count
        rounds = sponge.rounds
        width = path.width
    }

    deinit { curlp_search_release(search) }

    /// Tries `width` more, `times` times over or until some trits will do.
    package mutating func run(times: Int) -> [Trit]? {
        var isFound = false
        let trits = [Trit](unsafeUninitializedCapacity: count) { trits, filled in
            guard let start = trits.baseAddress else { return }
            isFound = curlp_search_run(search, UInt32(rounds.rawValue), max(0, times), start)
            filled = isFound ? count : 0
        }
        return isFound ? trits : nil
    }
}
