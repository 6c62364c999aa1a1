import CLzma

/// Compresses bytes piece by piece into one xz stream.
///
/// Safe to send: nothing else knows its memory, and whoever has it uses it alone.
package final class XzEncoder: @unchecked Sendable {
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
            stream.deallocate()
            return nil
        }
    }

    deinit {
        lzma_end(stream)
        stream.deallocate()
    }

    /// What goes out for a piece. Not to be called after the last.
    package func encode(_ piece: ArraySlice<UInt8>, isLast: Bool) -> [UInt8] {
        var output: [UInt8] = []
        piece.withUnsafeBufferPointer { source in
            stream.pointee.next_in = source.baseAddress
            stream.pointee.avail_in = source.count
            var result = LZMA_OK
            repeat {
                let count = block.withUnsafeMutableBufferPointer { target in
                    stream.pointee.next_out = target.baseAddress
                    stream.pointee.avail_out = target.count
                    // Only misuse and a lack of memory are errors, which end it.
                    result = lzma_code(stream, isLast ? LZMA_FINISH : LZMA_RUN)
                    return target.count - stream.pointee.avail_out
                }
                output += block[..<count]
            } while result == LZMA_OK && (isLast || stream.pointee.avail_in > 0)
            stream.pointee.next_in = nil
        }
        return output
    }
}
