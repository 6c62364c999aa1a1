import Foundation
import Synchronization
import Testing
import Vault

/// Several vaults on one ring, as several processes have them: nothing but the file is shared.
@Suite struct SharedRingTests {
    private let ring: TemporaryRing

    init() throws {
        ring = try TemporaryRing()
    }

    private func place(_ channel: ChannelNumber) -> SealingContext {
        SealingContext(
            table: "t", column: "c", channel: channel, period: Period(rawValue: 600), row: 1)
    }

    @Test func whatOneForgetsTheOtherForgets() throws {
        let first = try Vault(ring: ring.file)
        let second = try Vault(ring: ring.file, freshness: .zero)
        let gone = try second.newChannelNumber()
        let sealed = try second.seal([1], place(gone))
        #expect(try second.open(sealed, place(gone)) == [1])
        try first.forget(gone)
        #expect(throws: VaultError.forgotten(gone)) { try second.open(sealed, place(gone)) }
        #expect(second.generation == first.generation)
    }

    @Test func aVaultLooksByItselfWithinASecond() throws {
        let first = try Vault(ring: ring.file)
        let second = try Vault(ring: ring.file)
        let gone = try second.newChannelNumber()
        let sealed = try second.seal([1], place(gone))
        try first.forget(gone)
        let deadline = ContinuousClock.now + .seconds(1)
        while (try? second.open(sealed, place(gone))) != nil, ContinuousClock.now < deadline {
            usleep(5_000)
        }
        #expect(throws: VaultError.forgotten(gone)) { try second.open(sealed, place(gone)) }
    }

    @Test func changesOfTwoVaultsAreAllKept() async throws {
        let vaults = [
            try Vault(ring: ring.file, freshness: .zero),
            try Vault(ring: ring.file, freshness: .zero),
        ]
        let kept = try vaults[0].newChannelNumber()
        let sealed = try vaults[0].seal([9], place(kept))
        let numbers = (0..<60).map { _ in ChannelNumber.random() }
        let stillOpens = try await withThrowingTaskGroup(of: Bool.self) { group in
            for (index, number) in numbers.enumerated() {
                group.addTask {
                    try vaults[index % 2].forget(number)
                    return try vaults[(index + 1) % 2].isForgotten(number)
                }
                group.addTask { try vaults[index % 2].open(sealed, place(kept)) == [9] }
            }
            return try await group.reduce(true) { $0 && $1 }
        }
        #expect(stillOpens)
        #expect(Set(numbers).count == numbers.count)
        let third = try Vault(ring: ring.file)
        for vault in vaults + [third] {
            try vault.refresh()
            #expect(vault.generation == 61, "one for each change, none lost")
            for number in numbers { #expect(try vault.isForgotten(number)) }
        }
        #expect(ring.names == ["keyring", "keyring.forgotten", "keyring.lock"])
    }

    @Test func waitsForTheLockAndSaysWhoHasIt() throws {
        let file = KeyRingFile(path: ring.path, lockLimit: .milliseconds(20))
        let vault = try Vault(ring: file)
        let number = ChannelNumber.random()
        let lock = open(ring.path + ".lock", O_RDWR)
        #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
        #expect(throws: VaultError.ringBusy(path: ring.path + ".lock")) { try vault.forget(number) }
        #expect(try !vault.isForgotten(number), "reading needs no lock")
        close(lock)
        try vault.forget(number)
        #expect(try vault.isForgotten(number))
    }

    @Test(.enabled(if: geteuid() == 0)) func aRingChangedByRootStaysItsOwners() throws {
        let owner: uid_t = 12_345
        #expect(chown(ring.path, owner, owner) == 0)
        try Vault(ring: ring.file).forget(.random())
        for path in [ring.path, ring.path + ".lock"] {
            var status = stat()
            #expect(lstat(path, &status) == 0)
            #expect(status.st_uid == owner && status.st_gid == owner)
            #expect(status.st_mode & 0o7777 == 0o600)
        }
    }

    @Test func twoForgettingTheSameDoItOnce() async throws {
        let number = ChannelNumber.random()
        let file = ring.file
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask { try Vault(ring: file).forget(number) }
            }
            try await group.waitForAll()
        }
        #expect(try ring.file.load().generation == 2)
    }

    @Test func anOlderRingIsNotAccepted() throws {
        let vault = try Vault(ring: ring.file, freshness: .zero)
        let gone = ChannelNumber.random()
        let kept = ChannelNumber.random()
        let sealed = try vault.seal([1], place(kept))
        let older = try ring.contents(of: ring.path)
        try vault.forget(gone)
        let newer = try ring.contents(of: ring.path)

        try ring.write(older, to: ring.path)
        let error = VaultError.ringWentBack(path: ring.path, held: 2, found: 1)
        #expect(throws: error) { try vault.open(sealed, place(kept)) }
        #expect(throws: error) { try vault.refresh() }
        #expect(throws: error) { try vault.forget(kept) }
        #expect(throws: error) { try vault.isForgotten(gone) }
        try ring.write(newer, to: ring.path)
        #expect(try vault.open(sealed, place(kept)) == [1])
        #expect(try vault.isForgotten(gone))
    }

    /// Two copies of a ring, each with something else forgotten: as old as each other, and each
    /// would bring back what the other forgot.
    @Test func aRingThatWentAnotherWayIsNotAccepted() throws {
        let copy = KeyRingFile(path: ring.path + "-copy")
        try copy.create(ring.file.load())
        let vault = try Vault(ring: ring.file, freshness: .zero)
        try vault.forget(.random())
        try Vault(ring: copy).forget(.random())
        try ring.write(ring.contents(of: copy.path), to: ring.path)
        #expect(throws: VaultError.ringWentBack(path: ring.path, held: 2, found: 2)) {
            try vault.refresh()
        }
    }

    @Test func withoutItsRingAVaultStopsAnswering() throws {
        let vault = try Vault(ring: ring.file, freshness: .zero)
        let kept = try vault.newChannelNumber()
        let sealed = try vault.seal([1], place(kept))
        let whole = try ring.contents(of: ring.path)

        unlink(ring.path)
        #expect(throws: VaultError.ringMissing(path: ring.path)) {
            try vault.open(sealed, place(kept))
        }
        try ring.write(Array(whole.dropLast()), to: ring.path)
        #expect(throws: VaultError.ringDamaged(path: ring.path, what: "wrong length")) {
            try vault.open(sealed, place(kept))
        }
        let another = try TemporaryRing()
        try ring.write(another.contents(of: another.path), to: ring.path)
        #expect(throws: VaultError.ringReplaced(path: ring.path)) {
            try vault.open(sealed, place(kept))
        }
        try ring.write(whole, to: ring.path)
        #expect(try vault.open(sealed, place(kept)) == [1])
    }

    @Test func noticesWhenOthersMayReadTheRing() throws {
        let vault = try Vault(ring: ring.file, freshness: .zero)
        let number = try vault.newChannelNumber()
        #expect(chmod(ring.path, 0o644) == 0)
        #expect(throws: VaultError.ringTooOpen(path: ring.path, mode: 0o644)) {
            try vault.seal([1], place(number))
        }
    }

    @Test func aReaderNeverSeesAHalfWrittenRing() async throws {
        let file = ring.file
        let vault = try Vault(ring: file)
        let isDone = Mutex(false)
        let failure = Mutex<(any Error)?>(nil)
        let writer = Thread {
            do {
                // Bounded, should the reader never be done.
                for _ in 0..<20_000 where !isDone.withLock({ $0 }) { try vault.forget(.random()) }
            } catch {
                failure.withLock { $0 = error }
            }
        }
        writer.start()
        defer { isDone.withLock { $0 = true } }
        var latest: UInt64 = 0
        var states: Set<UInt64> = []
        let deadline = ContinuousClock.now + .seconds(60)
        while states.count < 20, ContinuousClock.now < deadline {
            let generation = try file.load().generation
            #expect(generation >= latest)
            latest = generation
            states.insert(generation)
        }
        #expect(states.count == 20)
        isDone.withLock { $0 = true }
        while !writer.isFinished, ContinuousClock.now < deadline { usleep(1_000) }
        #expect(failure.withLock { $0 } == nil)
    }
}
