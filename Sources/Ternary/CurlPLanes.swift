import CCurlP

/// Curl-P sponges side by side, one a lane: what one operation of the CPU does, it does for
/// as many of them as a vector has bits. A few inputs alone are faster one by one: `CurlPBatch`
/// chooses.
package struct CurlPLanes: ~Copyable {
    /// What the permutation is compiled for.
    package enum Path: String, Sendable, CaseIterable {
        case plain, avx2, avx512

        /// Whether this CPU can take the path.
        package var isAvailable: Bool { curlp_path_runs(kernelPath) }

        /// The fastest that is available, or the one that the environment variable
        /// `PERMANODE_CURLP` names, if that is available.
        package static let best: Path =
            switch curlp_best_path() {
            case CURLP_AVX512: .avx512
            case CURLP_AVX2: .avx2
            default: .plain
            }

        /// The number of lanes that costs least for each: as many as a vector has bits, or as
        /// many as stay in a near cache.
        package var width: Int { self == .avx512 ? 512 : 256 }

        var kernelPath: curlp_path {
            switch self {
            case .plain: CURLP_PLAIN
            case .avx2: CURLP_AVX2
            case .avx512: CURLP_AVX512
            }
        }
    }

    /// What stands in the bytes of an input.
    package enum Format: Sendable {
        /// Characters of the alphabet, three trits each.
        case trytes
        /// Five trits a byte.
        case t5b1

        fileprivate var kernelFormat: curlp_format {
            switch self {
            case .trytes: CURLP_TRYTES
            case .t5b1: CURLP_T5B1
            }
        }

        fileprivate var tritsPerByte: Int { Int(kernelFormat.rawValue) }
    }

    /// The numbers of lanes that there can be.
    package static let widths = [256, 512]

    package let width: Int
    private let lanes: OpaquePointer

    /// Nil if the path is not available, for a width that is none of `widths`, or without memory.
    package init?(path: Path = .best, width: Int) {
        guard Self.widths.contains(width),
            let lanes = curlp_lanes_create(path.kernelPath, UInt32(width))
        else { return nil }
        self.width = width
        self.lanes = lanes
    }

    deinit { curlp_lanes_release(lanes) }

    /// Hashes `count` inputs, at most `width`, in fresh sponges.
    ///
    /// - Parameters:
    ///   - rows: The inputs, `length` bytes each, one after the other. What is not of the
    ///     format is taken for some trits or other.
    ///   - tritCount: How many trits of each are absorbed, at most what `length` bytes hold.
    /// - Returns: The first `outputCount` trytes of each state, at most 243, one after the
    ///   other; nil, and nothing is done, unless the numbers agree.
    package mutating func hash(
        _ rows: [UInt8], count: Int, length: Int, format: Format, tritCount: Int,
        rounds: CurlP.Rounds, outputCount: Int = Hash.tryteCount
    ) -> [UInt8]? {
        let (size, tooLarge) = max(count, 0).multipliedReportingOverflow(by: length)
        guard (0...CurlP.stateCount / 3).contains(outputCount), count >= 0, !tooLarge,
            rows.count == size
        else { return nil }
        var isHashed = false
        let output = [UInt8](unsafeUninitializedCapacity: count * outputCount) { trytes, filled in
            filled = count * outputCount
            isHashed = rows.withUnsafeBufferPointer { rows in
                hash(
                    rows, count: count, format: format, tritCount: tritCount, rounds: rounds,
                    into: UnsafeMutableBufferPointer(rebasing: trytes[..<filled]))
            }
            if !isHashed { filled = 0 }
        }
        return isHashed ? output : nil
    }

    /// The same from memory to memory: `rows` are as long as there are bytes for each, and so
    /// many trytes are written of each state as there is room for.
    ///
    /// - Returns: false, and nothing is done, unless the numbers agree.
    mutating func hash(
        _ rows: UnsafeBufferPointer<UInt8>, count: Int, format: Format, tritCount: Int,
        rounds: CurlP.Rounds, into trytes: UnsafeMutableBufferPointer<UInt8>
    ) -> Bool {
        guard (0...width).contains(count) else { return false }
        guard count > 0 else { return true }
        let (length, outputCount) = (rows.count / count, trytes.count / count)
        guard length * count == rows.count, outputCount * count == trytes.count,
            outputCount <= CurlP.stateCount / 3, tritCount >= 0,
            tritCount <= length * format.tritsPerByte
        else { return false }
        curlp_lanes_reset(lanes)
        var rows = curlp_rows(
            bytes: rows.baseAddress, length: length, count: count, format: format.kernelFormat)
        curlp_lanes_absorb(lanes, UInt32(rounds.rawValue), &rows, tritCount)
        curlp_lanes_read(lanes, trytes.baseAddress, outputCount, count)
        return true
    }
}
