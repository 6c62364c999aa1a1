import CLzma

/// Decompresses xz: streams that follow each other, with padding.
package final class XzDecoder: Decompressor {
    /// Bytes that decompressing may take: twice what the highest level of `xz` wants. A header can
    /// ask for 4 GiB.
    package static let memoryLimit: UInt64 = 128 << 20

    // On the heap, since liblzma keeps its address.
    private let stream: UnsafeMutablePointer<lzma_stream>
    package private(set) var isWhole = false
    /// Found when bytes were given that came before it.
    private var fault: CompressionError?

    package init(memoryLimit: UInt64 = memoryLimit) throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: lzma_stream())
        guard xz_read_start(stream, memoryLimit) == LZMA_OK else {
            // `deinit` frees it: everything was set.
            throw .noMemory(wanted: nil)
        }
    }

    deinit {
        lzma_end(stream)
        stream.deallocate()
    }

    package func decompress(
        _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (taken: Int, given: Int) {
        if let fault { throw fault }
        guard !isWhole else { return (0, 0) }
        let source = input.bindMemory(to: UInt8.self)
        let target = output.bindMemory(to: UInt8.self)
        stream.pointee.next_in = source.baseAddress.map { UnsafePointer($0) }
        stream.pointee.avail_in = source.count
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = target.count
        let result = lzma_code(stream, isLast ? LZMA_FINISH : LZMA_RUN)
        let taken = source.count - stream.pointee.avail_in
        let given = target.count - stream.pointee.avail_out
        stream.pointee.next_in = nil
        switch result {
        case LZMA_OK: break
        case LZMA_STREAM_END: isWhole = true
        case LZMA_BUF_ERROR:
            // Said the second time that nothing could be done: no room, or no input.
            if isLast, !target.isEmpty { fault = .cutOff }
        case LZMA_MEMLIMIT_ERROR: fault = .noMemory(wanted: lzma_memusage(stream))
        case LZMA_MEM_ERROR: fault = .noMemory(wanted: nil)
        default: fault = .damaged
        }
        if let fault, given == 0 { throw fault }
        return (taken, given)
    }
}
