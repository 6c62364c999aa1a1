import Foundation
import Testing
import Vault

/// What lies about when a process is killed in the middle of a change, and what follows.
@Suite struct InterruptedChangeTests {
    private let ring: TemporaryRing
    private let forgotten = ChannelNumber.random()

    init() throws {
        ring = try TemporaryRing()
    }

    private func isZeros(_ path: String) throws -> Bool {
        let bytes = try ring.contents(of: path)
        return !bytes.isEmpty && bytes.allSatisfy { $0 == 0 }
    }

    @Test func aChangeOverwritesTheRingBefore() throws {
        let vault = try Vault(ring: ring.file)
        // Another name of the old file, to see what becomes of its blocks.
        let probe = ring.path + "-probe"
        #expect(link(ring.path, probe) == 0)
        try vault.forget(forgotten)
        #expect(try isZeros(probe))
        #expect(try ring.file.load().generation == 2)
        #expect(ring.names == ["keyring", "keyring.forgotten", "keyring.lock", "keyring-probe"])
    }

    @Test func stoppedWhileTheNewRingWasWritten() throws {
        let whole = try ring.contents(of: ring.path)
        try ring.write(Array(whole.prefix(40)), to: ring.path + ".new")
        let probe = ring.path + "-probe"
        #expect(link(ring.path + ".new", probe) == 0)
        let vault = try Vault(ring: ring.file)
        #expect(try isZeros(probe))
        #expect(ring.names == ["keyring", "keyring.forgotten", "keyring.lock", "keyring-probe"])
        #expect(try ring.contents(of: ring.path) == whole)
        try vault.forget(forgotten)
        #expect(vault.generation == 2)
    }

    @Test func stoppedWhenTheRingHadTwoNames() throws {
        let whole = try ring.contents(of: ring.path)
        #expect(link(ring.path, ring.path + ".old") == 0)
        let vault = try Vault(ring: ring.file)
        #expect(try ring.contents(of: ring.path) == whole, "the ring itself is not overwritten")
        #expect(ring.names == ["keyring", "keyring.forgotten", "keyring.lock"])
        #expect(link(ring.path, ring.path + ".old") == 0)
        try vault.forget(forgotten)
        #expect(try ring.file.load().generation == 2)
        #expect(ring.names == ["keyring", "keyring.forgotten", "keyring.lock"])
    }

    @Test func theLastWholeCopyIsLeftAlone() throws {
        let whole = try ring.contents(of: ring.path)
        try ring.write(whole, to: ring.path + ".old")
        try ring.write(Array(whole.dropLast()), to: ring.path)
        // Without a log nothing says what the copy would bring back.
        #expect(throws: VaultError.ringDamaged(path: ring.path, what: "wrong length")) {
            try Vault(ring: ring.file)
        }
        #expect(unlink(ring.path) == 0)
        #expect(throws: VaultError.ringMissing(path: ring.path)) { try Vault(ring: ring.file) }
        #expect(try ring.contents(of: ring.path + ".old") == whole)
    }

    /// Cut or changed at every byte, the ring is replaced by the one before it, in which what was
    /// forgotten since is destroyed again.
    @Test func tornAnywhereTheRingBeforeItIsUsed() throws {
        let before = try ring.contents(of: ring.path)
        try Vault(ring: ring.file).forget(forgotten)
        let whole = try ring.contents(of: ring.path)
        let tree = try ring.file.load().tree
        func recover(_ damaged: [UInt8]) throws -> Bool {
            try ring.write(damaged, to: ring.path)
            try ring.write(before, to: ring.path + ".old")
            let vault = try Vault(ring: ring.file)
            return try vault.notices == [.recovered(from: "keyring.old")]
                && vault.isForgotten(forgotten)
                && ring.file.load().tree.paths == tree.paths
                && ring.names == ["keyring", "keyring.forgotten", "keyring.lock"]
        }
        // At every byte of what has a meaning of its own, and at some of the 48 nodes.
        let places =
            Array(0..<120) + stride(from: 120, to: whole.count - 33, by: 41)
            + Array(whole.count - 33..<whole.count)
        for count in places {
            #expect(try recover(Array(whole.prefix(count))), "cut at \(count)")
        }
        for index in places where !(8..<10 ~= index) {
            var changed = whole
            changed[index] ^= 1 << UInt8.random(in: 0..<8)
            #expect(try recover(changed), "changed at \(index)")
        }
    }

    @Test func stoppedBeforeTheOldRingWasOverwritten() throws {
        let before = try ring.contents(of: ring.path)
        try Vault(ring: ring.file).forget(forgotten)
        try ring.write(before, to: ring.path + ".old")
        let probe = ring.path + "-probe"
        #expect(link(ring.path + ".old", probe) == 0)
        // The one who asked does not know that it was done, and asks again.
        let vault = try Vault(ring: ring.file)
        try vault.forget(forgotten)
        #expect(try isZeros(probe))
        #expect(ring.names == ["keyring", "keyring.forgotten", "keyring.lock", "keyring-probe"])
        #expect(vault.generation == 2)
        #expect(try vault.isForgotten(forgotten))
    }
}
