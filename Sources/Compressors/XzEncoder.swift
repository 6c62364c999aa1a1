import CLzma

/// Compresses bytes piece by piece into one xz stream.
package final class XzEncoder {
    /// What a dump of trytes gains by more is little, and takes long.
    private static let preset: UInt32 = 1
    private static let blockBytes = 64 << 10

    // On the heap, since liblzma keeps its address.
    private let stream: UnsafeMutablePointer<lzma_stream>
    private var block = [UInt8](repeating: 0, count: blockBytes)

    /// Nil where there is no memory for it.
    package init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: lzma_stream())
        guard xz_write_start(stream, Self.preset) == LZMA_OK else {
            // `deinit` frees it: everything was set.
            return nil
        }
    }

    deinit {
        lzma_end(stream)
        stream.deallocate()
    }

    /// What goes out for a piece. Not to be called after the last.
    ///
    /// - Throws: `.noMemory`, after which what went out is no stream.
    package func encode(
        _ piece: ArraySlice<UInt8>, isLast: Bool
    ) throws(CompressionError) -> [UInt8] {
        var output: [UInt8] = []
        var result = LZMA_OK
        piece.withUnsafeBufferPointer { source in
            stream.pointee.next_in = source.baseAddress
            stream.pointee.avail_in = source.count
            repeat {
                let count = block.withUnsafeMutableBufferPointer { target in
                    stream.pointee.next_out = target.baseAddress
                    stream.pointee.avail_out = target.count
                    result = lzma_code(stream, isLast ? LZMA_FINISH : LZMA_RUN)
                    return target.count - stream.pointee.avail_out
                }
                output += block[..<count]
            } while result == LZMA_OK && (isLast || stream.pointee.avail_in > 0)
            stream.pointee.next_in = nil
        }
        // Nothing to do is none.
        guard [LZMA_OK, LZMA_STREAM_END, LZMA_BUF_ERROR].contains(result) else {
            throw .noMemory(wanted: nil)
        }
        return output
    }
}
