/// Curl-P hashes of many inputs: in lanes where that is faster, one by one where it is not.
package enum CurlPBatch {
    /// From here on a permutation of 256 lanes takes less than as many of single states.
    package static let fewestForLanes = 32

    /// The hashes of `inputs`, in their order. Those of the first one's length share lanes;
    /// others are hashed by themselves.
    package static func hashes(
        of inputs: [Trytes], rounds: CurlP.Rounds, path: CurlPLanes.Path = .best
    ) -> [Hash] {
        let length = inputs.first?.count ?? 0
        let bytes = inputs.map(\.ascii)
        let hashes = hashes(
            of: bytes, inLanes: inputs.indices.filter { inputs[$0].count == length },
            layout: Layout(length: length, format: .trytes, tritCount: 3 * length),
            rounds: rounds, path: path)
        return zip(inputs, hashes).map { input, hash in
            hash ?? single(input.trits, rounds: rounds)
        }
    }

    /// The hashes of the first `tritCount` trits of `inputs` in t5b1, in their order; nil for
    /// what `T5B1.unpack` would refuse.
    package static func hashes(
        ofPacked inputs: [[UInt8]], tritCount: Int, rounds: CurlP.Rounds,
        path: CurlPLanes.Path = .best
    ) -> [Hash?] {
        // As many as there are lanes stay in a near cache from the first look to the last.
        guard inputs.count <= path.width else {
            return stride(from: 0, to: inputs.count, by: path.width).flatMap { start in
                Self.hashes(
                    ofPacked: Array(inputs[start..<min(start + path.width, inputs.count)]),
                    tritCount: tritCount, rounds: rounds, path: path)
            }
        }
        let readable = inputs.indices.filter {
            T5B1.isReadable(inputs[$0], tritCount: tritCount)
        }
        let layout = Layout(
            length: T5B1.byteCount(tritCount: max(0, tritCount)), format: .t5b1,
            tritCount: tritCount)
        var hashes = hashes(
            of: inputs, inLanes: readable, layout: layout, rounds: rounds, path: path)
        for index in readable where hashes[index] == nil {
            guard let trits = try? T5B1.unpack(inputs[index], tritCount: tritCount) else {
                continue
            }
            hashes[index] = single(trits, rounds: rounds)
        }
        return hashes
    }

    /// The hashes of inputs that stand one after the other in `rows`, `length` trytes each: as
    /// many times 81 characters.
    package static func hashes(
        ofRows rows: [UInt8], length: Int, rounds: CurlP.Rounds, path: CurlPLanes.Path = .best
    ) -> [UInt8] {
        guard length > 0 else { return [] }
        let count = rows.count / length
        return [UInt8](unsafeUninitializedCapacity: count * Hash.tryteCount) { hashes, filled in
            filled = count * Hash.tryteCount
            rows.withUnsafeBufferPointer { rows in
                var done = 0
                for run in runs(count: count, path: path) {
                    guard var lanes = CurlPLanes(path: path, width: run.width) else { break }
                    while done < run.range.upperBound {
                        let end = min(done + run.width, run.range.upperBound)
                        let isHashed = lanes.hash(
                            UnsafeBufferPointer(rebasing: rows[done * length..<end * length]),
                            count: end - done, format: .trytes, tritCount: 3 * length,
                            rounds: rounds,
                            into: UnsafeMutableBufferPointer(
                                rebasing: hashes[
                                    done * Hash.tryteCount..<end * Hash.tryteCount]))
                        guard isHashed else { break }
                        done = end
                    }
                }
                while done < count {
                    let input = Trytes(validated: Array(rows[done * length..<(done + 1) * length]))
                    let hash = single(input.trits, rounds: rounds).trytes.ascii
                    let place = done * Hash.tryteCount
                    _ = UnsafeMutableBufferPointer(
                        rebasing: hashes[place..<place + Hash.tryteCount]
                    ).update(fromContentsOf: hash)
                    done += 1
                }
            }
        }
    }

    /// What all inputs in lanes have in common.
    private struct Layout {
        let length: Int
        let format: CurlPLanes.Format
        let tritCount: Int
    }

    private static func single(_ trits: [Trit], rounds: CurlP.Rounds) -> Hash {
        Hash(of: Trytes(trits: CurlP.hash(trits, rounds: rounds)), at: 0)
    }

    /// The hashes of the inputs at `indices`, nil for the others and for those that are too few.
    private static func hashes(
        of inputs: [[UInt8]], inLanes indices: [Int], layout: Layout, rounds: CurlP.Rounds,
        path: CurlPLanes.Path
    ) -> [Hash?] {
        var hashes = [Hash?](repeating: nil, count: inputs.count)
        var rows: [UInt8] = []
        for run in runs(count: indices.count, path: path) {
            guard var lanes = CurlPLanes(path: path, width: run.width) else { continue }
            for start in stride(from: run.range.lowerBound, to: run.range.upperBound, by: run.width)
            {
                let together = indices[start..<min(start + run.width, run.range.upperBound)]
                rows.removeAll(keepingCapacity: true)
                rows.reserveCapacity(together.count * layout.length)
                for index in together { rows += inputs[index] }
                let output = lanes.hash(
                    rows, count: together.count, length: layout.length, format: layout.format,
                    tritCount: layout.tritCount, rounds: rounds)
                guard let output else { continue }
                let trytes = Trytes(validated: output)
                for (place, index) in together.enumerated() {
                    hashes[index] = Hash(of: trytes, at: place * Hash.tryteCount)
                }
            }
        }
        return hashes
    }

    /// Which of `count` inputs go into lanes, and how many lanes: full ones first, then the rest
    /// in as few as hold it, or in none.
    static func runs(
        count: Int, path: CurlPLanes.Path
    ) -> [(range: Range<Int>, width: Int)] {
        let full = count / path.width * path.width
        let rest = count - full
        var runs: [(range: Range<Int>, width: Int)] = []
        if full > 0 { runs.append((0..<full, path.width)) }
        if rest >= fewestForLanes {
            let width = CurlPLanes.widths.first { $0 >= rest } ?? path.width
            runs.append((full..<count, width))
        }
        return runs
    }
}
