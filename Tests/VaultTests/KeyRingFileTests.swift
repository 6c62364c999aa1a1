import Foundation
import Secrets
import Testing
import Vault

@Suite struct KeyRingFileTests {
    @Test func isCreatedForTheOwnerAloneAndOnce() throws {
        let ring = try TemporaryRing()
        var status = stat()
        #expect(lstat(ring.path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o600)
        let before = try ring.contents(of: ring.path)
        #expect(throws: VaultError.ringExists(path: ring.path)) { try ring.file.create() }
        #expect(try ring.contents(of: ring.path) == before)
        #expect(ring.names == ["keyring", "keyring.lock"])
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o602, 0o601, 0o644, 0o666] as [mode_t])
    func isRefusedWhenOthersReachIt(_ mode: mode_t) throws {
        let ring = try TemporaryRing()
        #expect(chmod(ring.path, mode) == 0)
        let error = VaultError.ringTooOpen(path: ring.path, mode: UInt32(mode))
        #expect(throws: error) { try ring.file.load() }
        #expect(throws: error) { try Vault(ring: ring.file) }
        #expect(error.operatorText.contains("chmod 600 \(ring.path)"))
        #expect(chmod(ring.path, 0o400) == 0)
        #expect(try ring.file.load().generation == 1)
    }

    @Test func saysWhatIsWrongWithWhatIsNoRing() throws {
        let ring = try TemporaryRing()
        let missing = KeyRingFile(path: ring.path + "-not")
        #expect(throws: VaultError.ringMissing(path: missing.path)) { try missing.load() }
        #expect(throws: VaultError.ringMissing(path: missing.path)) { try Vault(ring: missing) }
        let folder = KeyRingFile(path: ring.folder.path)
        #expect(throws: VaultError.ringDamaged(path: folder.path, what: "not a regular file")) {
            try folder.load()
        }
        let linked = KeyRingFile(path: ring.path + "-link")
        try FileManager.default.createSymbolicLink(
            atPath: linked.path, withDestinationPath: ring.path)
        #expect(throws: VaultError.self) { try linked.load() }
        let nowhere = KeyRingFile(path: "/nowhere/keyring")
        #expect {
            try nowhere.create()
        } throws: { error in
            (error as? VaultError)?.code == "vault.ring-inaccessible"
        }
    }

    @Test func isFoundOutWhereverItIsTorn() throws {
        let ring = try TemporaryRing()
        try Vault(ring: ring.file).forget(.random())
        let whole = try ring.contents(of: ring.path)
        #expect(whole.count == 102 + 48 * 41)
        let copy = KeyRingFile(path: ring.path + "-copy")
        func outcome(_ bytes: [UInt8]) throws -> String {
            try ring.write(bytes, to: copy.path)
            do {
                _ = try copy.load()
                return "read"
            } catch {
                return error.code
            }
        }
        #expect(try outcome(whole) == "read")
        for count in 0..<whole.count {
            #expect(try outcome(Array(whole.prefix(count))) == "vault.ring-damaged")
        }
        for index in whole.indices {
            var changed = whole
            changed[index] ^= 1 << UInt8.random(in: 0..<8)
            let expected = 8..<10 ~= index ? "vault.ring-unsupported" : "vault.ring-damaged"
            #expect(try outcome(changed) == expected)
        }
        for part in stride(from: 0, to: whole.count, by: 50) {
            // What a crash in the middle of writing in place would leave.
            let zeros = [UInt8](repeating: 0, count: whole.count - part)
            #expect(try outcome(whole.prefix(part) + zeros) == "vault.ring-damaged")
        }
        #expect(try outcome(whole + [0]) == "vault.ring-damaged")
    }

    /// A right checksum does not make a right ring: paths are checked one by one.
    @Test func refusesNodesThatCannotBe() throws {
        let ring = try TemporaryRing()
        try Vault(ring: ring.file).forget(.random())
        let whole = try ring.contents(of: ring.path)
        func altered(_ alter: (inout [UInt8]) -> Void) throws {
            var body = Array(whole.dropLast(32))
            alter(&body)
            try ring.write(body + Digest.blake2b(body), to: ring.path)
        }
        try altered { _ in }
        #expect(try ring.file.load().generation == 2)
        let first = 70
        let alterations: [(inout [UInt8]) -> Void] = [
            { $0[first + 8] = 65 },  // deeper than a leaf
            { $0[first + 8] = 0 },  // the root, above all others
            { $0[first + 7] |= 1 },  // a bit beyond the depth
            { body in for i in 0..<41 { body.swapAt(first + i, first + 41 + i) } },
            { body in for i in 0..<41 { body[first + 41 + i] = body[first + i] } },
            { $0[66] = 0xFF },  // four thousand million nodes
        ]
        for alteration in alterations {
            try altered(alteration)
            #expect {
                try ring.file.load()
            } throws: { error in
                (error as? VaultError)?.code == "vault.ring-damaged"
            }
        }
    }

    @Test func comesBackAsItWasWritten() throws {
        let ring = try TemporaryRing()
        let vault = try Vault(ring: ring.file)
        let forgotten = try vault.newChannelNumber()
        try vault.forget(forgotten)
        let copy = KeyRingFile(path: ring.path + "-copy")
        let original = try ring.file.load()
        try copy.create(original)
        let again = try copy.load()
        #expect(again.identifier == original.identifier)
        #expect(again.generation == 2)
        #expect(again.tree.paths == original.tree.paths)
        #expect(try ring.contents(of: copy.path) == ring.contents(of: ring.path))
        #expect(try Vault(ring: copy).isForgotten(forgotten))
    }

    @Test func keepsKeysOutOfDescriptions() throws {
        let ring = try TemporaryRing()
        let loaded = try ring.file.load()
        let bytes = try ring.contents(of: ring.path)
        let secret = Array(bytes[34..<66])
        let texts = [
            "\(loaded)", String(reflecting: loaded), "\(loaded.tree)",
        ]
        for text in texts {
            #expect(text.contains("(secret)"))
            #expect(!text.contains(Hex.encode(secret)))
            #expect(!text.contains(secret.map(String.init).joined(separator: ", ")))
        }
        func arrays(_ value: Any) -> [[UInt8]] {
            if let bytes = value as? [UInt8] { return [bytes] }
            return Mirror(reflecting: value).children.flatMap { arrays($0.value) }
        }
        #expect(arrays(loaded) == [loaded.identifier])
    }
}
