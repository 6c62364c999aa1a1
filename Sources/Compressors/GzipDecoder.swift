import CZlib

/// Decompresses gzip (RFC 1952): members that follow each other, and zeros that fill up the end.
package final class GzipDecoder: Decompressor {
    private enum State {
        case inMember
        /// A member has ended, with the right checksum.
        case between
        /// Zeros come after the last member, as tapes have them.
        case padding
    }

    // On the heap, since zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>
    private var state = State.inMember
    /// Found when bytes were given that came before it.
    private var fault: CompressionError?

    package init() throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard gunzip_start(stream) == Z_OK else {
            // `deinit` frees it: everything was set.
            throw .noMemory(wanted: nil)
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    package var isWhole: Bool { state != .inMember }

    package func decompress(
        _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (taken: Int, given: Int) {
        if let fault { throw fault }
        if state == .between, let first = input.first {
            if first == 0 {
                state = .padding
            } else {
                guard gunzip_again(stream) == Z_OK else { throw .damaged }
                state = .inMember
            }
        }
        if state == .padding {
            guard input.allSatisfy({ $0 == 0 }) else { throw .damaged }
            return (input.count, 0)
        }
        guard state == .inMember else { return (0, 0) }
        let source = input.bindMemory(to: UInt8.self)
        let target = output.bindMemory(to: UInt8.self)
        let offered = UInt32(clamping: source.count)
        let room = UInt32(clamping: target.count)
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = offered
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = room
        let result = inflate(stream, Z_NO_FLUSH)
        let taken = Int(offered - stream.pointee.avail_in)
        let given = Int(room - stream.pointee.avail_out)
        stream.pointee.next_in = nil
        switch result {
        case Z_STREAM_END: state = .between
        case Z_OK: break
        case Z_BUF_ERROR:
            // Nothing to do: no room, or no input.
            if isLast, source.isEmpty, !target.isEmpty, given == 0 { fault = .cutOff }
        case Z_MEM_ERROR: fault = .noMemory(wanted: nil)
        default: fault = .damaged
        }
        if let fault, given == 0 { throw fault }
        return (taken, given)
    }
}
