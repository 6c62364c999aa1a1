import Ternary

/// Reads payloads: unmasks them and checks whose they are (mam-v0). Callers hand over many at
/// once: they are worked on side by side, which takes a tenth of the time.
package enum MessageReader {
    /// From here on lanes take less time for messages than one sponge after the other.
    package static let fewestForLanes = 20
    /// The same for hash chains, 27 a level: a single message has enough of them at level 2.
    static let fewestChainsForLanes = 48

    /// Messages whose signatures are held at once: four times as many as there are lanes, so
    /// that few of these are idle at the end, in some 5 MB.
    private static let messagesAtOnce = 1024

    /// A result a request, in the same order. The work is linear in the trytes given and, with
    /// `full`, some 350 permutations more for each security level.
    ///
    /// - Parameter path: what the permutation is compiled for; for tests.
    package static func read(
        _ requests: [ReadRequest], _ verification: Verification, path: CurlPLanes.Path = .best
    ) -> [Result<Message, ReadError>] {
        var results: [Result<Message, ReadError>] = []
        results.reserveCapacity(requests.count)
        for start in stride(from: 0, to: requests.count, by: messagesAtOnce) {
            let some = requests[start..<min(start + messagesAtOnce, requests.count)]
            let opened = open(some, verification, path)
            switch verification {
            case .alreadyVerified:
                for outcome in opened { results.append(outcome.map { Message($0) }) }
            case .full: results += check(opened, some, path)
            }
        }
        return results
    }

    private static func open(
        _ requests: ArraySlice<ReadRequest>, _ verification: Verification,
        _ path: CurlPLanes.Path
    ) -> [Result<OpenedPayload, ReadError>] {
        let isMany = requests.count >= fewestForLanes
        guard let sponges = CurlPSponges.make(path, inLanes: isMany) else {
            return requests.map { _ in .failure(.outOfMemory) }
        }
        return PayloadOpener(requests, verification, sponges: sponges).open()
    }

    private static func check(
        _ opened: [Result<OpenedPayload, ReadError>], _ requests: ArraySlice<ReadRequest>,
        _ path: CurlPLanes.Path
    ) -> [Result<Message, ReadError>] {
        let payloads = opened.compactMap { try? $0.get() }
        let chainCount = payloads.reduce(0) { $0 + ($1.evidence?.fragments.count ?? 0) }
        guard
            var chains = CurlPSponges.make(path, inLanes: chainCount >= fewestChainsForLanes),
            let sponges = CurlPSponges.make(path, inLanes: payloads.count >= fewestForLanes)
        else { return requests.map { _ in .failure(.outOfMemory) } }
        hash(payloads, &chains)
        var roots = SignatureCheck(payloads, sponges: sponges).find().makeIterator()
        return zip(opened, requests).map { outcome, request in
            outcome.flatMap { payload in
                roots.next().map { Root(hash: Hash($0)) } == request.root
                    ? .success(Message(payload)) : .failure(.wrongSignature)
            }
        }
    }

    /// Hashes each fragment as often as the message hash says.
    private static func hash(_ payloads: [OpenedPayload], _ sponges: inout CurlPSponges) {
        var fragments: [UnsafeMutablePointer<TritBlock>] = []
        var times: [UInt8] = []
        let count = payloads.count * SecurityLevel.range.upperBound * SecurityLevel.fragmentCount
        fragments.reserveCapacity(count)
        times.reserveCapacity(count)
        for payload in payloads {
            guard let all = payload.evidence?.fragments, let first = all.baseAddress else {
                continue
            }
            let signed = Hash(payload.messageHash).trytes.ascii
            for index in all.indices {
                fragments.append(first + index)
                let value = TryteAlphabet.value(of: signed[index]) ?? 0
                times.append(UInt8(clamping: HashChain.length / 2 + value))
            }
        }
        sponges.chain(fragments, times: times)
    }
}

extension CurlPSponges {
    /// In lanes, or one sponge alone, which takes least memory.
    static func make(_ path: CurlPLanes.Path, inLanes: Bool) -> CurlPSponges? {
        if inLanes, let lanes = CurlPSponges(path: path, width: path.width, rounds: .mam) {
            return lanes
        }
        return CurlPSponges(path: path, width: 1, rounds: .mam)
    }
}

extension Message {
    fileprivate init(_ payload: OpenedPayload) {
        index = payload.layout.index
        nextRoot = payload.nextRoot
        contentTrytes = payload.content
        contentTritCount = payload.layout.messageTritCount
        messageHashBlock = payload.messageHash
        securityLevel = payload.securityLevel
        headTritCount = payload.layout.headTritCount
        siblingCount = payload.evidence?.siblingCount
        payloadTritCount = payload.evidence.map {
            payload.layout.headTritCount + $0.fragments.count * Hash.tritCount + $0.siblingsEnd
        }
    }
}
