import Foundation

/// A file of the index that is open; all that goes wrong is `DumpError.indexFailed`.
///
/// Safe to share: the descriptor does not change, and reading and writing name their places.
final class IndexFile: Sendable {
    let path: String
    private let descriptor: Int32

    init(path: String, writing: Bool = false, replacing: Bool = false) throws(DumpError) {
        self.path = path
        var flags = O_CLOEXEC | O_NOFOLLOW
        flags |= writing ? O_RDWR | O_CREAT : O_RDONLY
        if replacing { flags |= O_TRUNC }
        descriptor = open(path, flags, 0o600)
        guard descriptor >= 0 else { throw .indexFailed(path: path, .last) }
    }

    deinit { close(descriptor) }

    func byteCount() throws(DumpError) -> Int64 {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .indexFailed(path: path, .last) }
        return Int64(status.st_size)
    }

    func truncate(to count: Int64) throws(DumpError) {
        guard ftruncate(descriptor, off_t(count)) == 0 else {
            throw .indexFailed(path: path, .last)
        }
    }

    /// Fills `room` from `offset` on.
    ///
    /// - Returns: How many bytes there were; fewer only at the end.
    func read(into room: UnsafeMutableRawBufferPointer, at offset: Int64) throws(DumpError) -> Int {
        var filled = 0
        while filled < room.count {
            let count = pread(
                descriptor, room.baseAddress.map { $0 + filled }, room.count - filled,
                off_t(offset) + off_t(filled))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .indexFailed(path: path, .last) }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    func read(_ count: Int, at offset: Int64) throws(DumpError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(0, count))
        let result: Result<Int, DumpError> = bytes.withUnsafeMutableBytes {
            do throws(DumpError) {
                return .success(try read(into: $0, at: offset))
            } catch {
                return .failure(error)
            }
        }
        bytes.removeLast(bytes.count - (try result.get()))
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws(DumpError) {
        let failure: DumpError? = bytes.withUnsafeBytes { bytes in
            var written = 0
            while written < bytes.count {
                let count = pwrite(
                    descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written,
                    off_t(offset) + off_t(written))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return .indexFailed(path: path, .last) }
                written += count
            }
            return nil
        }
        if let failure { throw failure }
    }

    /// Waits until all that was written is on the disk.
    func sync() throws(DumpError) {
        guard fsync(descriptor) == 0 else { throw .indexFailed(path: path, .last) }
    }

    /// Takes the file for this process, as long as it is open.
    ///
    /// - Throws: `DumpError.indexInUse`.
    func lock(for folder: String) throws(DumpError) {
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK
                ? .indexInUse(path: folder) : .indexFailed(path: path, .last)
        }
    }

    /// Makes sure that names made and removed in a folder stay so.
    static func sync(folder: String) throws(DumpError) {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { throw .indexFailed(path: folder, .last) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .indexFailed(path: folder, .last) }
    }
}
