import CZlib

/// Compresses bytes piece by piece (RFC 1952).
///
/// Safe to send: nothing else knows its memory, and whoever has it uses it alone.
package final class GzipEncoder: @unchecked Sendable {
    /// What goes out at once.
    package enum Flush {
        /// What came so far may wait for more.
        case none
        /// What came so far can be decompressed from what goes out now.
        case sync
        /// Nothing comes any more.
        case finish

        fileprivate var code: Int32 {
            switch self {
            case .none: Z_NO_FLUSH
            case .sync: Z_SYNC_FLUSH
            case .finish: Z_FINISH
            }
        }
    }

    /// Fast: addresses and hashes, most of what is told, do not get smaller by much trying.
    private static let level: Int32 = 2
    /// 32 KB look back, and 64 KB of its own.
    private static let windowBits: Int32 = 14
    private static let memoryLevel: Int32 = 7
    private static let blockBytes = 32 << 10

    // On the heap, since zlib keeps its address.
    private let stream: UnsafeMutablePointer<z_stream>
    private var block = [UInt8](repeating: 0, count: blockBytes)

    /// Nil where there is no memory for it.
    package init?() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard gzip_start(stream, Self.level, Self.windowBits, Self.memoryLevel) == Z_OK else {
            // `deinit` frees it: everything was set.
            return nil
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// What goes out for a piece. Not to be called after the end.
    package func encode(_ piece: ArraySlice<UInt8>, _ flush: Flush) -> [UInt8] {
        var output: [UInt8] = []
        piece.withUnsafeBufferPointer { source in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            stream.pointee.avail_in = UInt32(clamping: source.count)
            repeat {
                let count = block.withUnsafeMutableBufferPointer { target in
                    stream.pointee.next_out = target.baseAddress
                    stream.pointee.avail_out = UInt32(clamping: target.count)
                    // Only misuse is an error; nothing to do is none.
                    _ = deflate(stream, flush.code)
                    return target.count - Int(stream.pointee.avail_out)
                }
                output += block[..<count]
            } while stream.pointee.avail_out == 0
            stream.pointee.next_in = nil
        }
        return output
    }
}
