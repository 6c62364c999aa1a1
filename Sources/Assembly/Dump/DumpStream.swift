import Compressors
import Foundation

/// The bytes of a dump in their order, unpacked: of a file, a pipe or standard input.
final class DumpStream {
    /// What one read takes in.
    private static let blockBytes = 256 << 10
    /// Unpacked bytes for each packed one, beyond which it can be no dump: a line has three hashes
    /// and more in it, which nothing makes smaller than a twentieth of the line.
    private static let largestRatio: Int64 = 200
    /// Bytes before that is looked at.
    private static let ratioLooksFrom: Int64 = 64 << 20

    let path: String
    /// Whether a place in it can be read again: a file that is not packed.
    let isPlain: Bool
    /// What tells whether it is still the same; nil for pipes and standard input.
    let identity: DumpState.Identity?
    /// Bytes that were read, packed ones where it is packed.
    private(set) var bytesTaken: Int64 = 0
    private var bytesGiven: Int64 = 0

    private let descriptor: Int32
    private let decoder: (any Decompressor)?
    private var block: [UInt8]
    /// What of the block was not given yet.
    private var unread = 0..<0
    private var isAtEnd = false

    /// Standard input where the path is `-`.
    ///
    /// - Throws: `DumpError.missing`, `.unreadable`, `.notAFile`, `.compression`.
    init(path: String) throws(DumpError) {
        self.path = path
        descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, .last)
        }
        // A class's deinit runs only when all is set, so that what fails here closes by itself.
        do throws(DumpError) {
            let identity = try Self.identity(descriptor, path)
            var block = [UInt8](repeating: 0, count: Self.blockBytes)
            var filled = 0
            while filled < CompressionFormat.prefixCount {
                let count = try Self.read(descriptor, into: &block, from: filled, path)
                if count == 0 { break }
                filled += count
            }
            decoder = try Self.decoder(of: block[..<filled], path)
            self.identity = identity
            self.block = block
            unread = 0..<filled
            bytesTaken = Int64(filled)
            isPlain = decoder == nil && identity != nil
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private static func identity(
        _ descriptor: Int32, _ path: String
    ) throws(DumpError) -> DumpState.Identity? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, .last) }
        switch status.st_mode & S_IFMT {
        // What is redirected into standard input has no name by which to find it again.
        case S_IFREG where path == "-": return nil
        case S_IFREG: return DumpState.Identity(status)
        case S_IFIFO, S_IFSOCK: return nil
        case S_IFCHR where path == "-": return nil
        default: throw .notAFile(path: path)
        }
    }

    private static func decoder(
        of prefix: ArraySlice<UInt8>, _ path: String
    ) throws(DumpError) -> (any Decompressor)? {
        guard let format = CompressionFormat(of: prefix) else { return nil }
        do throws(CompressionError) {
            return try format.decompressor()
        } catch {
            throw .compression(path: path, error)
        }
    }

    private static func read(
        _ descriptor: Int32, into block: inout [UInt8], from start: Int, _ path: String
    ) throws(DumpError) -> Int {
        while true {
            let count = block.withUnsafeMutableBytes {
                Foundation.read(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .unreadable(path: path, .last) }
            return count
        }
    }

    private func refill() throws(DumpError) {
        guard unread.isEmpty, !isAtEnd else { return }
        let count = try Self.read(descriptor, into: &block, from: 0, path)
        isAtEnd = count == 0
        unread = 0..<count
        bytesTaken += Int64(count)
    }

    /// Gives the next bytes, at most as many as there is room for.
    ///
    /// - Returns: How many; 0 at the end.
    /// - Throws: `DumpError`; what was given before is good.
    func read(into room: UnsafeMutableRawBufferPointer) throws(DumpError) -> Int {
        guard !room.isEmpty else { return 0 }
        guard let decoder else {
            try refill()
            let count = min(unread.count, room.count)
            block.withUnsafeBytes {
                room.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: $0[unread.prefix(count)]))
            }
            unread.removeFirst(count)
            return count
        }
        while true {
            try refill()
            let (taken, given) = try unpack(decoder, into: room)
            unread.removeFirst(taken)
            bytesGiven += Int64(given)
            if bytesGiven > Self.ratioLooksFrom, bytesGiven / bytesTaken > Self.largestRatio {
                throw .expands(path: path)
            }
            if given > 0 { return given }
            if taken == 0, isAtEnd {
                guard decoder.isWhole else { throw .compression(path: path, .cutOff) }
                return 0
            }
        }
    }

    private func unpack(
        _ decoder: any Decompressor, into room: UnsafeMutableRawBufferPointer
    ) throws(DumpError) -> (taken: Int, given: Int) {
        let result: Result<(taken: Int, given: Int), CompressionError> = block.withUnsafeBytes {
            let input = UnsafeRawBufferPointer(rebasing: $0[unread])
            do throws(CompressionError) {
                return .success(
                    try decoder.decompress(input, isLast: isAtEnd, into: room))
            } catch {
                return .failure(error)
            }
        }
        switch result {
        case .success(let counts): return counts
        case .failure(let error): throw .compression(path: path, error)
        }
    }

    /// Passes the first `count` bytes; before anything was read.
    ///
    /// - Parameter progress: told now and then.
    /// - Throws: `DumpError.otherStream` where there are fewer; what `read` throws.
    func skip(_ count: Int64, progress: () throws -> Void) throws {
        guard isPlain, let identity else { return try pass(count, progress: progress) }
        guard count <= identity.byteCount, lseek(descriptor, off_t(count), SEEK_SET) >= 0 else {
            throw DumpError.otherStream(path: path)
        }
        unread = 0..<0
        bytesTaken = count
    }

    /// Reads `count` bytes and drops them.
    ///
    /// - Throws: as `skip`.
    func pass(_ count: Int64, progress: () throws -> Void) throws {
        var scratch = [UInt8](repeating: 0, count: 1 << 20)
        var left = count
        while left > 0 {
            let wanted = Int(min(left, Int64(scratch.count)))
            let result: Result<Int, DumpError> = scratch.withUnsafeMutableBytes {
                let room = UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted])
                do throws(DumpError) {
                    return .success(try read(into: room))
                } catch {
                    return .failure(error)
                }
            }
            let got = try result.get()
            guard got > 0 else { throw DumpError.otherStream(path: path) }
            left -= Int64(got)
            try progress()
        }
    }
}
