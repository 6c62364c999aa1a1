import Ternary

/// The search for a nonce that gives a transaction's hash enough zeros at its end.
///
/// The nonce lies in the last block alone, so the sponge over all others is kept.
package struct NonceSearch: Sendable {
    package struct Found: Sendable, Equatable {
        /// 27 trytes.
        package let nonce: Trytes
        /// Of the transaction with the nonce.
        package let hash: Hash
    }

    /// Searches for one transaction that may go on beside each other.
    package static let partCount = CurlPSearch.partCount

    /// How often the caller is asked whether to go on: many times a second.
    private static let triesBetweenQuestions = 4096
    private static let nonceCount = TransactionLayout.Field.nonce.range.count * 3
    /// Weights for which one try after the other finds one sooner than lanes are filled.
    private static let weightsAlone = 0...3

    /// How many trits at the end of the hash have to be 0.
    package let minWeightMagnitude: Int

    private let sponge: CurlP
    /// Its nonce is 0.
    private let block: [Trit]

    /// - Parameters:
    ///   - trits: of a whole transaction; its nonce does not count.
    ///   - minWeightMagnitude: 0...243; of more than `Attachment.maximumWeightMagnitude` the search
    ///     would not end.
    package init(trits: [Trit], minWeightMagnitude: Int) {
        var sponge = CurlP(rounds: .transaction)
        sponge.absorb(trits.dropLast(CurlP.rateCount))
        self.sponge = sponge
        block =
            trits.suffix(CurlP.rateCount).dropLast(Self.nonceCount)
            + [Trit](repeating: 0, count: Self.nonceCount)
        self.minWeightMagnitude = minWeightMagnitude
    }

    /// Blocks its thread while it computes: about 3^`minWeightMagnitude` hashes. The same part
    /// of the same search finds the same nonce.
    ///
    /// - Parameters:
    ///   - part: 0..<`partCount`; none tries what another does.
    ///   - isCancelled: asked now and then; true ends the search.
    /// - Throws: `TangleError.cancelled`.
    package func run(
        part: Int = 0, isCancelled: () -> Bool = { false }
    ) throws(TangleError) -> Found {
        if !Self.weightsAlone.contains(minWeightMagnitude),
            var search = CurlPSearch(
                sponge, block: block, count: Self.nonceCount, zeros: minWeightMagnitude, part: part)
        {
            let times = Self.triesBetweenQuestions / search.width
            while true {
                if isCancelled() { throw .cancelled }
                if let nonce = search.run(times: times) { return found(nonce) }
            }
        }
        return try runAlone(isCancelled)
    }

    private func runAlone(_ isCancelled: () -> Bool) throws(TangleError) -> Found {
        var nonce = block.suffix(Self.nonceCount)
        while true {
            if isCancelled() { throw .cancelled }
            for _ in 0..<Self.triesBetweenQuestions {
                let found = found(Array(nonce))
                if Attachment.weight(of: found.hash) >= minWeightMagnitude { return found }
                Self.increment(&nonce)
            }
        }
    }

    private func found(_ nonce: [Trit]) -> Found {
        var whole = sponge
        whole.absorb(block.dropLast(Self.nonceCount) + nonce)
        return Found(nonce: Trytes(trits: nonce), hash: Hash(of: Trytes(trits: whole.rate), at: 0))
    }

    /// The next nonce: balanced ternary counting.
    private static func increment(_ nonce: inout ArraySlice<Trit>) {
        for index in nonce.indices {
            guard nonce[index] == 1 else {
                nonce[index] += 1
                return
            }
            nonce[index] = -1
        }
    }
}
