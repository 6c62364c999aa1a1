import Failures

/// Why bytes cannot be unpacked.
package enum CompressionError: Failure, Equatable {
    /// They are not what was packed, or were packed by nothing known.
    case damaged
    /// They end too early.
    case cutOff
    case unsupported(CompressionFormat)
    /// They want more memory than there is, or than they may have; in bytes, where that is known.
    case noMemory(wanted: UInt64?)

    package var code: String {
        switch self {
        case .damaged: "compression.damaged"
        case .cutOff: "compression.cut-off"
        case .unsupported: "compression.unsupported"
        case .noMemory: "compression.no-memory"
        }
    }

    package var operation: String { "decompress" }

    package var publicText: String {
        switch self {
        case .damaged: "the compressed data is damaged"
        case .cutOff: "the compressed data ends too early"
        case .unsupported(let format): "\(format.rawValue) is not read: unpack it first"
        case .noMemory(let wanted?): "decompressing wants \(wanted >> 20) MiB of memory"
        case .noMemory(nil): "there is no memory for decompressing"
        }
    }
}
