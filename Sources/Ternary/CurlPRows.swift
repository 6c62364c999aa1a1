extension CurlPBatch {
    /// The hashes of inputs of one length that stand one after the other as characters of the
    /// alphabet; 81 characters each, in their order.
    ///
    /// - Parameters:
    ///   - rows: `length` characters for each; what is left over at the end is not hashed.
    ///   - length: at least 1.
    package static func hashes(
        ofRows rows: [UInt8], length: Int, rounds: CurlP.Rounds, path: CurlPLanes.Path = .best
    ) -> [UInt8] {
        guard length > 0 else { return [] }
        let count = rows.count / length
        var hashes: [UInt8] = []
        hashes.reserveCapacity(count * Hash.tryteCount)
        for run in runs(count: count, path: path) {
            guard var lanes = CurlPLanes(path: path, width: run.width) else { break }
            for start in stride(from: run.range.lowerBound, to: run.range.upperBound, by: run.width)
            {
                let end = min(start + run.width, run.range.upperBound)
                let output = lanes.hash(
                    Array(rows[start * length..<end * length]), count: end - start,
                    length: length, format: .trytes, tritCount: 3 * length, rounds: rounds)
                guard let output else { break }
                hashes += output
            }
        }
        // Too few for lanes, or there was no memory for them.
        for index in hashes.count / Hash.tryteCount..<count {
            let row = Trytes(validated: Array(rows[index * length..<(index + 1) * length]))
            hashes += Trytes(trits: CurlP.hash(row.trits, rounds: rounds)).ascii
        }
        return hashes
    }
}

extension TryteAlphabet {
    /// Whether all of the bytes are characters of the alphabet.
    package static func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highest = 0x80 * ones
        var place = 0
        // Eight at a time. With no byte beyond ASCII a sum or difference of two bytes never reaches
        // the next one, and its highest bit says how they compare.
        while place + 8 <= bytes.count {
            let eight = bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let fromA = eight &+ (0x80 - 0x41) * ones
            let beyondZ = eight &+ (0x80 - 0x5B) * ones
            let nine = highest &- (eight ^ 0x39 * ones)
            guard eight & highest == 0, (fromA & ~beyondZ | nine) & highest == highest else {
                return false
            }
            place += 8
        }
        return bytes[place...].allSatisfy { value(of: $0) != nil }
    }
}
