import Secrets
import Testing

@Suite struct HashingTests {
    private let key = SecretBytes(copying: (0..<32).map(UInt8.init))

    /// RFC 7693, appendix A.
    @Test func blake2bGivesTheRFCsExample() throws {
        #expect(
            Hex.encode(Digest.blake2b(Array("abc".utf8), count: .sixtyFour)) == """
                ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1\
                7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923
                """)
    }

    /// FIPS 180-4's example, and the hash of nothing.
    @Test func sha256GivesItsExamples() {
        #expect(
            Hex.encode(Digest.sha256(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Hex.encode(Digest.sha256([]))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    /// Figures from Python's hashlib.
    @Test func keyedBlake2bAgreesWithAnotherImplementation() {
        let message = Array("message".utf8)
        #expect(
            Hex.encode(KeyedHash.blake2b(message, key: key, count: .sixteen))
                == "bd34a421575627a37294bc37ba686f61")
        #expect(
            Hex.encode(KeyedHash.blake2b(message, key: key))
                == "2615bcafac3ebcd31940a8f15d876916435d805823d2db78c201a8e94624a0ae")
        let long = SecretBytes(copying: (0..<100).map(UInt8.init))
        #expect(
            Hex.encode(KeyedHash.blake2b(message, key: long))
                == "c0f03c614f831479d976300f7b89ec193fe69fd0e5a19259b36e2956efc61102")
    }

    /// Figures from Python's hashlib, with the subkey as salt and the context as personalisation.
    @Test func derivationAgreesWithAnotherImplementation() throws {
        func derived(_ subkey: UInt64, _ context: StaticString) throws -> String {
            let secret = try KeyDerivation.derive(
                from: key, subkey: subkey, context: .init(context))
            return Hex.encode(secret.withBytes(Array.init))
        }
        #expect(
            try derived(0, "pmn.tree")
                == "aa771e37bb216daad1589622b192ff5e075813f6319dcbc4c62d96995151c1fe")
        #expect(
            try derived(1, "pmn.tree")
                == "6126f2d23494d796e73746bdeb8fad3a6de6c88bd40cb6fe7f6f15df1f72187b")
        #expect(
            try derived(0x0102_0304_0506_0708, "KDF_CTX!")
                == "f75f0e301f2cae54467cbdb00883ac7fd16474751d5ab9bd2d8af683b4e14d9f")
    }

    @Test func derivationInPlaceGivesTheSame() throws {
        let context = KeyDerivation.Context("pmn.tree")
        let expected = try KeyDerivation.derive(from: key, subkey: 7, context: context)
        var memory = key.withBytes(Array.init)
        memory.withUnsafeMutableBytes { memory in
            guard let start = memory.baseAddress else { return }
            KeyDerivation.derive(from: start, subkey: 7, context: context, into: start)
        }
        #expect(SecretBytes(copying: memory) == expected)
    }

    @Test func derivationRefusesOtherLengths() {
        #expect(throws: SecretsError.wrongLength(of: "parent key", expected: 32, actual: 16)) {
            try KeyDerivation.derive(from: .random(16), subkey: 0, context: .init("x"))
        }
    }

    /// Figure from OpenSSL's Argon2id: 2 passes, 64 KiB, one lane.
    @Test func passphraseKeyAgreesWithAnotherImplementation() throws {
        let passphrase = SecretBytes(copying: "correct horse")
        let salt = (0..<16).map(UInt8.init)
        let cost = PassphraseKey.Cost(passes: 2, memory: 65_536)
        let derived = try PassphraseKey.derive(from: passphrase, salt: salt, cost: cost)
        #expect(
            Hex.encode(derived.withBytes(Array.init))
                == "9c87c06898bc18516669b54a8b95d36e622946494d7a55c26f391a0406068c19")
        #expect(throws: SecretsError.wrongLength(of: "salt", expected: 16, actual: 3)) {
            try PassphraseKey.derive(from: passphrase, salt: [1, 2, 3], cost: cost)
        }
    }

    @Test func comparesBytes() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(constantTimeEqual([], []))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
    }
}
