import Compressors
import Ternary
import TestSupport
import Testing

/// Gzip and xz, cut and damaged in every way.
@Suite struct DecompressorTests {
    private static let readable: [CompressionFormat] = [.gzip, .xz]

    private static func packed(_ bytes: [UInt8], _ format: CompressionFormat) throws -> [UInt8] {
        format == .gzip
            ? try #require(GzipEncoder()).encode(bytes[...], .finish)
            : try #require(XzEncoder()).encode(bytes[...], isLast: true)
    }

    /// Unpacks in pieces of given sizes.
    ///
    /// - Returns: what came out, and the fault, if there was one.
    private static func unpacked(
        _ bytes: [UInt8], _ decoder: any Decompressor, piece: Int = 1 << 16, room: Int = 1 << 16
    ) -> (bytes: [UInt8], fault: CompressionError?) {
        var output: [UInt8] = []
        var block = [UInt8](repeating: 0, count: room)
        var from = 0
        while true {
            let end = min(from + piece, bytes.count)
            do {
                let (taken, given) = try bytes.withUnsafeBytes {
                    bytes in
                    try block.withUnsafeMutableBytes { room in
                        try decoder.decompress(
                            UnsafeRawBufferPointer(rebasing: bytes[from..<end]),
                            isLast: end == bytes.count, into: room)
                    }
                }
                output += block[..<given]
                from += taken
                if taken + given == 0, end == bytes.count {
                    return (output, decoder.isWhole ? nil : .cutOff)
                }
            } catch {
                let fault = error as? CompressionError
                if fault == nil { Issue.record(error) }
                return (output, fault)
            }
        }
    }

    private static func text(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: 7)
        return random.trytes(count).ascii
    }

    @Test(arguments: readable) func whatWasPackedComesOutWhateverThePieces(
        _ format: CompressionFormat
    ) throws {
        let text = Self.text(200_000)
        let packed = try Self.packed(text, format)
        #expect(packed.count < text.count)
        #expect(CompressionFormat(of: packed) == format)
        for (piece, room) in [(1 << 16, 1 << 16), (1, 1000), (999, 7), (packed.count, 1 << 20)] {
            let (bytes, fault) = Self.unpacked(
                packed, try format.decompressor(), piece: piece, room: room)
            #expect(bytes == text)
            #expect(fault == nil)
        }
        #expect(try Self.unpacked(Self.packed([], format), format.decompressor()).fault == nil)
    }

    @Test(arguments: readable) func partsThatFollowEachOtherAreOne(
        _ format: CompressionFormat
    ) throws {
        let text = Self.text(3000)
        let packed = try Self.packed(text, format)
        // xz wants padding in steps of four.
        for padding in [0, 4, 512] {
            let zeros = [UInt8](repeating: 0, count: padding)
            let (bytes, fault) = Self.unpacked(
                packed + packed + zeros, try format.decompressor(), piece: 100)
            #expect(bytes == text + text)
            #expect(fault == nil)
        }
        let (bytes, fault) = Self.unpacked(
            packed + Array("no part of it at all".utf8), try format.decompressor())
        #expect(bytes == text)
        #expect(fault == .damaged)
    }

    @Test(arguments: readable) func aCutIsFoundWhereverItIs(_ format: CompressionFormat) throws {
        let text = Self.text(2000)
        let packed = try Self.packed(text, format)
        for count in 1..<packed.count {
            let (bytes, fault) = Self.unpacked(
                Array(packed.prefix(count)), try format.decompressor(), piece: 64)
            #expect(fault == .cutOff, "\(count) of \(packed.count) bytes")
            #expect(text.starts(with: bytes))
        }
    }

    @Test(arguments: readable) func aChangedByteIsFound(_ format: CompressionFormat) throws {
        let text = Self.text(2000)
        let packed = try Self.packed(text, format)
        var silent = 0
        for place in packed.indices {
            var changed = packed
            changed[place] ^= 0x55
            let (bytes, fault) = Self.unpacked(changed, try format.decompressor())
            // Parts of gzip's header say nothing of the content.
            if fault == nil {
                silent += 1
                #expect(bytes == text)
            }
        }
        #expect(silent <= 10)
    }

    @Test func memoryIsBounded() throws {
        let packed = try Self.packed(Self.text(1000), .xz)
        let (_, fault) = Self.unpacked(packed, try XzDecoder(memoryLimit: 100_000))
        guard case .noMemory(let wanted?) = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(wanted > 100_000)
    }

    @Test func whatIsNotReadIsKnownByName() throws {
        #expect(CompressionFormat(of: Array("KPMG9".utf8)) == nil)
        #expect(CompressionFormat(of: [UInt8]()) == nil)
        let zstd = try #require(CompressionFormat(of: [0x28, 0xB5, 0x2F, 0xFD, 0, 0]))
        #expect(throws: CompressionError.unsupported(.zstd)) { try zstd.decompressor() }
    }
}
