import Ternary

/// Finds the roots that signatures lead to, those of many messages together (mam-v0, *The
/// signature*): the fragments' hashes, their digest, the leaf's address, and up the tree.
struct SignatureCheck: ~Copyable {
    private var sponges: CurlPSponges
    private let payloads: [OpenedPayload]
    private var lanes: [Lane]
    /// What each sponge has found so far.
    private let nodes: UnsafeMutableBufferPointer<TritBlock>
    private var roots: [TritBlock]
    private var next = 0
    private var active = 0

    /// - Parameter payloads: whose fragments have been hashed as often as the message says.
    init(_ payloads: [OpenedPayload], sponges: consuming CurlPSponges) {
        self.payloads = payloads
        lanes = Array(repeating: Lane(), count: sponges.width)
        nodes = .allocate(capacity: sponges.width)
        nodes.initialize(repeating: TritBlock())
        roots = Array(repeating: TritBlock(), count: payloads.count)
        self.sponges = sponges
    }

    deinit { nodes.deallocate() }

    /// The root of each payload, in the same order.
    consuming func find() -> [TritBlock] {
        for lane in lanes.indices { feed(lane) }
        while active > 0 {
            sponges.advance()
            for lane in lanes.indices
            where lanes[lane].stage != .idle && sponges.hasEnded(lane) { go(on: lane) }
        }
        return roots
    }

    // MARK: One sponge

    private enum Stage {
        case idle, digest, leaf
        /// Of the two nodes below the one that is looked for.
        case left, right
    }

    private struct Lane {
        var stage = Stage.idle
        var place = 0
        var height = 0
        var evidence: OpenedPayload.Evidence?
    }

    private mutating func feed(_ lane: Int) {
        lanes[lane] = Lane()
        guard next < payloads.count else { return }
        lanes[lane] = Lane(stage: .digest, place: next, evidence: payloads[next].evidence)
        next += 1
        active += 1
        guard let fragments = lanes[lane].evidence?.fragments else { return }
        begin(
            CurlPSponges.Run(
                bytes: UnsafeRawBufferPointer(fragments), format: .blocks,
                count: fragments.count * TritBlock.tritCount),
            lane)
    }

    /// In a fresh sponge.
    private mutating func begin(_ run: CurlPSponges.Run, _ lane: Int) {
        var run = run
        run.isFresh = true
        sponges.start(run, in: lane)
    }

    private mutating func go(on lane: Int) {
        switch lanes[lane].stage {
        case .idle: return
        case .digest:
            nodes[lane] = sponges.rate(of: lane)
            lanes[lane].stage = .leaf
            begin(node(lane), lane)
        case .leaf:
            nodes[lane] = sponges.rate(of: lane)
            climb(lane)
        case .left:
            lanes[lane].stage = .right
            sponges.start(isRight(lane) ? node(lane) : sibling(lane), in: lane)
        case .right:
            nodes[lane] = sponges.rate(of: lane)
            lanes[lane].height += 1
            climb(lane)
        }
    }

    private mutating func climb(_ lane: Int) {
        guard lanes[lane].height < lanes[lane].evidence?.siblingCount ?? 0 else {
            roots[lanes[lane].place] = nodes[lane]
            active -= 1
            return feed(lane)
        }
        lanes[lane].stage = .left
        begin(isRight(lane) ? sibling(lane) : node(lane), lane)
    }

    /// Whether the node is its parent's right one. A shift beyond 63 gives 0, as it should.
    private func isRight(_ lane: Int) -> Bool {
        payloads[lanes[lane].place].layout.index >> UInt64(lanes[lane].height) & 1 == 1
    }

    private func node(_ lane: Int) -> CurlPSponges.Run {
        let node = UnsafeBufferPointer(rebasing: nodes[lane...lane])
        return CurlPSponges.Run(
            bytes: UnsafeRawBufferPointer(node), format: .blocks, count: TritBlock.tritCount)
    }

    private func sibling(_ lane: Int) -> CurlPSponges.Run {
        let trytes = lanes[lane].evidence?.trytes ?? .init(start: nil, count: 0)
        let first = lanes[lane].evidence?.firstSibling ?? 0
        return CurlPSponges.Run(
            bytes: UnsafeRawBufferPointer(trytes), format: .trytes,
            from: first + lanes[lane].height * Hash.tritCount, count: Hash.tritCount)
    }
}
