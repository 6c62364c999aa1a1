import Secrets
import Testing

@Suite struct AEADTests {
    /// draft-irtf-cfrg-xchacha-03, A.3.1.
    @Test func opensTheDraftsExample() throws {
        let key = SecretBytes(copying: (0x80...0x9f).map(UInt8.init))
        let nonce = (0x40...0x57).map(UInt8.init)
        let associatedData = try Hex.decode("50515253c0c1c2c3c4c5c6c7")
        let ciphertext = try Hex.decode(
            """
            bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb\
            731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452\
            2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9\
            21f9664c97637da9768812f615c68b13b52e
            """)
        let tag = try Hex.decode("c0875924c1c7987947deafd8780acf49")
        let text = """
            Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the \
            future, sunscreen would be it.
            """
        let opened = try AEAD.open(
            nonce + ciphertext + tag, key: key, associatedData: associatedData)
        #expect(String(decoding: opened, as: UTF8.self) == text)
    }

    @Test(arguments: [0, 1, 15, 16, 17, 63, 64, 65, 1_000, 70_000])
    func opensWhatItSealed(_ count: Int) throws {
        let key = SecretBytes.random(AEAD.keyCount)
        let plaintext = randomBytes(count)
        let sealed = try AEAD.seal(plaintext, key: key, associatedData: [1, 2])
        #expect(sealed.count == count + AEAD.overhead)
        #expect(try AEAD.open(sealed, key: key, associatedData: [1, 2]) == plaintext)
        let secret = try AEAD.openSecret(sealed, key: key, associatedData: [1, 2])
        #expect(secret == SecretBytes(copying: plaintext))
        let resealed = try AEAD.seal(secret, key: key, associatedData: [])
        #expect(try AEAD.open(resealed, key: key, associatedData: []) == plaintext)
        #expect(resealed != sealed)
    }

    @Test func refusesEveryChangedBitAndEveryCut() throws {
        let key = SecretBytes.random(AEAD.keyCount)
        let sealed = try AEAD.seal([1, 2, 3, 4, 5], key: key, associatedData: [9])
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: SecretsError.wrongKeyOrDamaged) {
                try AEAD.open(changed, key: key, associatedData: [9])
            }
        }
        for count in 0..<sealed.count {
            #expect(throws: SecretsError.wrongKeyOrDamaged) {
                try AEAD.open(Array(sealed.prefix(count)), key: key, associatedData: [9])
            }
        }
    }

    @Test func refusesAnotherKeyOrPlace() throws {
        let key = SecretBytes.random(AEAD.keyCount)
        let sealed = try AEAD.seal([1], key: key, associatedData: [9])
        for associatedData: [UInt8] in [[], [8], [9, 9]] {
            #expect(throws: SecretsError.wrongKeyOrDamaged) {
                try AEAD.open(sealed, key: key, associatedData: associatedData)
            }
        }
        #expect(throws: SecretsError.wrongKeyOrDamaged) {
            try AEAD.openSecret(sealed, key: .random(AEAD.keyCount), associatedData: [9])
        }
    }

    @Test func refusesKeysOfAnotherLength() {
        let error = SecretsError.wrongLength(of: "key", expected: 32, actual: 31)
        #expect(throws: error) {
            try AEAD.seal([1], key: .random(31), associatedData: [])
        }
        #expect(throws: error) {
            try AEAD.open(randomBytes(60), key: .random(31), associatedData: [])
        }
    }
}
