/// Decompresses bytes piece by piece, in memory that does not depend on what comes.
///
/// What it gives out before it finds a fault is what was packed; what follows is unknown.
package protocol Decompressor: AnyObject {
    /// Decompresses as much of `input` as fits into `output`. It has got on if it took or gave any
    /// byte; where it did neither it wants more input.
    ///
    /// - Parameter isLast: nothing comes after `input`.
    /// - Returns: How many bytes it took, and how many it gave.
    /// - Throws: `CompressionError`; afterwards it is of no more use.
    func decompress(
        _ input: UnsafeRawBufferPointer, isLast: Bool, into output: UnsafeMutableRawBufferPointer
    ) throws(CompressionError) -> (taken: Int, given: Int)

    /// Whether what it took so far is whole.
    var isWhole: Bool { get }
}

/// How bytes are packed, as their first ones tell.
package enum CompressionFormat: String, Sendable, CaseIterable {
    case gzip, xz
    /// Known, and not read here.
    case zstd, bzip2, zip, lz4

    /// Bytes that are enough to tell.
    package static let prefixCount = 6

    /// Nil for what begins like none of these.
    package init?(of bytes: some Collection<UInt8>) {
        let first = Array(bytes.prefix(Self.prefixCount))
        guard let format = Self.allCases.first(where: { first.starts(with: $0.magic) }) else {
            return nil
        }
        self = format
    }

    private var magic: [UInt8] {
        switch self {
        case .gzip: [0x1F, 0x8B]
        case .xz: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]
        case .zstd: [0x28, 0xB5, 0x2F, 0xFD]
        case .bzip2: [0x42, 0x5A, 0x68]
        case .zip: [0x50, 0x4B, 0x03, 0x04]
        case .lz4: [0x04, 0x22, 0x4D, 0x18]
        }
    }

    /// What unpacks it.
    ///
    /// - Throws: `CompressionError.unsupported`, `.noMemory`.
    package func decompressor() throws(CompressionError) -> any Decompressor {
        switch self {
        case .gzip: try GzipDecoder()
        case .xz: try XzDecoder()
        case .zstd, .bzip2, .zip, .lz4: throw .unsupported(self)
        }
    }
}
