import Foundation
import Secrets

/// The key ring on disk, shared by every process that has its path.
///
/// Readers need no lock: a change puts a whole new file in the old one's place. Writers take
/// turns through a lock on `PATH.lock`. A change goes
///
/// 1. write `PATH.new` and fsync it,
/// 2. name the current file `PATH.old` too,
/// 3. rename `PATH.new` to `PATH`,
/// 4. fsync the directory: the change is durable,
/// 5. overwrite `PATH.old` with zeros, fsync, unlink.
///
/// A crash before 3 leaves the ring as it was, one after it the new ring; what else lies about
/// is overwritten and removed by the next `change` or `removeLeftovers`. Step 5 reaches the old
/// keys' blocks on file systems that write in place; not on copying ones (btrfs, ZFS, snapshots),
/// nor the spare blocks of a flash drive.
package struct KeyRingFile: Sendable {
    package let path: String

    private let lockLimit: Duration

    /// - Parameter lockLimit: how long to wait for another process that changes the ring. That
    ///   takes milliseconds; with half a million forgotten channels, seconds.
    package init(path: String, lockLimit: Duration = .seconds(20)) {
        self.path = path
        self.lockLimit = lockLimit
    }

    /// A ring as it was read, and from which state of the file.
    struct Loaded {
        let ring: KeyRing
        let identity: RingFileIdentity
    }

    /// Makes the file, mode 0600, with a new ring or the one given (a restored one).
    ///
    /// - Throws: `VaultError.ringExists`, `ringBusy`, `ringInaccessible`.
    package func create(_ ring: KeyRing? = nil) throws(VaultError) {
        let ring = if let ring { ring } else { try KeyRing.generate() }
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        guard try status(of: path) == nil else { throw .ringExists(path: path) }
        try clear(newPath)
        try write(ring, like: nil)
        try putInPlace()
    }

    /// Reads the ring.
    ///
    /// - Throws: `VaultError.ringMissing`, `ringTooOpen`, `ringDamaged`, `ringUnsupported`,
    ///   `ringInaccessible`.
    package func load() throws(VaultError) -> KeyRing {
        try loadWithIdentity().ring
    }

    /// Overwrites and removes what a change that was interrupted left behind, which may hold
    /// forgotten keys. To be called when a process starts.
    ///
    /// - Throws: `VaultError`; with the leftovers untouched where the ring cannot be read, since one of
    ///   them may be the last whole copy.
    package func removeLeftovers() throws(VaultError) {
        guard access(newPath, F_OK) == 0 || access(oldPath, F_OK) == 0 else { return }
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        _ = try loadWithIdentity()
        try clearLeftovers()
    }

    /// Changes the ring under the lock. When this returns, the ring that `body` gave is durable,
    /// and the one before is overwritten as far as the file system allows; also where `body`
    /// gave back the ring that it got, because an earlier change may have stopped half-way.
    @discardableResult
    func change(
        _ body: (KeyRing) throws(VaultError) -> KeyRing
    ) throws(VaultError) -> Loaded {
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        let loaded = try loadWithIdentity()
        try clearLeftovers()
        let changed = try body(loaded.ring)
        guard
            changed.generation != loaded.ring.generation
                || changed.tree.paths != loaded.ring.tree.paths
        else {
            try openForReading().synchronize()
            try synchronizeDirectory()
            return loaded
        }
        return try exchange(changed)
    }

    /// Puts a ring in the place of whatever is there, under the lock.
    @discardableResult
    func replace(with ring: KeyRing) throws(VaultError) -> Loaded {
        try locked { () throws(VaultError) in
            try clearLeftovers()
            return try exchange(ring)
        }
    }

    /// The same where the file is still damaged; otherwise the ring that another process has put
    /// there.
    func replaceDamaged(with ring: KeyRing) throws(VaultError) -> Loaded {
        try locked { () throws(VaultError) in
            do throws(VaultError) {
                return try loadWithIdentity()
            } catch {
                guard case .ringDamaged = error else { throw error }
            }
            // What lies about may be all that `ring` can be read from, so it stays until the new
            // file is whole; `write` needs a name that is free.
            let ownPath = path + ".recovered"
            try clear(ownPath)
            let owner = try openForReading().status()
            try write(ring, like: owner, to: ownPath)
            if owner.st_mode & S_IFMT == S_IFREG { try overwrite(path, Int(owner.st_size)) }
            guard rename(ownPath, path) == 0 else { throw .system(path, "replace the key ring") }
            try synchronizeDirectory()
            try clearLeftovers()
            return Loaded(ring: ring, identity: try identity())
        }
    }

    /// Keeps others from changing the ring or its log meanwhile.
    func locked<Value>(_ body: () throws(VaultError) -> Value) throws(VaultError) -> Value {
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    /// What an interrupted change may have left, which may be whole rings.
    var leftovers: [(name: String, file: KeyRingFile)] {
        [newPath, oldPath].map { path in
            ((path as NSString).lastPathComponent, KeyRingFile(path: path, lockLimit: lockLimit))
        }
    }

    /// Whose the file is.
    func owner() throws(VaultError) -> stat { try openForReading().status() }

    /// The identifier that stands in the file's header, also where the rest is damaged; nil for
    /// another kind of file.
    func publicIdentifier() throws(VaultError) -> [UInt8]? {
        try openForReading().read(KeyRingFormat.publicHeaderCount).withBytes {
            KeyRingFormat.publicIdentifier($0)
        }
    }

    private func exchange(_ ring: KeyRing) throws(VaultError) -> Loaded {
        let owner = try openForReading().status()
        do {
            try write(ring, like: owner)
        } catch {
            try? clear(newPath)
            throw error
        }
        try nameOld()
        try putInPlace()
        try clear(oldPath)
        try synchronizeDirectory()
        return Loaded(ring: ring, identity: try identity())
    }

    func loadWithIdentity() throws(VaultError) -> Loaded {
        for _ in 1..<Self.readAttempts {
            let identity = try identity()
            do {
                return try readOnce()
            } catch .ringDamaged(let path, let what) {
                // It may have been replaced and overwritten while it was read.
                guard try self.identity() != identity else {
                    throw .ringDamaged(path: path, what: what)
                }
            }
        }
        return try readOnce()
    }

    /// Of the state that the file is in now.
    ///
    /// - Throws: `VaultError.ringMissing`, `ringTooOpen`, `ringDamaged`, `ringInaccessible`.
    func identity() throws(VaultError) -> RingFileIdentity {
        let file = try openForReading()
        let status = try check(file.status())
        let header = try file.read(KeyRingFormat.publicHeaderCount)
        return RingFileIdentity(status, header: header.withBytes(Array.init))
    }

    /// Each attempt but the last needs a change right then to be made again.
    private static let readAttempts = 10

    private var newPath: String { path + ".new" }
    private var oldPath: String { path + ".old" }

    private func takeLock() throws(VaultError) -> RingLock {
        try RingLock(path: path + ".lock", ring: path, within: lockLimit)
    }

    private func openForReading() throws(VaultError) -> RingDescriptor {
        // Without O_NONBLOCK, opening a named pipe would wait for its other end.
        try RingDescriptor(path, O_RDONLY | O_NONBLOCK, operation: "open the key ring")
    }

    private func check(_ status: stat) throws(VaultError) -> stat {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .ringDamaged(path: path, what: "not a regular file")
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else { throw .ringTooOpen(path: path, mode: UInt32(mode)) }
        guard status.st_size <= KeyRingFormat.maximumCount else {
            throw .ringDamaged(path: path, what: "too long")
        }
        return status
    }

    private func readOnce() throws(VaultError) -> Loaded {
        let file = try openForReading()
        let status = try check(file.status())
        let bytes = try file.read(Int(status.st_size))
        let header = bytes.withBytes { Array($0.prefix(KeyRingFormat.publicHeaderCount)) }
        do throws(KeyRingFormat.Fault) {
            return Loaded(
                ring: try KeyRingFormat.decode(bytes),
                identity: RingFileIdentity(status, header: header))
        } catch {
            switch error {
            case .damaged(let what): throw .ringDamaged(path: path, what: what)
            case .unsupported(let version): throw .ringUnsupported(path: path, version: version)
            }
        }
    }

    private func write(
        _ ring: KeyRing, like model: stat?, to path: String? = nil
    ) throws(VaultError) {
        let path = path ?? newPath
        let file = try RingDescriptor(
            path, O_WRONLY | O_CREAT | O_EXCL, operation: "create \(path)")
        try file.restrict(like: model)
        try KeyRingFormat.encode(ring).withBytes { bytes throws(VaultError) in
            try file.write(bytes)
        }
        try file.synchronize()
    }

    private func nameOld() throws(VaultError) {
        guard link(path, oldPath) != 0 else { return }
        // A file system without hard links: the old blocks cannot be reached after the rename.
        guard errno == EPERM || errno == ENOTSUP || errno == EOPNOTSUPP else {
            throw .system(oldPath, "name the old key ring")
        }
    }

    private func putInPlace() throws(VaultError) {
        guard rename(newPath, path) == 0 else { throw .system(path, "replace the key ring") }
        try synchronizeDirectory()
    }

    private func synchronizeDirectory() throws(VaultError) {
        try RingDescriptor.synchronizeFolder(of: path)
    }

    private func clearLeftovers() throws(VaultError) {
        try clear(newPath)
        try clear(oldPath)
    }

    /// Overwrites and removes a file, if it is there. Where it is another name of the ring itself
    /// (a change was stopped after its second step), removes the name only.
    private func clear(_ leftover: String) throws(VaultError) {
        guard let found = try status(of: leftover) else { return }
        let ring = try status(of: path)
        if ring.map(FileNumber.init) != FileNumber(found) {
            try overwrite(leftover, Int(found.st_size))
        }
        guard unlink(leftover) == 0 else { throw .system(leftover, "remove the old key ring") }
    }

    /// Of the file itself, also of a symbolic link; nil where there is none.
    private func status(of path: String) throws(VaultError) -> stat? {
        var status = stat()
        guard lstat(path, &status) != 0 else { return status }
        guard errno == ENOENT else { throw .system(path, "look at the key ring") }
        return nil
    }

    private func overwrite(_ leftover: String, _ byteCount: Int) throws(VaultError) {
        let file = try RingDescriptor(
            leftover, O_WRONLY | O_NONBLOCK, operation: "open the old key ring")
        let zeros = SecretBytes(count: 65_536) { _ in }
        var left = min(byteCount, KeyRingFormat.maximumCount)
        while left > 0 {
            let part = min(left, zeros.count)
            try zeros.withBytes { bytes throws(VaultError) in
                try file.write(UnsafeRawBufferPointer(rebasing: bytes[..<part]))
            }
            left -= part
        }
        try file.synchronize()
    }
}

/// The right to change the ring, given up when it goes.
final class RingLock {
    private let file: RingDescriptor

    init(path: String, ring: String, within limit: Duration) throws(VaultError) {
        file = try RingDescriptor(path, O_RDWR | O_CREAT, operation: "open the lock")
        var owner = stat()
        // Whoever owns the ring must be able to lock it, even if root was first.
        if lstat(ring, &owner) == 0 { try file.restrict(like: owner) }
        try file.lock(within: limit)
    }
}
