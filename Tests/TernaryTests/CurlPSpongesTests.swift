import Ternary
import TestSupport
import Testing

/// Every path and width against the truth table.
@Suite struct CurlPSpongesTests {
    struct Kind: Sendable, CustomStringConvertible {
        let path: CurlPLanes.Path
        let width: Int
        var description: String { "\(path), \(width)" }
    }

    static let kinds = CurlPLanesTests.paths.flatMap { path in
        ([1] + CurlPLanes.widths).map { Kind(path: path, width: $0) }
    }

    /// A sponge trit by trit.
    private struct Oracle {
        var state = [Trit](repeating: 0, count: 729)

        /// - Returns: The plain trits.
        mutating func take(_ trits: [Trit], isMasked: Bool) -> [Trit] {
            var plain: [Trit] = []
            for start in stride(from: 0, to: trits.count, by: 243) {
                let block = trits[start..<min(start + 243, trits.count)].enumerated().map {
                    (Int($1) - (isMasked ? Int(state[$0]) : 0) + 4) % 3 - 1
                }
                state.replaceSubrange(..<block.count, with: block.map { Trit($0) })
                plain += state.prefix(block.count)
                TruthTable.permute(&state, rounds: 27)
            }
            return plain
        }
    }

    /// Bytes that are still there when the test ends.
    private final class Memory {
        let bytes: UnsafeMutableRawBufferPointer

        init(_ array: [UInt8]) {
            bytes = .allocate(byteCount: array.count, alignment: 16)
            bytes.copyBytes(from: array)
        }

        init(blocks: [TritBlock]) {
            bytes = .allocate(
                byteCount: blocks.count * MemoryLayout<TritBlock>.stride, alignment: 16)
            blocks.withUnsafeBytes { bytes.copyMemory(from: $0) }
        }

        deinit { bytes.deallocate() }
    }

    /// Sponges with runs of all lengths, forms and purposes, one after the other.
    @Test(arguments: kinds)
    func eachSpongeGoesItsOwnWay(kind: Kind) {
        var source = TritSource(seed: UInt64(kind.width))
        guard var sponges = CurlPSponges(path: kind.path, width: kind.width, rounds: .mam) else {
            Issue.record("no sponges")
            return
        }
        var oracles = (0..<kind.width).map { _ in Oracle() }
        var left = (0..<kind.width).map { _ in 1 + source.number(below: kind.width == 1 ? 30 : 4) }
        var kept: [Memory] = []
        var checks: [Int: (output: Memory, blocks: Memory, plain: [Trit])] = [:]
        var compared = 0

        func start(_ sponge: Int) {
            let offset = source.number(below: 12)
            let lengths = [1, 5, 18, 81, 242, 243, 244, 486, 700]
            var count = lengths[source.number(below: lengths.count)]
            var trits = source.trits(offset + count)
            let memory: Memory
            var run: CurlPSponges.Run
            switch source.number(below: 3) {
            case 0:
                memory = Memory(Trytes(trits: trits).ascii)
                run = .init(
                    bytes: UnsafeRawBufferPointer(memory.bytes), format: .trytes, from: offset,
                    count: count)
            case 1:
                memory = Memory(T5B1.pack(trits))
                run = .init(
                    bytes: UnsafeRawBufferPointer(memory.bytes), format: .t5b1, from: offset,
                    count: count)
            default:
                count = 243 * (1 + source.number(below: 3))
                trits = source.trits(243 + count)
                let trytes = Trytes(trits: trits)
                memory = Memory(
                    blocks: (0..<trits.count / 243).map {
                        TritBlock(trytes: trytes[(81 * $0)..<(81 * $0 + 81)])
                    })
                run = .init(
                    bytes: UnsafeRawBufferPointer(memory.bytes), format: .blocks, from: 243,
                    count: count)
            }
            kept.append(memory)
            run.isFresh = source.number(below: 4) == 0
            run.isMasked = source.number(below: 2) == 0
            let output = Memory([UInt8](repeating: 0, count: (count + 2) / 3))
            let blocks = Memory(
                blocks: Array(repeating: TritBlock(), count: (count + 242) / 243))
            if source.number(below: 2) == 0 {
                run.trytes = output.bytes.assumingMemoryBound(to: UInt8.self).baseAddress
                run.blocks = blocks.bytes.assumingMemoryBound(to: TritBlock.self).baseAddress
            }
            if run.isFresh { oracles[sponge] = Oracle() }
            let plain = oracles[sponge].take(Array(trits.suffix(count)), isMasked: run.isMasked)
            if run.trytes != nil { checks[sponge] = (output, blocks, plain) }
            let isStarted = sponges.start(run, in: sponge)
            #expect(isStarted)
        }

        for sponge in 0..<kind.width { start(sponge) }
        while left.contains(where: { $0 > 0 }) {
            sponges.advance()
            for sponge in 0..<kind.width where left[sponge] > 0 && sponges.hasEnded(sponge) {
                #expect(
                    sponges.rate(of: sponge).trits() == Array(oracles[sponge].state.prefix(243)))
                if let check = checks.removeValue(forKey: sponge) {
                    #expect(Array(check.output.bytes) == Trytes(trits: check.plain).ascii)
                    let blocks = check.blocks.bytes.assumingMemoryBound(to: TritBlock.self)
                    #expect(
                        blocks.flatMap { $0.trits() }.prefix(check.plain.count)
                            .elementsEqual(check.plain))
                }
                compared += 1
                left[sponge] -= 1
                if left[sponge] > 0 { start(sponge) }
            }
        }
        #expect(compared >= kind.width)
    }

    @Test(arguments: kinds)
    func aChainIsAsManyHashesOfHashes(kind: Kind) {
        var source = TritSource(seed: 5)
        guard var sponges = CurlPSponges(path: kind.path, width: kind.width, rounds: .mam) else {
            Issue.record("no sponges")
            return
        }
        for count in kind.width == 1 ? [0, 7] : [0, 1, 63, kind.width + 40] {
            let starts = (0..<count).map { _ in source.trits(243) }
            let times = starts.map { _ in UInt8(source.number(below: 27)) }
            let memory = Memory(blocks: starts.map { TritBlock(trytes: Trytes(trits: $0)) })
            let blocks = memory.bytes.assumingMemoryBound(to: TritBlock.self)
            let first = blocks.baseAddress
            sponges.chain(
                (0..<count).compactMap { index in first.map { $0 + index } }, times: times)
            for (index, start) in starts.enumerated() {
                let expected = (0..<times[index]).reduce(start) { block, _ in
                    TruthTable.squeeze(243, absorbing: [block], rounds: 27)
                }
                #expect(blocks[index].trits() == expected, "\(times[index]) times")
            }
        }
    }

    @Test func thereAreNoSpongesOfOtherWidths() {
        for width in [-1, 0, 2, 64, 255, 1024] {
            #expect(
                (CurlPSponges(path: .plain, width: width, rounds: .mam) == nil) as Bool, "\(width)")
        }
    }

    @Test func aRunBeyondItsBytesIsRefused() {
        guard var sponges = CurlPSponges(path: .plain, width: 1, rounds: .mam) else {
            Issue.record("no sponges")
            return
        }
        let nines = Memory([UInt8](repeating: UInt8(ascii: "9"), count: 100))
        let bytes = UnsafeRawBufferPointer(nines.bytes)
        typealias Run = CurlPSponges.Run
        let refused = [
            Run(bytes: bytes, format: .trytes, count: 301),
            Run(bytes: bytes, format: .t5b1, from: 300, count: 201),
            Run(bytes: bytes, format: .blocks, count: 486),
            Run(bytes: bytes, format: .trytes, from: -1, count: 3),
        ]
        let all = Run(bytes: bytes, format: .trytes, count: 300)
        for run in refused {
            let isTaken = sponges.start(all, in: 0)
            let isRefused = !sponges.start(run, in: 0)
            let hasEnded = sponges.hasEnded(0)
            #expect(isTaken && isRefused && hasEnded)
        }
        let isElsewhere = sponges.start(all, in: 1)
        #expect(!isElsewhere)
    }
}

@Suite struct TritBlockTests {
    @Test func readsWhatTheTrytesSay() {
        var source = TritSource(seed: 9)
        for _ in 0..<50 {
            let trits = source.trits(243)
            let block = TritBlock(trytes: Trytes(trits: trits))
            #expect(block.trits() == trits)
            #expect(block.trits(from: 80, count: 90) == Array(trits[80..<170]))
            #expect(Hash(block).trits == trits)
            let thirds = (0..<3).map { third in
                trits[(81 * third)..<(81 * third + 81)].reduce(0) { $0 + Int($1) }
            }
            let sums = block.sumsOfThirds
            #expect([sums.0, sums.1, sums.2] == thirds)
            var other = trits
            let place = source.number(below: 243)
            other[place] = other[place] == 1 ? -1 : other[place] + 1
            #expect(block != TritBlock(trytes: Trytes(trits: other)))
            let same = TritBlock(trytes: Trytes(trits: trits))
            #expect(block == same)
            #expect(block.hashValue == same.hashValue)
        }
    }

    @Test func clampsToWhatIsThere() {
        let block = TritBlock(trytes: Trytes(validated: []))
        #expect(block.trits() == [Trit](repeating: 0, count: 243))
        #expect(block.trits(from: 240, count: 10).count == 3)
        #expect(block.trits(from: -5, count: -1).isEmpty)
        #expect(block == TritBlock())
    }
}
