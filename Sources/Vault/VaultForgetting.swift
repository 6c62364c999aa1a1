import Secrets

/// Forgetting, the log of it, and the copies of the ring.
extension Vault {
    /// Forgets a channel: every key beneath its number, for good.
    @discardableResult
    package func forget(_ channel: ChannelNumber) throws(VaultError) -> RingChange {
        try forget([.channel(channel)])
    }

    /// Forgets one period of a channel, for good.
    @discardableResult
    package func forget(_ channel: ChannelNumber, _ period: Period) throws(VaultError) -> RingChange
    {
        try forget([.period(channel, period)])
    }

    /// Forgets, for good and all at once: the forget log first, then the ring, then its copies.
    /// When this returns it is durable, and no vault of any process derives the keys later than
    /// its `freshness`. Forgetting again is harmless.
    ///
    /// - Returns: Which copies of the ring have forgotten it, too. One that cannot be reached
    ///   does not keep the forget from being done; `updateCopies` tries again.
    /// - Throws: `VaultError.nothingToForget` for no scope or an empty one; `ringBusy`, `ringFull`,
    ///   `logFull`, or those of reading and writing a ring and its log. After an error it may
    ///   have been done or not; call it again.
    @discardableResult
    package func forget(_ scopes: [ForgetScope]) throws(VaultError) -> RingChange {
        try forgetWithoutCopies(scopes)
        return RingChange(generation: generation, copies: updateCopies())
    }

    /// Forgets, but leaves the copies of the ring to `updateCopies`, which may take seconds: for
    /// who holds a lock.
    package func forgetWithoutCopies(_ scopes: [ForgetScope]) throws(VaultError) {
        try puncture(scopes) { ring, holes throws(VaultError) in
            holes.filter { !ring.tree.isPunctured($0) }
        }
    }

    /// Forgets, and makes sure that the log names it also where the ring has forgotten it before:
    /// for a log that was lost or restored from an older copy.
    @discardableResult
    package func forgetAndLog(_ scopes: [ForgetScope]) throws(VaultError) -> RingChange {
        try puncture(scopes) { [log] _, holes throws(VaultError) in
            var logged: [TreePath] = []
            try log.scan { record throws(VaultError) in
                if case .punctured(let path) = record.content { logged.append(path) }
            }
            let covered = KeyTree.outermost(logged)
            return Set(holes).filter { !KeyTree.covers(covered, $0) }.sorted()
        }
        return RingChange(generation: generation, copies: updateCopies())
    }

    private func puncture(
        _ scopes: [ForgetScope],
        unlogged: (KeyRing, [TreePath]) throws(VaultError) -> [TreePath]
    ) throws(VaultError) {
        let paths = scopes.map(\.paths)
        guard !paths.isEmpty, paths.allSatisfy({ !$0.isEmpty }) else { throw .nothingToForget }
        let holes = paths.flatMap { $0 }
        try change { ring throws(VaultError) in
            let missing = try unlogged(ring, holes)
            // A ring that has no room must not be told of by the log, from which it is punctured
            // whenever it is opened.
            let punctured = try ring.punctured(holes)
            if !missing.isEmpty { try log.append(missing.map { .punctured($0) }) }
            return punctured
        }
    }

    /// Writes tombstones to the forget log; durable when this returns. Repeats are harmless.
    ///
    /// - Parameter hashes: as `tombstoneHash` gives them.
    /// - Returns: The log's head after them.
    @discardableResult
    package func logTombstones(_ hashes: [[UInt8]]) throws(VaultError) -> ForgetLogHead {
        try log(hashes.map { .tombstone($0) })
    }

    /// Writes records to the forget log; durable when this returns. Repeats are harmless. Not for
    /// destroyed keys: those go with `forget`.
    ///
    /// - Returns: The log's head after them.
    @discardableResult
    package func log(_ contents: [ForgetLogRecord.Content]) throws(VaultError) -> ForgetLogHead {
        try file.locked { () throws(VaultError) in try log.append(contents) }
    }

    /// How far the forget log goes now.
    package func logHead() throws(VaultError) -> ForgetLogHead {
        try log.scan(after: log.head).head
    }

    /// The head that the log had when it had so many records; nil where it has fewer.
    package func logHead(at sequence: UInt64) throws(VaultError) -> ForgetLogHead? {
        try log.head(at: sequence)
    }

    /// The records after a head (nil: all), in order and in bounded memory; at most `limit`.
    ///
    /// - Returns: The head after the last of them.
    @discardableResult
    package func readLog(
        after head: ForgetLogHead?, limit: Int = .max,
        _ body: (ForgetLogRecord) throws(VaultError) -> Void
    ) throws(VaultError) -> ForgetLogHead {
        try log.scan(after: head, limit: limit, body).head
    }

    /// The configured copies of the ring and whether they are current; reads each of them.
    package func copies() -> [RingCopy] { copyFiles.look(original) }

    /// Brings every copy up to date that can be reached. Where nothing has changed since the last
    /// time this looks at each file's header only.
    @discardableResult
    package func updateCopies() -> [RingCopy] { copyFiles.update(original) }

    /// Wraps the ring's file, and then its copies, under a new key.
    ///
    /// - Parameter wrapping: nil: no longer wrapped.
    /// - Returns: How that went with the copies. One that was not reached keeps its old key.
    package func rotate(_ wrapping: RingWrapping?) throws(VaultError) -> RingChange {
        try change(wrap: .under(try wrapping?.new())) { $0 }
        return RingChange(generation: generation, copies: updateCopies())
    }

    /// Writes a copy of the ring and of its log to a place of one's own; one that is there is
    /// brought up to date.
    package func backUp(to path: String) throws(VaultError) -> RingCopy {
        let copy = KeyRingFile(path: path, wrapping: file.wrapping)
        try refresh()
        do throws(VaultError) {
            try copy.create(currentRing, wrap: currentWrap)
        } catch {
            guard case .ringExists = error else { throw error }
        }
        return RingCopies([copy]).update(original).first
            ?? RingCopy(name: path, standing: .unreachable, generation: nil)
    }

    /// How the ring's file is wrapped.
    package var wrapKind: RingWrapKind {
        switch currentWrap?.header.kind {
        case nil: .none
        case .passphrase: .passphrase
        case .key: .key
        }
    }

    private var original: RingCopies.Original {
        RingCopies.Original(
            ring: { [self] () throws(VaultError) in
                try refresh()
                return currentRing
            }, wrap: currentWrap, log: log)
    }
}

/// What a ring's file is wrapped under.
package enum RingWrapKind: String, Sendable, Codable {
    case none, passphrase, key
}
