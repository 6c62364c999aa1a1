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

    /// Gives the keys of files that are wrapped under one, and makes a new file such a one.
    package let wrapping: RingWrapping?
    let lockLimit: Duration

    /// - Parameter lockLimit: how long to wait for another process that changes the ring. That
    ///   takes milliseconds; with half a million forgotten channels, seconds.
    package init(
        path: String, wrapping: RingWrapping? = nil, lockLimit: Duration = .seconds(20)
    ) {
        self.path = path
        self.wrapping = wrapping
        self.lockLimit = lockLimit
    }

    /// A ring as it was read, and from which state of the file.
    struct Loaded {
        let ring: KeyRing
        /// What the file is sealed under; nil where it is not.
        let wrap: RingWrap?
        let identity: RingFileIdentity
    }

    /// Makes the file, mode 0600, with a new ring or the one given (a restored one).
    ///
    /// - Throws: `VaultError.ringExists`, `ringBusy`, `ringInaccessible`, `ringLocked`.
    package func create(_ ring: KeyRing? = nil) throws(VaultError) {
        try create(ring, wrap: try wrapping?.new())
    }

    func create(_ ring: KeyRing?, wrap: RingWrap?) throws(VaultError) {
        let ring = if let ring { ring } else { try KeyRing.generate() }
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        guard try status(of: path) == nil else { throw .ringExists(path: path) }
        try clear(newPath)
        try write(ring, wrap, like: nil, to: newPath)
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
        let names: [String] = [newPath, oldPath, recoveredPath]
        guard names.contains(where: { access($0, F_OK) == 0 }) else { return }
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        _ = try loadWithIdentity()
        try clearLeftovers()
    }

    /// Keeps others from changing the ring or its log meanwhile.
    func locked<Value>(_ body: () throws(VaultError) -> Value) throws(VaultError) -> Value {
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        return try body()
    }

    /// What an interrupted change may have left, which may be whole rings.
    var leftovers: [(name: String, file: KeyRingFile)] {
        [newPath, oldPath, recoveredPath].map { path in
            (
                (path as NSString).lastPathComponent,
                KeyRingFile(path: path, wrapping: wrapping, lockLimit: lockLimit)
            )
        }
    }

    /// Whose the file is.
    func owner() throws(VaultError) -> stat { try openForReading().status() }

    /// The identifier and generation that stand in the file's header, also where the rest is
    /// damaged or locked; nil for another kind of file.
    func publicHeader() throws(VaultError) -> (identifier: [UInt8], generation: UInt64)? {
        try openForReading().read(KeyRingFormat.publicHeaderCount).withBytes {
            KeyRingFormat.publicHeader(of: $0)
        }
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

    var newPath: String { path + ".new" }
    var oldPath: String { path + ".old" }
    var recoveredPath: String { path + ".recovered" }

    func takeLock() throws(VaultError) -> RingLock {
        try RingLock(path: path + ".lock", ring: path, within: lockLimit)
    }

    func openForReading() throws(VaultError) -> RingDescriptor {
        // Without O_NONBLOCK, opening a named pipe would wait for its other end.
        try RingDescriptor(path, O_RDONLY | O_NONBLOCK, operation: "open the key ring")
    }

    func check(_ status: stat) throws(VaultError) -> stat {
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .ringDamaged(path: path, what: "not a regular file")
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else { throw .ringTooOpen(path: path, mode: UInt32(mode)) }
        guard status.st_size <= WrappedRingFormat.maximumCount else {
            throw .ringDamaged(path: path, what: "too long")
        }
        return status
    }

    private func readOnce() throws(VaultError) -> Loaded {
        let file = try openForReading()
        let status = try check(file.status())
        let bytes = try file.read(Int(status.st_size))
        let header = bytes.withBytes { Array($0.prefix(KeyRingFormat.publicHeaderCount)) }
        let (ring, wrap) = try decode(bytes)
        return Loaded(ring: ring, wrap: wrap, identity: RingFileIdentity(status, header: header))
    }

    private func decode(_ bytes: SecretBytes) throws(VaultError) -> (KeyRing, RingWrap?) {
        do throws(KeyRingFormat.Fault) {
            guard KeyRingFormat.isWrapped(bytes) else {
                return (try KeyRingFormat.decode(bytes), nil)
            }
            let header = try WrappedRingFormat.header(bytes)
            let wrap: RingWrap
            do throws(VaultError) {
                wrap = try unlock(header)
            } catch {
                throw .locked(error)
            }
            guard let ring = try WrappedRingFormat.decode(bytes, key: wrap.key) else {
                throw .locked(
                    wrapping?.refuse(header, path: path)
                        ?? .ringLocked(path: path, reason: "the secret does not open it"))
            }
            return (ring, wrap)
        } catch {
            switch error {
            case .damaged(let what): throw .ringDamaged(path: path, what: what)
            case .unsupported(let version): throw .ringUnsupported(path: path, version: version)
            case .locked(let error): throw error
            }
        }
    }

    private func unlock(_ header: RingWrap.Header) throws(VaultError) -> RingWrap {
        guard let wrapping else {
            throw .ringLocked(
                path: path,
                reason: "it is wrapped: set PERMANODE_KEYRING_PASSPHRASE_FILE,"
                    + " PERMANODE_KEYRING_KEY_FILE or PERMANODE_KEYRING_COMMAND")
        }
        return try wrapping.wrap(header, path: path)
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
