import Foundation
import Secrets

/// Keeping the copy of the log that lies beside a copy of the ring complete.
extension ForgetLog {
    private func mirrorLog(_ ringPath: String) -> ForgetLog {
        ForgetLog(path: Self.path(ofRing: ringPath), format: format)
    }

    /// Whether the log beside a copy has all that this one has.
    func isMirrored(besideRing ringPath: String) -> Bool {
        guard let head else { return false }
        return (try? mirrorLog(ringPath).head(at: head.sequence)) == head
    }

    /// Brings the log beside a copy of the ring up to this one's head.
    ///
    /// - Throws: `VaultError.logWentBack` where that log has records that this one lacks: then
    ///   this one is the older copy.
    func mirror(besideRing ringPath: String) throws(VaultError) {
        guard let known = head else { return }
        // Another process may have written to both meanwhile.
        let head = try scan(after: known).head
        let target = mirrorLog(ringPath)
        let lock = try RingLock(path: ringPath + ".lock", ring: ringPath, within: .seconds(20))
        defer { withExtendedLifetime(lock) {} }
        var end: ForgetLogHead?
        do {
            end = try target.scan().head
        } catch .ringMissing {
        } catch .logDamaged(_, let record, _) where record > 0 {
            // It can be seen to be a log of this ring, and this one is whole.
        }
        guard let end else {
            return try replaceMirror(target, upTo: head)
        }
        guard end.sequence <= head.sequence, try self.head(at: end.sequence) == end else {
            throw .logWentBack(path: path)
        }
        try target.append([])  // cuts what is torn
        try copy(from: end.sequence, to: head.sequence, into: target.path)
    }

    private func replaceMirror(_ target: ForgetLog, upTo head: ForgetLogHead) throws(VaultError) {
        let newPath = target.path + ".new"
        unlink(newPath)
        do {
            let file = try RingDescriptor(
                newPath, O_WRONLY | O_CREAT | O_EXCL, operation: "create the forget log")
            try file.restrict(like: nil)
            try Self.write(format.header, to: file)
        }
        try copy(from: 0, to: head.sequence, into: newPath)
        guard rename(newPath, target.path) == 0 else {
            throw .system(target.path, "create the forget log")
        }
        try RingDescriptor.synchronizeFolder(of: target.path)
    }

    /// Copies whole records, byte for byte, in bounded memory.
    private func copy(
        from first: UInt64, to last: UInt64, into targetPath: String
    ) throws(VaultError) {
        let source = try RingDescriptor(path, O_RDONLY, operation: "open the forget log")
        let target = try RingDescriptor(targetPath, O_WRONLY, operation: "open the forget log")
        let start = Self.offset(after: first)
        try source.seek(to: start)
        try target.seek(to: start)
        var left = Self.offset(after: last) - start
        while left > 0 {
            let part = try source.read(min(left, 65_536))
            guard part.count > 0 else { throw .logWentBack(path: path) }
            try part.withBytes { bytes throws(VaultError) in try target.write(bytes) }
            left -= part.count
        }
        try target.synchronize()
    }
}
