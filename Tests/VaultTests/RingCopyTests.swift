import Foundation
import Secrets
import Testing
import Vault

/// Copies of the ring: a forget reaches them, or says which it did not reach.
@Suite struct RingCopyTests {
    private let ring: TemporaryRing
    private let elsewhere: TemporaryRing

    init() throws {
        ring = try TemporaryRing()
        elsewhere = try TemporaryRing()
    }

    private func copy(_ name: String) throws -> KeyRingFile {
        let file = KeyRingFile(path: elsewhere.folder.appendingPathComponent(name).path)
        try file.create(ring.file.load())
        return file
    }

    @Test func aForgetPuncturesEachCopy() throws {
        let files = try [copy("one"), copy("two")]
        let vault = try Vault(ring: ring.file, copies: files)
        #expect(vault.copies().map(\.standing) == [.current, .current])
        // Another name of the old copy, to see what becomes of its blocks.
        let probe = files[0].path + "-probe"
        #expect(link(files[0].path, probe) == 0)
        let gone = ChannelNumber.random()
        let change = try vault.forget(gone)
        #expect(change.generation == 2)
        #expect(change.copies.map(\.name) == ["one", "two"])
        #expect(change.lateCopies.isEmpty)
        #expect(change.copies.allSatisfy { $0.hasLog && $0.generation == 2 })
        for file in files {
            #expect(try ring.contents(of: file.path) == ring.contents(of: ring.path))
            #expect(
                try ring.contents(of: file.path + ".forgotten")
                    == ring.contents(of: ring.path + ".forgotten"))
            var status = stat()
            #expect(lstat(file.path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o600)
        }
        #expect(try ring.contents(of: probe).allSatisfy { $0 == 0 })
        #expect(try ring.contents(of: probe).count > 0)
    }

    /// Somebody else is at the copy for longer than anybody waits.
    @Test func aCopyThatDoesNotAnswerKeepsNeitherTheForgetNorTheOthers() throws {
        let (near, far) = try (copy("near"), copy("far"))
        let vault = try Vault(ring: ring.file, copies: [far, near])
        let gone = ChannelNumber.random()
        let lock = open(far.path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        let change = try vault.forget(gone)
        #expect(change.copies.map(\.name) == ["far", "near"])
        #expect(change.copies.map(\.standing) == [.unreachable, .current])
        #expect(try vault.isForgotten(gone))
        #expect(try near.load().tree.isPunctured(TreePath(gone)))
        #expect(try !far.load().tree.isPunctured(TreePath(gone)))
        close(lock)
        // Who waited for it goes on by himself.
        let deadline = ContinuousClock.now + .seconds(60)
        while vault.updateCopies().map(\.standing) != [.current, .current],
            ContinuousClock.now < deadline
        { usleep(10_000) }
        #expect(try far.load().tree.isPunctured(TreePath(gone)))
    }

    @Test func anUnreachableCopyIsNamedAndCaughtUpLater() throws {
        let (near, far) = try (copy("near"), copy("far"))
        let away = far.path + "-away"
        let vault = try Vault(ring: ring.file, copies: [near, far])
        #expect(rename(far.path, away) == 0)
        let gone = ChannelNumber.random()
        let change = try vault.forget(gone)
        #expect(try vault.isForgotten(gone))
        #expect(change.lateCopies.map(\.name) == ["far"])
        #expect(change.lateCopies.map(\.standing) == [.missing])
        #expect(access(far.path, F_OK) != 0, "no copy is made where a disk may be missing")

        #expect(rename(away, far.path) == 0)
        #expect(vault.copies().map(\.standing) == [.current, .behind])
        #expect(vault.copies().map(\.generation) == [2, 1])
        #expect(vault.updateCopies().map(\.standing) == [.current, .current])
        #expect(try far.load().tree.isPunctured(TreePath(gone)))
        #expect(vault.updateCopies().map(\.standing) == [.current, .current])
        // A copy that is put back to an older one is found although nothing changed here.
        let older = try ring.contents(of: near.path)
        try vault.forget(.random())
        try ring.write(older, to: near.path)
        #expect(vault.copies().map(\.standing) == [.behind, .current])
        #expect(vault.updateCopies().map(\.standing) == [.current, .current])
        #expect(try near.load().generation == 3)
    }

    @Test func whatIsNotThisRingIsNeverReplaced() throws {
        let note = elsewhere.folder.appendingPathComponent("note").path
        try ring.write(Array("not a ring, but something dear".utf8), to: note)
        let open = try copy("open")
        #expect(chmod(open.path, 0o640) == 0)
        let files = [elsewhere.file, KeyRingFile(path: note), open]
        let before = try files.map { try ring.contents(of: $0.path) }
        let vault = try Vault(ring: ring.file, copies: files)
        let change = try vault.forget(.random())
        #expect(change.lateCopies.map(\.standing) == [.unusable, .unusable, .unusable])
        #expect(try files.map { try ring.contents(of: $0.path) } == before)
        #expect(change.lateCopies.allSatisfy { $0.detail?.isEmpty == false })
    }

    @Test func aTornCopyIsMadeWhole() throws {
        let file = try copy("torn")
        let whole = try ring.contents(of: file.path)
        try ring.write(Array(whole.dropLast(9)), to: file.path)
        let vault = try Vault(ring: ring.file, copies: [file])
        #expect(vault.copies().map(\.standing) == [.unusable])
        #expect(try vault.forget(.random()).lateCopies.isEmpty)
        #expect(try file.load().generation == 2)
    }

    /// A copy that has forgotten more than the ring: that one was restored from an older copy, and
    /// putting it over the other would bring back what was forgotten.
    @Test func aCopyThatIsAheadIsLeftAlone() throws {
        let file = try copy("ahead")
        let gone = ChannelNumber.random()
        try Vault(ring: file).forget(gone)
        let vault = try Vault(ring: ring.file, copies: [file])
        #expect(vault.copies().map(\.standing) == [.ahead])
        #expect(try vault.forget(.random()).lateCopies.map(\.standing) == [.ahead])
        #expect(try file.load().tree.isPunctured(TreePath(gone)))
    }

    @Test func copiesOfOneNameAreToldApart() throws {
        let other = elsewhere.folder.appendingPathComponent("b")
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: false)
        let files = [
            KeyRingFile(path: elsewhere.folder.appendingPathComponent("keyring-copy").path),
            KeyRingFile(path: other.appendingPathComponent("keyring-copy").path),
        ]
        let copies = try Vault(ring: ring.file, copies: files).copies()
        #expect(copies.map(\.name) == ["keyring-copy", "keyring-copy (2)"])
    }

    /// Torn anywhere, the ring is replaced by a copy, with what the copy does not know of
    /// destroyed in it before anything is served.
    @Test func aDamagedRingIsReplacedByACopyAndTheLog() throws {
        let file = try copy("spare")
        let older = try ring.contents(of: file.path)
        let vault = try Vault(ring: ring.file, copies: [file])
        let (gone, kept) = (ChannelNumber.random(), ChannelNumber.random())
        let place = SealingContext(
            table: "t", column: "c", channel: kept, period: Period(rawValue: 600), row: 1)
        let sealed = try vault.seal([5], place)
        try vault.forget(gone)
        try vault.forget(.random())
        let whole = try ring.contents(of: ring.path)
        let log = try ring.contents(of: ring.path + ".forgotten")
        func recover(_ damaged: [UInt8]) throws {
            try ring.write(damaged, to: ring.path)
            try ring.write(older, to: file.path)
            try ring.write(log, to: ring.path + ".forgotten")
            let probe = ring.path + "-probe"
            unlink(probe)
            #expect(link(ring.path, probe) == 0)
            let vault = try Vault(ring: ring.file, copies: [file])
            #expect(vault.notices == [.recovered(from: "spare")])
            #expect(try vault.isForgotten(gone))
            #expect(try vault.open(sealed, place) == [5])
            #expect(try ring.contents(of: probe).allSatisfy { $0 == 0 })
            #expect(
                try ring.file.load().tree.paths == KeyRingFile(path: ring.path).load().tree.paths)
        }
        for count in stride(from: 0, to: whole.count, by: 397) {
            try recover(Array(whole.prefix(count)))
        }
        for index in stride(from: 0, to: whole.count, by: 389) where !(8..<10 ~= index) {
            var changed = whole
            changed[index] ^= 0x10
            try recover(changed)
        }
        // Without the log nobody could tell what the copy would bring back.
        try ring.write(Array(whole.dropLast()), to: ring.path)
        unlink(ring.path + ".forgotten")
        #expect(throws: VaultError.ringDamaged(path: ring.path, what: "wrong length")) {
            try Vault(ring: ring.file, copies: [file])
        }
        // Nor with a damaged one.
        var damagedLog = log
        damagedLog[100] ^= 1
        try ring.write(damagedLog, to: ring.path + ".forgotten")
        #expect(throws: VaultError.self) { try Vault(ring: ring.file, copies: [file]) }
    }
}
