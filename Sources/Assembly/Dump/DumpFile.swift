import Foundation

/// A dump that is open for reading.
///
/// `@unchecked Sendable` is safe: the descriptor is never changed after `init`, and reading at
/// an offset of its own (`pread`) needs no position that threads would share.
final class DumpFile: @unchecked Sendable {
    /// Bytes of a line that is still taken; one of a transaction has about 2,800.
    static let maximumLineBytes = 16_384

    let path: String
    /// Bytes when it was opened; 0 for what is no regular file.
    let byteCount: Int64
    private let descriptor: Int32

    init(path: String) throws(DumpError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(path: path) : .unreadable(path: path, .last)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(path: path, .last) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: path) }
        byteCount = Int64(status.st_size)
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes from `offset`; fewer only at the end.
    func read(_ count: Int, at offset: Int64) throws(DumpError) -> Data {
        var bytes = Data(count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes { memory in
                pread(
                    descriptor, memory.baseAddress.map { $0 + filled }, count - filled,
                    off_t(offset) + off_t(filled))
            }
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else { throw .unreadable(path: path, .last) }
            if got == 0 { break }
            filled += got
        }
        return bytes.prefix(filled)
    }

    /// The line that begins at `offset`, without its line end.
    func line(at offset: Int64) throws(DumpError) -> Data {
        let bytes = try read(Self.maximumLineBytes, at: offset)
        return bytes.prefix { $0 != UInt8(ascii: "\n") }
    }
}

/// Goes through a file line by line, keeping no more of a line than may be taken.
struct DumpLines {
    private static let chunkBytes = 1 << 20

    enum Line {
        /// Without the line feed, and where it begins.
        case bytes(Data, offset: Int64)
        case tooLong
    }

    let file: DumpFile
    /// Bytes read so far.
    private(set) var position: Int64 = 0
    private var chunk = Data()
    private var skipping = false

    init(_ file: DumpFile) { self.file = file }

    /// The next line that is not empty; nil at the end.
    mutating func next() throws(DumpError) -> Line? {
        while true {
            if let end = chunk.firstIndex(of: UInt8(ascii: "\n")) {
                let line = chunk[chunk.startIndex..<end]
                let offset = position - Int64(chunk.count)
                chunk = chunk[(end + 1)...]
                if let line = taken(line, offset) { return line }
                continue
            }
            if chunk.count > DumpFile.maximumLineBytes {
                chunk = Data()
                skipping = true
            }
            let more = try file.read(Self.chunkBytes, at: position)
            guard !more.isEmpty else { return rest() }
            position += Int64(more.count)
            chunk = chunk.isEmpty ? more : chunk + more
        }
    }

    private mutating func rest() -> Line? {
        guard skipping || !chunk.isEmpty else { return nil }
        let line = chunk
        let offset = position - Int64(chunk.count)
        chunk = Data()
        return taken(line, offset)
    }

    private mutating func taken(_ line: Data, _ offset: Int64) -> Line? {
        if skipping || line.count > DumpFile.maximumLineBytes {
            skipping = false
            return .tooLong
        }
        let isBlank = line.allSatisfy { $0 <= UInt8(ascii: " ") }
        return isBlank ? nil : .bytes(line, offset: offset)
    }
}
