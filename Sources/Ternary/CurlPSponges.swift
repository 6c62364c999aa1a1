import CCurlP

/// Curl-P sponges that each go their own way and are permuted together, in lanes or one alone
/// (mam-v0, *Curl-P*). Every sponge has a run: trits that it takes in, as they stand or
/// unmasking them.
package struct CurlPSponges: ~Copyable {
    package enum Format: Sendable {
        case trytes
        case t5b1
        /// `TritBlock`s in memory.
        case blocks

        fileprivate var kernelFormat: curlp_format {
            switch self {
            case .trytes: CURLP_TRYTES
            case .t5b1: CURLP_T5B1
            case .blocks: CURLP_BLOCKS
            }
        }

        /// Bytes that hold `tritCount` trits.
        fileprivate func byteCount(tritCount: Int) -> Int {
            switch self {
            case .trytes: (tritCount + 2) / 3
            case .t5b1: (tritCount + 4) / 5
            case .blocks: tritCount / TritBlock.tritCount * MemoryLayout<TritBlock>.stride
            }
        }
    }

    /// What a sponge takes in, and where it goes. The memory is the caller's and stays until the
    /// run has ended.
    package struct Run {
        /// The bytes that hold the trits; more may be there.
        package var bytes: UnsafeRawBufferPointer
        package var format: Format
        /// Trits before the run's first; with `blocks`, like `count`, a multiple of 243.
        package var from = 0
        package var count: Int
        /// Starts with a state of zeros.
        package var isFresh = false
        /// Subtracts the rate from each block before taking it in (mam-v0, *The payload*).
        package var isMasked = false
        /// Where what is taken in goes as characters: `count` / 3, rounded up.
        package var trytes: UnsafeMutablePointer<UInt8>?
        /// The same as blocks, the last filled up with zeros.
        package var blocks: UnsafeMutablePointer<TritBlock>?

        package init(
            bytes: UnsafeRawBufferPointer, format: Format, from: Int = 0, count: Int
        ) {
            self.bytes = bytes
            self.format = format
            self.from = from
            self.count = count
        }
    }

    /// The first trits of `bytes`, trytes or t5b1, as many as `trits` has room for or as there
    /// are.
    ///
    /// - Returns: How many.
    package static func read(
        _ bytes: UnsafeRawBufferPointer, _ format: Format,
        into trits: UnsafeMutableBufferPointer<Trit>
    ) -> Int {
        let there: Int
        switch format {
        case .trytes: there = bytes.count * 3
        case .t5b1: there = bytes.count * 5
        case .blocks: return 0
        }
        guard let first = bytes.assumingMemoryBound(to: UInt8.self).baseAddress else { return 0 }
        let count = min(there, trits.count)
        curlp_trits(first, format.kernelFormat, trits.baseAddress, count)
        return count
    }

    package let width: Int
    private let rounds: UInt32
    private let sponges: OpaquePointer
    private let runs: UnsafeMutablePointer<curlp_run>

    /// Nil if the path is not available, without memory, or unless `width` is 1 or one of
    /// `CurlPLanes.widths`.
    package init?(path: CurlPLanes.Path = .best, width: Int, rounds: CurlP.Rounds) {
        guard width == 1 || CurlPLanes.widths.contains(width),
            let sponges = curlp_sponges_create(path.kernelPath, UInt32(width))
        else { return nil }
        self.width = width
        self.rounds = UInt32(rounds.rawValue)
        self.sponges = sponges
        runs = .allocate(capacity: width)
        runs.initialize(repeating: curlp_run(), count: width)
    }

    deinit {
        curlp_sponges_release(sponges)
        runs.deallocate()
    }

    /// Gives the sponge something to take in; what it had left is forgotten.
    ///
    /// - Returns: false, and the sponge has nothing, if the bytes are too few for the trits.
    @discardableResult
    package mutating func start(_ run: Run, in sponge: Int) -> Bool {
        guard (0..<width).contains(sponge) else { return false }
        runs[sponge] = curlp_run()
        guard run.from >= 0, run.count >= 0,
            let bytes = run.bytes.assumingMemoryBound(to: UInt8.self).baseAddress,
            run.format.byteCount(tritCount: run.from + run.count) <= run.bytes.count
        else { return false }
        runs[sponge] = curlp_run(
            bytes: bytes, length: run.bytes.count, from: run.from, count: run.count,
            format: run.format.kernelFormat, fresh: run.isFresh, masked: run.isMasked,
            trytes: run.trytes,
            blocks: run.blocks.map {
                UnsafeMutableRawPointer($0).assumingMemoryBound(to: curlp_block.self)
            })
        return true
    }

    /// Goes on with all runs until one of them ends, or all. A sponge without a run loses its
    /// state.
    package mutating func advance() { curlp_sponges_run(sponges, rounds, runs) }

    /// Whether the sponge has taken in all it was given.
    package func hasEnded(_ sponge: Int) -> Bool { runs[sponge].count == 0 }

    package func rate(of sponge: Int) -> TritBlock {
        var block = TritBlock(uninitialized: ())
        curlp_sponges_rate(sponges, UInt32(sponge), &block.planes)
        return block
    }

    /// Replaces blocks by their hashes in fresh sponges, as many times over as `times` says of
    /// each. All sponges lose their states.
    ///
    /// Chains of one length share lanes, so that few of these are idle.
    package mutating func chain(_ blocks: [UnsafeMutablePointer<TritBlock>], times: [UInt8]) {
        guard blocks.count == times.count else { return }
        // Sorted by counting, the longest first.
        var places = [Int](repeating: 0, count: Int(UInt8.max) + 1)
        for count in times { places[Int(count)] += 1 }
        var end = times.count
        for count in places.indices {
            end -= places[count]
            places[count] = end
        }
        let chains = [curlp_chain](unsafeUninitializedCapacity: times.count) { chains, filled in
            for (index, count) in times.enumerated() {
                let block = UnsafeMutableRawPointer(blocks[index])
                chains[places[Int(count)]] = curlp_chain(
                    block: block.assumingMemoryBound(to: curlp_block.self), times: Int(count))
                places[Int(count)] += 1
            }
            filled = times.count
        }
        curlp_sponges_chain(sponges, rounds, chains, chains.count)
    }
}
