import Foundation
import Testing
import Vault

/// Putting a copy of the ring in its place: never one that brings destroyed keys back.
@Suite struct KeyRingRestoreTests {
    private let ring: TemporaryRing
    private let copy: KeyRingFile
    private let gone = ChannelNumber.random()

    /// A ring in which `gone` is destroyed, and a copy with its log from before that.
    init() throws {
        ring = try TemporaryRing()
        let vault = try Vault(ring: ring.file)
        copy = KeyRingFile(path: ring.path + "-copy")
        #expect(try vault.backUp(to: copy.path).isCurrent)
        try vault.forget(gone)
    }

    private func refusal(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? VaultError)?.code
        }
    }

    @Test func aRingThatIsWholeIsNotReplacedByAnOlderOne() throws {
        let before = try ring.contents(of: ring.path)
        #expect(
            refusal { _ = try KeyRingRestore.restore(ring.file, from: copy) }
                == "vault.restore-refused")
        let other = try TemporaryRing()
        #expect(
            refusal { _ = try KeyRingRestore.restore(ring.file, from: other.file) }
                == "vault.restore-refused")
        #expect(try ring.contents(of: ring.path) == before)
    }

    @Test func aMissingRingIsRestoredWithWhatTheLogSays() throws {
        unlink(ring.path)
        let outcome = try KeyRingRestore.restore(ring.file, from: copy)
        #expect(outcome.replaced == .missing)
        #expect(outcome.puncturedAgain == 1)
        #expect(try Vault(ring: ring.file).isForgotten(gone))
    }

    @Test func aDamagedRingIsRestoredWithWhatTheLogSays() throws {
        try ring.write(Array(ring.contents(of: ring.path).dropLast()), to: ring.path)
        let outcome = try KeyRingRestore.restore(ring.file, from: copy)
        #expect(outcome.replaced == .damaged)
        #expect(outcome.puncturedAgain == 1)
        let vault = try Vault(ring: ring.file)
        #expect(vault.notices.isEmpty)
        #expect(try vault.isForgotten(gone))
    }

    @Test func withoutAnyLogItIsRefusedUnlessThatIsMeant() throws {
        unlink(ring.path)
        unlink(ring.path + ".forgotten")
        unlink(copy.path + ".forgotten")
        #expect(
            refusal { _ = try KeyRingRestore.restore(ring.file, from: copy) }
                == "vault.restore-refused")
        #expect(access(ring.path, F_OK) != 0)
        let outcome = try KeyRingRestore.restore(ring.file, from: copy, withoutLog: true)
        #expect(!outcome.hasLog)
        #expect(try !Vault(ring: ring.file).isForgotten(gone), "only the database knows")
    }

    @Test func aCopysLogIsTakenWhereTheRingsIsLost() throws {
        let vault = try Vault(ring: ring.file, copies: [copy])
        #expect(vault.updateCopies().allSatisfy { $0.isCurrent && $0.hasLog })
        unlink(ring.path)
        unlink(ring.path + ".forgotten")
        let outcome = try KeyRingRestore.restore(ring.file, from: copy)
        #expect(outcome.replaced == .missing)
        #expect(outcome.hasLog)
        let again = try Vault(ring: ring.file)
        #expect(again.notices.isEmpty)
        #expect(try again.isForgotten(gone))
        #expect(try again.logHead().sequence == 1)
    }

    @Test func aCopyThatForgotMoreTakesTheRingsPlace() throws {
        let more = ChannelNumber.random()
        let vault = try Vault(ring: ring.file, copies: [copy])
        #expect(vault.updateCopies().allSatisfy { $0.isCurrent })
        try Vault(ring: copy).forget(more)
        let outcome = try KeyRingRestore.restore(ring.file, from: copy)
        #expect(outcome.replaced == .older)
        #expect(outcome.recordsTaken == 1)
        let again = try Vault(ring: ring.file)
        #expect(try again.isForgotten(gone) && again.isForgotten(more))
        #expect(try again.logHead().sequence == 2)
        #expect(try KeyRingRestore.restore(ring.file, from: copy).replaced == .same)
    }
}
