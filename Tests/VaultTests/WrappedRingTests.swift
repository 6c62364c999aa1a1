import Foundation
import Secrets
import Testing
import Vault

/// A ring whose file is sealed under a passphrase, a key or what a command prints.
@Suite struct WrappedRingTests {
    /// So small that a derivation takes no time.
    private static let cost = PassphraseKey.Cost(passes: 1, memory: 8_192)

    private let ring: TemporaryRing
    private let secret: String
    private let month = Period(rawValue: 600)

    init() throws {
        ring = try TemporaryRing()
        secret = ring.path + "-secret"
        try ring.write(Array("correct horse\n".utf8), to: secret)
    }

    private func file(_ source: RingSecretSource, _ name: String = "wrapped") -> KeyRingFile {
        KeyRingFile(
            path: ring.folder.appendingPathComponent(name).path,
            wrapping: RingWrapping(source, cost: Self.cost))
    }

    private func place(_ channel: ChannelNumber) -> SealingContext {
        SealingContext(table: "t", column: "c", channel: channel, period: month, row: 1)
    }

    private func code(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return (error as? VaultError)?.code ?? "another"
        }
    }

    @Test func opensWithItsPassphraseAndNothingElse() throws {
        let file = file(.passphraseFile(secret))
        try file.create()
        let vault = try Vault(ring: file)
        #expect(vault.wrapKind == .passphrase)
        let (kept, gone) = (ChannelNumber.random(), ChannelNumber.random())
        let sealed = try vault.seal([3], place(kept))
        try vault.forget(gone)
        #expect(vault.wrapKind == .passphrase, "a change keeps it wrapped")
        let again = try Vault(ring: self.file(.passphraseFile(secret)))
        #expect(try again.open(sealed, place(kept)) == [3])
        #expect(try again.isForgotten(gone))
        #expect(again.ringIdentifier == vault.ringIdentifier)

        let locked = "vault.ring-locked"
        #expect(code { _ = try Vault(ring: KeyRingFile(path: file.path)) } == locked)
        try ring.write(Array("correct hors".utf8), to: secret + "2")
        #expect(code { _ = try Vault(ring: self.file(.passphraseFile(secret + "2"))) } == locked)
        #expect(code { _ = try Vault(ring: self.file(.keyFile(secret))) } == locked)
        #expect(code { _ = try Vault(ring: self.file(.passphraseFile(secret + "3"))) } == locked)
    }

    /// Nothing that the plain file would show but what tells its state from others.
    @Test func holdsNoKeyInTheClear() throws {
        let plain = try ring.contents(of: ring.path)
        let file = file(.passphraseFile(secret))
        try file.create(ring.file.load())
        let wrapped = try ring.contents(of: file.path)
        // The global key, and the root's.
        for range in [34..<66, 79..<111] {
            let key = Array(plain[range])
            let isThere = wrapped.indices.dropLast(31).contains {
                Array(wrapped[$0..<$0 + 32]) == key
            }
            #expect(!isThere)
        }
        #expect(wrapped[10..<34].elementsEqual(plain[10..<34]))
    }

    @Test func aCommandGivesTheKey() throws {
        let key = ring.path + "-key"
        try ring.write((0..<40).map { _ in UInt8.random(in: 32...126) }, to: key)
        let file = file(.command("/bin/cat \(key)"))
        try file.create()
        #expect(try Vault(ring: file).wrapKind == .key)
        // The same key from a file.
        #expect(try Vault(ring: self.file(.keyFile(key))).wrapKind == .key)
        for line in ["/bin/false", "cat \(key)", "/nowhere/cat \(key)", "/bin/cat \(secret)"] {
            let other = self.file(.command(line))
            #expect(code { _ = try Vault(ring: other) } == "vault.ring-locked", "\(line)")
        }
    }

    @Test func aCommandIsBoundedInTimeAndOutput() throws {
        #expect(throws: SecretsError.commandFailed(reason: "it did not end in time")) {
            try SecretCommand.read("/bin/sleep 60", within: .milliseconds(50))
        }
        #expect(throws: SecretsError.self) { try SecretCommand.read("/bin/cat /dev/zero") }
        #expect(throws: SecretsError.self) { try SecretCommand.read("/bin/true") }
        // No shell looks at it.
        let printed = try SecretCommand.read("/bin/echo $HOME;id")
        #expect(printed.withBytes { Array($0) } == Array("$HOME;id".utf8))
    }

    @Test func aCommandSeesNoVariableOfThisProgram() throws {
        setenv("PERMANODE_TEST_WRAPPED", "1", 1)
        let all = try SecretCommand.read("/usr/bin/env")
        let text = String(decoding: all.withBytes { Array($0) }, as: UTF8.self)
        #expect(text.contains("PATH="))
        #expect(!text.contains("PERMANODE_"))
    }

    @Test func rotatingWrapsRingAndCopiesAnew() throws {
        let (file, copy) = (file(.passphraseFile(secret)), file(.passphraseFile(secret), "copy"))
        try file.create()
        let running = try Vault(ring: file, freshness: .zero)
        #expect(try running.backUp(to: copy.path).isCurrent)
        let kept = ChannelNumber.random()
        let sealed = try running.seal([3], place(kept))
        let probe = file.path + "-probe"
        #expect(link(file.path, probe) == 0)

        let vault = try Vault(ring: file, copies: [copy])
        let key = ring.path + "-key"
        try ring.write((0..<32).map { _ in UInt8.random(in: 32...126) }, to: key)
        let change = try vault.rotate(RingWrapping(.keyFile(key)))
        #expect(change.lateCopies.isEmpty)
        #expect(vault.wrapKind == .key)
        #expect(try ring.contents(of: probe).allSatisfy { $0 == 0 }, "the old wrap is overwritten")
        for name in ["wrapped", "copy"] {
            let again = try Vault(ring: self.file(.keyFile(key), name))
            #expect(try again.open(sealed, place(kept)) == [3])
            #expect(
                code { _ = try Vault(ring: self.file(.passphraseFile(secret), name)) }
                    == "vault.ring-locked")
        }
        #expect(
            code { _ = try running.open(sealed, place(kept)) } == "vault.ring-locked",
            "it cannot tell whether its ring is current")
        // And back to nothing.
        let last = try Vault(
            ring: self.file(.keyFile(key)), copies: [self.file(.keyFile(key), "copy")])
        #expect(try last.rotate(nil).lateCopies.isEmpty)
        #expect(try Vault(ring: KeyRingFile(path: file.path)).open(sealed, place(kept)) == [3])
        #expect(try Vault(ring: KeyRingFile(path: copy.path)).wrapKind == .none)
    }

    @Test func aRingThatShouldBeWrappedSaysSo() throws {
        let file = KeyRingFile(
            path: ring.path, wrapping: RingWrapping(.passphraseFile(secret), cost: Self.cost))
        let vault = try Vault(ring: file)
        #expect(vault.notices == [.notWrapped])
        #expect(vault.wrapKind == .none)
        _ = try vault.rotate(RingWrapping(.passphraseFile(secret), cost: Self.cost))
        #expect(try Vault(ring: file).notices.isEmpty)
    }

    /// Cut or changed anywhere it is damaged, not locked: the way out is another.
    @Test func damageIsToldFromAWrongSecret() throws {
        let file = file(.passphraseFile(secret))
        try file.create()
        let whole = try ring.contents(of: file.path)
        for count in 0..<whole.count {
            try ring.write(Array(whole.prefix(count)), to: file.path)
            #expect(code { _ = try file.load() } == "vault.ring-damaged")
        }
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1 << UInt8.random(in: 0..<8)
            try ring.write(changed, to: file.path)
            let found = code { _ = try file.load() }
            #expect(
                found == "vault.ring-damaged"
                    || found == "vault.ring-unsupported" && 8..<10 ~= index, "byte \(index)")
        }
    }

    /// A second's work for a passphrase is done once, not at each look at the ring.
    @Test func theKeyIsDerivedOnce() throws {
        let file = file(.passphraseFile(secret))
        try file.create()
        let vault = try Vault(ring: file, freshness: .zero)
        unlink(secret)
        for _ in 0..<5 {
            try vault.forget(.random())
            try vault.refresh()
        }
        #expect(try vault.backUp(to: file.path + "-copy").isCurrent)
    }
}
