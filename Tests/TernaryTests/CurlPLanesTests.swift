import Foundation
import Ternary
import TestSupport
import Testing

@Suite struct CurlPLanesTests {
    static let paths = CurlPLanes.Path.allCases.filter(\.isAvailable)

    /// Inputs and what the truth table makes of the states that absorbed them.
    struct Expectation: Sendable {
        let inputs: [[Trit]]
        let states: [Trytes]

        init(rounds: CurlP.Rounds, seed: UInt64) {
            var source = TritSource(seed: seed)
            inputs = (0..<512).map { _ in source.trits(600) }
            states = inputs.map { input in
                var state = [Trit](repeating: 0, count: CurlP.stateCount)
                for start in stride(from: 0, to: input.count, by: CurlP.rateCount) {
                    let block = input[start..<min(start + CurlP.rateCount, input.count)]
                    state.replaceSubrange(0..<block.count, with: block)
                    TruthTable.permute(&state, rounds: rounds.rawValue)
                }
                return Trytes(trits: state)
            }
        }
    }

    @Test(arguments: [CurlP.Rounds.mam, .transaction])
    func givesTheTruthTablesStatesOnEveryPathAndWidth(rounds: CurlP.Rounds) {
        let expected = Expectation(rounds: rounds, seed: 1)
        #expect(Self.paths.contains(.plain))
        for path in Self.paths {
            for width in CurlPLanes.widths {
                guard var lanes = CurlPLanes(path: path, width: width) else {
                    Issue.record("no lanes on \(path)")
                    continue
                }
                let states = expected.states.prefix(width).flatMap(\.ascii)
                let trytes = expected.inputs.prefix(width).flatMap { Trytes(trits: $0).ascii }
                let fromTrytes = lanes.hash(
                    trytes, count: width, length: 200, format: .trytes, tritCount: 600,
                    rounds: rounds, outputCount: 243)
                #expect(fromTrytes == states, "\(path), \(width) lanes")
                let packed = expected.inputs.prefix(width).flatMap { T5B1.pack($0) }
                let fromPacked = lanes.hash(
                    packed, count: width, length: 120, format: .t5b1, tritCount: 600,
                    rounds: rounds, outputCount: 243)
                #expect(fromPacked == states, "\(path), \(width) lanes, packed")
            }
        }
    }

    @Test func isForcedByTheEnvironment() {
        let forced = ProcessInfo.processInfo.environment["PERMANODE_CURLP"]
        let path = forced.flatMap(CurlPLanes.Path.init).flatMap { $0.isAvailable ? $0 : nil }
        #expect(CurlPLanes.Path.best == path ?? Self.paths.last)
    }

    @Test func thereAreNoLanesOfOtherWidthsOrOfPathsThatDoNotRun() {
        for width in [-1, 0, 1, 64, 255, 1024] {
            #expect((CurlPLanes(path: .plain, width: width) == nil) as Bool, "\(width)")
        }
        for path in CurlPLanes.Path.allCases where !path.isAvailable {
            #expect((CurlPLanes(path: path, width: 256) == nil) as Bool, "\(path)")
        }
    }

    @Test func refusesNumbersThatDoNotAgree() {
        func hash(_ size: Int, _ count: Int, _ length: Int, _ tritCount: Int, _ output: Int) -> Int?
        {
            guard var lanes = CurlPLanes(width: 256) else { return nil }
            return lanes.hash(
                [UInt8](repeating: 65, count: size), count: count, length: length,
                format: .trytes, tritCount: tritCount, rounds: .mam, outputCount: output)?.count
        }
        #expect(hash(20, 2, 10, 30, 81) == 162)
        #expect(hash(0, 0, 10, 30, 81) == 0)
        #expect(hash(20, 2, 10, 31, 81) == nil)
        #expect(hash(20, 2, 10, -1, 81) == nil)
        #expect(hash(19, 2, 10, 30, 81) == nil)
        #expect(hash(257, 257, 1, 3, 81) == nil)
        #expect(hash(20, -2, -10, 30, 81) == nil)
        #expect(hash(20, 2, 10, 30, 244) == nil)
        #expect(hash(20, 2, .max, 30, 81) == nil)
    }
}

@Suite struct CurlPBatchTests {
    @Test func anyNumberOfInputsHasTheHashesOfSingleSponges() {
        var source = TritSource(seed: 2)
        let counts = [
            0, 1, 2, 31, 32, 33, 63, 64, 65, 255, 256, 257, 300, 511, 512, 513, 800, 1025,
        ]
        let inputs = (0..<1025).map { _ in source.trits(501) }
        let expected = inputs.map { CurlP.hash($0, rounds: .mam) }
        for path in CurlPLanesTests.paths {
            for count in counts {
                let trytes = inputs.prefix(count).map { Trytes(trits: $0) }
                let hashes = CurlPBatch.hashes(of: trytes, rounds: .mam, path: path)
                #expect(hashes.map(\.trits) == Array(expected.prefix(count)), "\(path) \(count)")
                let packed = inputs.prefix(count).map { T5B1.pack($0) }
                let fromPacked = CurlPBatch.hashes(
                    ofPacked: packed, tritCount: 501, rounds: .mam, path: path)
                #expect(fromPacked == hashes, "\(path) \(count) packed")
                let fromRows = CurlPBatch.hashes(
                    ofRows: trytes.flatMap(\.ascii), length: 167, rounds: .mam, path: path)
                #expect(fromRows == hashes.flatMap(\.trytes.ascii), "\(path) \(count) rows")
            }
        }
    }

    @Test func inputsOfAnyLengthWork() {
        var source = TritSource(seed: 3)
        for tritCount in [0, 1, 2, 3, 4, 5, 240, 241, 243, 244, 486, 730] {
            let inputs = (0..<40).map { _ in source.trits(tritCount) }
            let hashes = CurlPBatch.hashes(
                ofPacked: inputs.map { T5B1.pack($0) }, tritCount: tritCount, rounds: .transaction)
            let expected = inputs.map { CurlP.hash($0, rounds: .transaction) }
            #expect(hashes.map { $0?.trits } == expected, "\(tritCount) trits")
        }
    }

    @Test func inputsOfAnotherLengthAreHashedToo() {
        var source = TritSource(seed: 4)
        let inputs = (0..<100).map { Trytes(trits: source.trits($0 % 7 == 3 ? 600 : 243)) }
        let expected = inputs.map { CurlP.hash($0.trits, rounds: .mam) }
        #expect(CurlPBatch.hashes(of: inputs, rounds: .mam).map(\.trits) == expected)
    }

    @Test func whatIsNoT5B1CostsOnlyItself() {
        var source = TritSource(seed: 5)
        let inputs = (0..<300).map { _ in source.trits(243) }
        var packed = inputs.map { T5B1.pack($0) }
        packed[0][7] = 122
        packed[5].removeLast()
        packed[64] = []
        packed[255][48] = 14
        packed[256][48] = UInt8(bitPattern: -128)
        packed[299].append(0)
        let broken: Set = [0, 5, 64, 255, 256, 299]
        let hashes = CurlPBatch.hashes(ofPacked: packed, tritCount: 243, rounds: .mam)
        for (index, input) in inputs.enumerated() {
            let expected = broken.contains(index) ? nil : CurlP.hash(input, rounds: .mam)
            #expect(hashes[index]?.trits == expected, "\(index)")
        }
    }

    @Test func readableIsWhatUnpackingTakes() {
        var source = TritSource(seed: 6)
        var outcomes: Set<Bool> = []
        for tritCount in 0..<60 {
            for _ in 0..<50 {
                var bytes = T5B1.pack(source.trits(tritCount))
                if let last = bytes.indices.last, source.number(below: 2) == 0 {
                    let index = source.number(below: 2) == 0 ? last : source.number(below: last + 1)
                    bytes[index] = UInt8(source.number(below: 256))
                }
                let unpacked = try? T5B1.unpack(bytes, tritCount: tritCount)
                #expect(T5B1.isReadable(bytes, tritCount: tritCount) == (unpacked != nil))
                outcomes.insert(unpacked != nil)
            }
        }
        #expect(outcomes.count == 2)
        #expect(!T5B1.isReadable([], tritCount: -1))
        #expect(!T5B1.isReadable([0], tritCount: 0))
    }
}
