import Foundation
import Secrets
import Testing
import Vault

/// The log beside the ring: what it says, what of it is noticed when it is torn or damaged, and
/// what a ring without it would have brought back.
@Suite struct ForgetLogTests {
    private let ring: TemporaryRing
    private var logPath: String { ring.path + ".forgotten" }

    init() throws {
        ring = try TemporaryRing()
    }

    private func records(_ vault: Vault) throws -> [ForgetLogRecord.Content] {
        var found: [ForgetLogRecord.Content] = []
        try vault.readLog(after: nil) { found.append($0.content) }
        return found
    }

    private func hash(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 32) }

    @Test func saysInOrderWhatWasForgotten() throws {
        let vault = try Vault(ring: ring.file)
        let (first, second) = (ChannelNumber.random(), ChannelNumber.random())
        let month = Period(rawValue: 600)
        try vault.logTombstones([hash(1), hash(2)])
        try vault.forget(first)
        try vault.forget([.before(second, Period(rawValue: 5))])
        try vault.forget(second, month)
        let expected: [ForgetLogRecord.Content] =
            [.tombstone(hash(1)), .tombstone(hash(2)), .punctured(TreePath(first))]
            + TreePath.before(Period(rawValue: 5), of: second).map { .punctured($0) }
            + [.punctured(TreePath(second, month))]
        #expect(try records(vault) == expected)
        var status = stat()
        #expect(lstat(logPath, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        #expect(Int(status.st_size) == 64 * (expected.count + 1))
        // Forgetting again adds nothing: retention says every month what it said before, and more.
        try vault.forget(first)
        try vault.forget([.before(second, Period(rawValue: 5))])
        #expect(try records(vault) == expected)
        try vault.forget([.before(second, Period(rawValue: 6))])
        #expect(try records(vault).count == expected.count + 1)
        #expect(try records(Vault(ring: ring.file)) == records(vault))
    }

    @Test func everyKindOfRecordIsReadAsItWasWritten() throws {
        let vault = try Vault(ring: ring.file)
        let channels = [ChannelNumber(rawValue: 0), ChannelNumber(rawValue: (1 << 48) - 1)]
        let contents: [ForgetLogRecord.Content] =
            [
                .tombstone(hash(1)), .lifted(hash(1), time: 1), .buriedAgain(hash(1), lifts: 1),
                .lifted(hash(2), time: .max), .buriedAgain(hash(2), lifts: .max),
            ] + (channels + [.random()]).compactMap { $0 }.map { .partlyForgotten(hash(3), of: $0) }
        try vault.log(contents)
        #expect(try records(vault) == contents)
        #expect(try records(Vault(ring: ring.file)) == contents)
        let states = contents.compactMap(TombstoneState.init)
        #expect(states.map(\.version) == [1, 2, 3, Int64(Int32.max) * 2, Int64(Int32.max) * 2 + 1])
        #expect(states.map(\.stands) == [true, false, true, false, true])
        #expect(states.map(\.content) == Array(contents.prefix(5)))
    }

    @Test func severalVaultsAppendInTurns() async throws {
        let file = ring.file
        let vaults = try [Vault(ring: file), Vault(ring: file)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try vaults[number % 2].logTombstones([
                        [UInt8](repeating: UInt8(number), count: 32)
                    ])
                }
            }
            try await group.waitForAll()
        }
        let found = try records(vaults[0])
        #expect(Set(found) == Set((0..<40).map { .tombstone(hash($0)) }))
        #expect(found.count == 40)
        #expect(try vaults[0].logHead() == vaults[1].logHead())
        #expect(try vaults[0].logHead(at: 40) == vaults[1].logHead())
        #expect(try vaults[0].logHead(at: 41) == nil)
    }

    @Test func anOlderRingIsPuncturedAgainBeforeAnythingIsServed() throws {
        let older = try ring.contents(of: ring.path)
        let vault = try Vault(ring: ring.file)
        let (gone, kept) = (ChannelNumber.random(), ChannelNumber.random())
        let month = Period(rawValue: 600)
        let place = SealingContext(table: "t", column: "c", channel: kept, period: month, row: 1)
        let sealed = try vault.seal([7], place)
        try vault.forget(gone)
        try vault.forget(kept, Period(rawValue: 601))
        let tree = try ring.file.load().tree
        try ring.write(older, to: ring.path)
        #expect(throws: VaultError.self, "a running vault refuses it") { try vault.refresh() }

        let again = try Vault(ring: ring.file)
        #expect(again.notices == [.puncturedAgain(count: 2)])
        #expect(try again.isForgotten(gone))
        #expect(try again.isForgotten(kept, Period(rawValue: 601)))
        #expect(try again.open(sealed, place) == [7])
        #expect(try ring.file.load().tree.paths == tree.paths)
        #expect(try Vault(ring: ring.file).notices.isEmpty)
        try vault.refresh()
        #expect(try vault.open(sealed, place) == [7], "it is the same ring again")
    }

    @Test func whatWasLoggedIsForgottenEvenIfTheRingWasNotReached() throws {
        let vault = try Vault(ring: ring.file)
        let gone = ChannelNumber.random()
        let before = try ring.contents(of: ring.path)
        try vault.forget(gone)
        // As a kill between the log and the ring leaves it.
        try ring.write(before, to: ring.path)
        #expect(try Vault(ring: ring.file).isForgotten(gone))
    }

    /// Cut at every byte: what was acknowledged before the cut is there, a part of a record is cut
    /// off, and the log goes on.
    @Test func aTornEndIsCutOff() throws {
        let vault = try Vault(ring: ring.file)
        try vault.logTombstones([hash(1)])
        try vault.logTombstones([hash(2), hash(3), hash(4)])
        let whole = try ring.contents(of: logPath)
        #expect(whole.count == 64 * 5)
        for count in 64...whole.count {
            try ring.write(Array(whole.prefix(count)), to: logPath)
            let vault = try Vault(ring: ring.file)
            let torn = count % 64
            #expect(vault.notices == (torn == 0 ? [] : [.logCut(bytes: torn)]))
            let left = (0..<(count / 64 - 1)).map {
                ForgetLogRecord.Content.tombstone(hash(UInt8($0) + 1))
            }
            #expect(try records(vault) == left)
            try vault.logTombstones([hash(9)])
            #expect(try records(vault) == left + [.tombstone(hash(9))])
        }
        for count in 0..<64 {
            try ring.write(Array(whole.prefix(count)), to: logPath)
            #expect(throws: VaultError.self) { try Vault(ring: ring.file) }
        }
    }

    /// A crash may leave the end of a batch on the disk and not its middle.
    @Test func aBatchWithoutItsEndIsCutOff() throws {
        let vault = try Vault(ring: ring.file)
        try vault.logTombstones([hash(1)])
        try vault.logTombstones([hash(2), hash(3), hash(4), hash(5)])
        var bytes = try ring.contents(of: logPath).dropLast(64)
        for index in 64 * 3..<64 * 4 { bytes[index] = 0 }
        try ring.write(Array(bytes), to: logPath)
        let again = try Vault(ring: ring.file)
        #expect(again.notices == [.logCut(bytes: 128)])
        #expect(try records(again) == [.tombstone(hash(1)), .tombstone(hash(2))])
    }

    /// A bit flipped at every byte: an error, or the last record is cut; never another content.
    @Test func damageIsNoticedWhereverItIs() throws {
        let vault = try Vault(ring: ring.file)
        for number in 1...4 { try vault.logTombstones([hash(UInt8(number))]) }
        let whole = try ring.contents(of: logPath)
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1 << UInt8.random(in: 0..<8)
            try ring.write(changed, to: logPath)
            if index >= 64 * 4 {
                let vault = try Vault(ring: ring.file)
                #expect(vault.notices == [.logCut(bytes: 64)])
                #expect(try records(vault) == (1...3).map { .tombstone(hash($0)) })
                continue
            }
            do {
                _ = try Vault(ring: ring.file)
                Issue.record("byte \(index) was changed, and nobody noticed")
            } catch VaultError.logDamaged(logPath, let record, _) {
                #expect(record == UInt64(index / 64))
            } catch VaultError.ringUnsupported(logPath, _) {
                #expect(8..<10 ~= index)
            }
        }
    }

    @Test func anotherRingsLogIsRefused() throws {
        let other = try TemporaryRing()
        try Vault(ring: other.file).forget(.random())
        _ = try Vault(ring: ring.file)
        try ring.write(other.contents(of: other.path + ".forgotten"), to: logPath)
        #expect(
            throws: VaultError.logDamaged(
                path: logPath, record: 0, what: "it belongs to another key ring")
        ) { try Vault(ring: ring.file) }
    }

    @Test func aLogThatOthersReachIsRefused() throws {
        _ = try Vault(ring: ring.file)
        #expect(chmod(logPath, 0o644) == 0)
        #expect(throws: VaultError.ringTooOpen(path: logPath, mode: 0o644)) {
            try Vault(ring: ring.file)
        }
    }

    @Test func aRunningVaultRefusesAnOlderLog() throws {
        let vault = try Vault(ring: ring.file)
        try vault.logTombstones([hash(1)])
        let older = try ring.contents(of: logPath)
        try vault.logTombstones([hash(2)])
        try ring.write(older, to: logPath)
        let gone = ChannelNumber.random()
        #expect(throws: VaultError.logWentBack(path: logPath)) { try vault.forget(gone) }
        #expect(throws: VaultError.logWentBack(path: logPath)) { try vault.logHead() }
        #expect(try !vault.isForgotten(gone))
    }

    @Test func aMissingLogIsBegunAnewAndSaid() throws {
        let vault = try Vault(ring: ring.file)
        let gone = ChannelNumber.random()
        try vault.forget(gone)
        unlink(logPath)
        let again = try Vault(ring: ring.file)
        #expect(again.notices == [.logMissing(path: logPath)])
        try again.forget(gone)
        #expect(try records(again).isEmpty, "the ring has it already")
        try again.forgetAndLog([.channel(gone)])
        try again.forgetAndLog([.channel(gone)])
        #expect(try records(again) == [.punctured(TreePath(gone))])
    }

    @Test func withoutRoomForTheLogNothingIsForgotten() throws {
        let vault = try Vault(ring: ring.file)
        let gone = ChannelNumber.random()
        #expect(chmod(logPath, 0o600) == 0)
        unlink(logPath)
        #expect(mkdir(logPath, 0o700) == 0)
        #expect(throws: VaultError.self) { try vault.forget(gone) }
        #expect(try !vault.isForgotten(gone))
        #expect(try ring.file.load().generation == 1)
    }
}
