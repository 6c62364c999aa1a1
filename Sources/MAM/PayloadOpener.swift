import Ternary

/// Opens payloads, as many at once as there are sponges (mam-v0, *The payload*). Whatever is
/// wrong with a payload ends that one alone.
///
/// Heads alone are opened in waves: sponges that start together with heads of one layout stay in
/// step, which makes taking them in cheap. Where signatures follow, permuting is most of the
/// work, and a sponge whose payload is done takes the next at once.
struct PayloadOpener: ~Copyable {
    /// Bytes that sponges hold at once, unless a single payload needs more: of the longest
    /// bundles a few dozen, of telegrams more than there are lanes.
    private static let stagingLimit = 64 << 20

    private var sponges: CurlPSponges
    private let requests: ArraySlice<ReadRequest>
    private let verification: Verification
    private var layouts: [PayloadLayout?] = []
    /// Places in `requests` that are to be opened, the shortest first.
    private var waiting: [Int] = []
    private var lanes: [Lane] = []
    private var outcomes: [Result<OpenedPayload, ReadError>] = []
    private var active = 0
    private var staged = 0

    init(
        _ requests: ArraySlice<ReadRequest>, _ verification: Verification,
        sponges: consuming CurlPSponges
    ) {
        self.requests = requests
        self.verification = verification
        lanes = Array(repeating: Lane(), count: sponges.width)
        self.sponges = sponges
    }

    deinit { for lane in lanes { lane.memory.release() } }

    /// An outcome a request, in the same order.
    consuming func open() -> [Result<OpenedPayload, ReadError>] {
        readLayouts()
        while true {
            if active == 0 {
                for lane in lanes.indices { feed(lane) }
                guard active > 0 else { break }
            }
            sponges.advance()
            for lane in lanes.indices
            where lanes[lane].stage != .idle && sponges.hasEnded(lane) { go(on: lane) }
        }
        return outcomes
    }

    /// What can be told without a key, and in which order sponges stay in step or, with
    /// signatures, busy longest: a long payload that comes last would have them wait for it.
    private mutating func readLayouts() {
        layouts.reserveCapacity(requests.count)
        outcomes.reserveCapacity(requests.count)
        var lengths: [(header: Int, trits: Int, place: Int)] = []
        for (place, request) in requests.enumerated() {
            switch PayloadLayout.parse(request.payload) {
            case .success(let layout):
                layouts.append(layout)
                switch verification {
                case .full: lengths.append((0, request.payload.tritCount, place))
                case .alreadyVerified:
                    lengths.append((layout.headerTritCount, layout.headTritCount, place))
                }
                outcomes.append(.failure(.noSecurityLevel))
            case .failure(let error):
                layouts.append(nil)
                outcomes.append(.failure(error))
            }
        }
        lengths.sort { $0 < $1 }
        waiting = lengths.map(\.place)
    }

    // MARK: One sponge

    private enum Stage {
        case idle, keys, header, message, nonce, signature, siblingCount, siblings
    }

    private struct Lane {
        var stage = Stage.idle
        var place = 0
        var memory = LaneMemory()
        var evidence: OpenedPayload.Evidence?
        var messageHash: TritBlock?
        var securityLevel = 0
    }

    private func layout(of lane: Int) -> PayloadLayout? { layouts[lanes[lane].place] }

    private func request(of lane: Int) -> ReadRequest {
        requests[requests.startIndex + lanes[lane].place]
    }

    /// Gives the sponge the next payload, the longest there is, if there is room for it.
    private mutating func feed(_ lane: Int) {
        lanes[lane].stage = .idle
        guard let place = waiting.last, let layout = layouts[place] else { return }
        let request = requests[requests.startIndex + place]
        let count = verification == .full ? request.payload.tritCount : layout.headTritCount
        let size = LaneMemory.size(messageTritCount: layout.messageTritCount, payload: count)
        let held = lanes[lane].memory.size
        guard active == 0 || staged - held + max(size, held) <= Self.stagingLimit else { return }
        waiting.removeLast()
        staged += max(size, held) - held
        lanes[lane].place = place
        lanes[lane].memory.hold(request, layout, tritCount: count)
        lanes[lane].stage = .keys
        active += 1
        var run = CurlPSponges.Run(
            bytes: lanes[lane].memory.keys, format: .trytes, count: 2 * Hash.tritCount)
        run.isFresh = true
        sponges.start(run, in: lane)
    }

    private mutating func end(_ lane: Int, _ outcome: Result<OpenedPayload, ReadError>) {
        outcomes[lanes[lane].place] = outcome
        lanes[lane].evidence = nil
        active -= 1
        switch verification {
        case .full: feed(lane)
        case .alreadyVerified: lanes[lane].stage = .idle
        }
    }

    /// The next `count` trits of the payload, from the trit `from` on.
    private func run(
        _ lane: Int, from: Int, count: Int, isMasked: Bool = true
    ) -> CurlPSponges.Run {
        var run = lanes[lane].memory.payload(from: from, count: count)
        run.isMasked = isMasked
        return run
    }

    /// What follows a run that has ended.
    private mutating func go(on lane: Int) {
        guard let layout = layout(of: lane) else { return end(lane, .failure(.noSecurityLevel)) }
        switch lanes[lane].stage {
        case .idle: return
        case .keys:
            lanes[lane].stage = .header
            sponges.start(
                run(lane, from: 0, count: layout.headerTritCount, isMasked: false), in: lane)
        case .header:
            // The next root is one block, so that the message starts the next, as it has to.
            lanes[lane].stage = .message
            var run = run(
                lane, from: layout.headerTritCount,
                count: Hash.tritCount + layout.messageTritCount)
            run.trytes = lanes[lane].memory.plain
            sponges.start(run, in: lane)
        case .message:
            lanes[lane].stage = .nonce
            let from = layout.headTritCount - PayloadLayout.nonceTritCount
            sponges.start(
                run(lane, from: from, count: PayloadLayout.nonceTritCount), in: lane)
        case .nonce: openedHead(lane, layout)
        case .signature: openedSignature(lane, layout)
        case .siblingCount: openedSiblingCount(lane, layout)
        case .siblings: end(lane, .success(opened(lane, layout)))
        }
    }

    private mutating func openedHead(_ lane: Int, _ layout: PayloadLayout) {
        let messageHash = sponges.rate(of: lane)
        guard let level = SecurityLevel.level(of: messageHash) else {
            return end(lane, .failure(.noSecurityLevel))
        }
        lanes[lane].messageHash = messageHash
        lanes[lane].securityLevel = level
        guard verification == .full else { return end(lane, .success(opened(lane, layout))) }
        let count = level * SecurityLevel.signatureTritCount
        guard lanes[lane].memory.tritCount - layout.headTritCount >= count else {
            return end(lane, .failure(.truncated(.signature)))
        }
        let evidence = OpenedPayload.Evidence(securityLevel: level)
        lanes[lane].evidence = evidence
        lanes[lane].stage = .signature
        var run = run(lane, from: layout.headTritCount, count: count)
        run.blocks = evidence.fragments.baseAddress
        sponges.start(run, in: lane)
    }

    private func signatureEnd(_ lane: Int, _ layout: PayloadLayout) -> Int {
        layout.headTritCount + lanes[lane].securityLevel * SecurityLevel.signatureTritCount
    }

    /// A signature is whole blocks, so that the number of siblings lies at the start of the next;
    /// where these end is known only once it is read.
    private mutating func openedSignature(_ lane: Int, _ layout: PayloadLayout) {
        let from = signatureEnd(lane, layout)
        let count = min(lanes[lane].memory.tritCount - from, Hash.tritCount)
        guard count > 0 else { return end(lane, .failure(.truncated(.siblingCount))) }
        lanes[lane].stage = .siblingCount
        var run = run(lane, from: from, count: count)
        run.trytes = lanes[lane].evidence?.room(tritCount: count, written: 0)
        sponges.start(run, in: lane)
    }

    private mutating func openedSiblingCount(_ lane: Int, _ layout: PayloadLayout) {
        let from = signatureEnd(lane, layout)
        let masked = lanes[lane].memory.tritCount - from
        let first = min(masked, Hash.tritCount)
        do throws(ReadError) {
            try lanes[lane].evidence?.readSiblingCount(
                tritCount: first, masked: masked, index: layout.index)
        } catch { return end(lane, .failure(error)) }
        let siblingsEnd = lanes[lane].evidence?.siblingsEnd ?? 0
        guard siblingsEnd > first else { return end(lane, .success(opened(lane, layout))) }
        lanes[lane].stage = .siblings
        var run = run(lane, from: from + first, count: siblingsEnd - first)
        run.trytes = lanes[lane].evidence?.room(tritCount: siblingsEnd, written: first)
        sponges.start(run, in: lane)
    }

    private func opened(_ lane: Int, _ layout: PayloadLayout) -> OpenedPayload {
        OpenedPayload(
            layout: layout, nextRoot: lanes[lane].memory.nextRoot,
            content: lanes[lane].memory.content(tritCount: layout.messageTritCount),
            messageHash: lanes[lane].messageHash ?? TritBlock(),
            securityLevel: lanes[lane].securityLevel, evidence: lanes[lane].evidence)
    }
}
