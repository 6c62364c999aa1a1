import Foundation
import Secrets

/// Putting another ring in the place of the one on disk.
extension KeyRingFile {
    /// What a file is wrapped under after a change.
    enum WrapChoice {
        case asItIs
        case under(RingWrap?)
    }

    /// Changes the ring under the lock. When this returns, the ring that `body` gave is durable,
    /// and the one before is overwritten as far as the file system allows; also where `body`
    /// gave back the ring that it got, because an earlier change may have stopped half-way.
    ///
    /// - Parameter wrap: what the file is to be wrapped under; `asItIs` if not given.
    @discardableResult
    func change(
        wrap: WrapChoice = .asItIs, _ body: (KeyRing) throws(VaultError) -> KeyRing
    ) throws(VaultError) -> Loaded {
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        let loaded = try loadWithIdentity()
        try clearLeftovers()
        let changed = try body(loaded.ring)
        let newWrap =
            switch wrap {
            case .asItIs: loaded.wrap
            case .under(let wrap): wrap
            }
        guard
            changed.generation != loaded.ring.generation
                || changed.tree.paths != loaded.ring.tree.paths
                || newWrap?.header != loaded.wrap?.header
        else {
            try openForReading().synchronize()
            try synchronizeDirectory()
            return loaded
        }
        return try exchange(changed, newWrap)
    }

    /// Puts a ring in the place of whatever is there, under the lock.
    @discardableResult
    func replace(with ring: KeyRing, wrap: RingWrap?) throws(VaultError) -> Loaded {
        try locked { () throws(VaultError) in
            try clearLeftovers()
            return try exchange(ring, wrap)
        }
    }

    /// The same where the file is still damaged; otherwise the ring that another process has put
    /// there.
    func replaceDamaged(with ring: KeyRing, wrap: RingWrap?) throws(VaultError) -> Loaded {
        try locked { () throws(VaultError) in
            do throws(VaultError) {
                return try loadWithIdentity()
            } catch {
                guard case .ringDamaged = error else { throw error }
            }
            // What lies about may be all that `ring` can be read from, so it stays until the new
            // file is whole.
            let ownPath = recoveredPath
            try clear(ownPath)
            let owner = try openForReading().status()
            try write(ring, wrap, like: owner, to: ownPath)
            if owner.st_mode & S_IFMT == S_IFREG { try overwrite(path, Int(owner.st_size)) }
            guard rename(ownPath, path) == 0 else { throw .system(path, "replace the key ring") }
            try synchronizeDirectory()
            try clearLeftovers()
            return Loaded(ring: ring, wrap: wrap, identity: try identity())
        }
    }

    private func exchange(_ ring: KeyRing, _ wrap: RingWrap?) throws(VaultError) -> Loaded {
        let owner = try openForReading().status()
        do {
            try write(ring, wrap, like: owner, to: newPath)
        } catch {
            try? clear(newPath)
            throw error
        }
        try nameOld()
        try putInPlace()
        try clear(oldPath)
        try synchronizeDirectory()
        return Loaded(ring: ring, wrap: wrap, identity: try identity())
    }

    func write(
        _ ring: KeyRing, _ wrap: RingWrap?, like model: stat?, to path: String
    ) throws(VaultError) {
        let file = try RingDescriptor(
            path, O_WRONLY | O_CREAT | O_EXCL, operation: "create \(path)")
        try file.restrict(like: model)
        let bytes: SecretBytes
        do throws(SecretsError) {
            bytes =
                if let wrap { try WrappedRingFormat.encode(ring, wrap) } else {
                    KeyRingFormat.encode(ring)
                }
        } catch {
            throw .ringLocked(path: path, reason: error.operatorText)
        }
        try bytes.withBytes { bytes throws(VaultError) in try file.write(bytes) }
        try file.synchronize()
    }

    private func nameOld() throws(VaultError) {
        guard link(path, oldPath) != 0 else { return }
        // A file system without hard links: the old blocks cannot be reached after the rename.
        guard errno == EPERM || errno == ENOTSUP || errno == EOPNOTSUPP else {
            throw .system(oldPath, "name the old key ring")
        }
    }

    func putInPlace() throws(VaultError) {
        guard rename(newPath, path) == 0 else { throw .system(path, "replace the key ring") }
        try synchronizeDirectory()
    }

    func synchronizeDirectory() throws(VaultError) {
        try RingDescriptor.synchronizeFolder(of: path)
    }

    func clearLeftovers() throws(VaultError) {
        try clear(newPath)
        try clear(oldPath)
        try clear(recoveredPath)
    }

    /// Overwrites and removes a file, if it is there. Where it is another name of the ring itself
    /// (a change was stopped after its second step), removes the name only.
    func clear(_ leftover: String) throws(VaultError) {
        guard let found = try status(of: leftover) else { return }
        let ring = try status(of: path)
        if ring.map(FileNumber.init) != FileNumber(found) {
            try overwrite(leftover, Int(found.st_size))
        }
        guard unlink(leftover) == 0 else { throw .system(leftover, "remove the old key ring") }
    }

    /// Of the file itself, also of a symbolic link; nil where there is none.
    func status(of path: String) throws(VaultError) -> stat? {
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
