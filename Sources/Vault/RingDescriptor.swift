import Foundation
import Secrets

/// Which file a name leads to, whatever is in it.
struct FileNumber: Equatable {
    let device: UInt64
    let inode: UInt64

    init(_ status: stat) {
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(status.st_ino)
    }
}

/// Tells one state of the ring file from another without reading all of it.
///
/// Every change puts a new file in the old one's place; but inode numbers are given out again at
/// once, and times are only as fine as the kernel's clock tick. Hence the header, which has the
/// generation.
struct RingFileIdentity: Equatable {
    private let number: FileNumber
    private let byteCount: Int64
    private let modifiedSeconds: Int64
    private let modifiedNanoseconds: Int64
    private let header: [UInt8]

    init(_ status: stat, header: [UInt8]) {
        number = FileNumber(status)
        byteCount = Int64(status.st_size)
        #if canImport(Darwin)
            let modified = status.st_mtimespec
        #else
            let modified = status.st_mtim
        #endif
        modifiedSeconds = Int64(modified.tv_sec)
        modifiedNanoseconds = Int64(modified.tv_nsec)
        self.header = header
    }
}

/// An open file or directory, closed when it goes.
struct RingDescriptor: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Never follows a symbolic link, which could lead a root process anywhere.
    init(_ path: String, _ flags: Int32, operation: String) throws(VaultError) {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode_t(0o600))
        guard descriptor >= 0 else {
            if errno == ENOENT, flags & O_CREAT == 0 { throw .ringMissing(path: path) }
            throw .system(path, operation)
        }
    }

    deinit {
        close(descriptor)
    }

    func status() throws(VaultError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .system(path, "look at the key ring") }
        return status
    }

    /// The first `count` bytes; fewer where the file is shorter.
    func read(_ count: Int) throws(VaultError) -> SecretBytes {
        var done = 0
        let bytes = try SecretBytes(count: count) { memory throws(VaultError) in
            while done < count, let start = memory.baseAddress {
                let got = Foundation.read(descriptor, start + done, count - done)
                if got == 0 { break }
                if got < 0 {
                    if errno == EINTR { continue }
                    throw .system(path, "read the key ring")
                }
                done += got
            }
        }
        guard done < count else { return bytes }
        return bytes.withBytes {
            SecretBytes(copying: UnsafeRawBufferPointer(rebasing: $0[..<done]))
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(VaultError) {
        var done = 0
        while done < bytes.count, let start = bytes.baseAddress {
            let put = Foundation.write(descriptor, start + done, bytes.count - done)
            if put < 0 {
                if errno == EINTR { continue }
                throw .system(path, "write the key ring")
            }
            done += put
        }
    }

    func seek(to offset: Int) throws(VaultError) {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
            throw .system(path, "read the key ring")
        }
    }

    /// Cuts off what comes after `count` bytes.
    func truncate(to count: Int) throws(VaultError) {
        guard ftruncate(descriptor, off_t(count)) == 0 else {
            throw .system(path, "write the key ring")
        }
    }

    /// Makes names that were given, changed or taken away in a file's folder durable.
    static func synchronizeFolder(of path: String) throws(VaultError) {
        let folder = (path as NSString).deletingLastPathComponent
        try RingDescriptor(
            folder.isEmpty ? "." : folder, O_RDONLY | O_DIRECTORY, operation: "open the folder"
        ).synchronize()
    }

    /// Waits until the device has what was written.
    func synchronize() throws(VaultError) {
        guard fsync(descriptor) == 0 else { throw .system(path, "write the key ring to disk") }
    }

    /// Makes the file the owner's alone, and that owner the one of `model`: a ring changed by
    /// root stays readable for the service.
    func restrict(like model: stat?) throws(VaultError) {
        guard fchmod(descriptor, mode_t(0o600)) == 0 else {
            throw .system(path, "restrict the key ring")
        }
        guard let model else { return }
        let own = try status()
        guard own.st_uid != model.st_uid || own.st_gid != model.st_gid else { return }
        guard fchown(descriptor, model.st_uid, model.st_gid) == 0 else {
            throw .system(path, "give the key ring to its owner")
        }
    }

    /// Takes the exclusive lock, which ends with the descriptor.
    func lock(within limit: Duration) throws(VaultError) {
        let deadline = ContinuousClock.now + limit
        let pause: UInt32 = 2_000  // µs
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else {
                throw .system(path, "lock the key ring")
            }
            guard ContinuousClock.now < deadline else { throw .ringBusy(path: path) }
            usleep(pause)
        }
    }
}

extension VaultError {
    /// What the system's latest refusal was.
    static func system(_ path: String, _ operation: String) -> VaultError {
        .ringInaccessible(
            path: path, operation: operation, reason: String(cString: strerror(errno)))
    }
}
