import NTRU
import Secrets
import Ternary
import Testing

/// What the devices' library made, byte for byte.
@Suite struct VectorTests {
    private let vectors: NTRUVectors

    init() throws { vectors = try NTRUVectors.read() }

    @Test func aSeedGivesTheSameKeys() throws {
        #expect(vectors.seeded.count >= 4)
        for vector in vectors.seeded {
            let key = try privateKey(seed: vector.seed)
            #expect(Hex.encode(key.publicKey.packed) == vector.public)
            #expect(Hex.encode(key.packed) == vector.private)
        }
    }

    @Test func onlySixtyFourCharactersOfASeedCount() throws {
        let seed = try #require(vectors.seeded.first).seed
        let key = try privateKey(seed: seed)
        #expect(try privateKey(seed: String(seed.prefix(64)) + "9").publicKey == key.publicKey)
        let changed = seed.prefix(63) + (seed.dropFirst(63).first == "A" ? "B" : "A")
        #expect(try privateKey(seed: String(changed)).publicKey != key.publicKey)
        #expect(throws: NTRUError.tooShort(.seed, needed: 64, actual: 63)) {
            try privateKey(seed: String(seed.prefix(63)))
        }
    }

    @Test func keysAreReadAsTheyAreWritten() throws {
        for vector in vectors.seeded {
            let key = try privateKey(packed: Hex.decode(vector.private))
            #expect(Hex.encode(key.packed) == vector.private)
            let publicKey = try PublicKey(packed: Hex.decode(vector.public))
            #expect(publicKey == key.publicKey)
            #expect(publicKey.trytes.count == 2744)
            #expect(try PublicKey(trytes: publicKey.trytes) == publicKey)
        }
    }

    @Test func ciphertextsOpenAndAreMadeAgain() throws {
        var count = 0
        for vector in vectors.seeded {
            let key = try privateKey(packed: Hex.decode(vector.private))
            for encrypted in vector.encrypted {
                let ciphertext = try Hex.decode(encrypted.ciphertext)
                let opened = try key.decrypt(ciphertext, .real)
                #expect(opened.plaintext == Array(encrypted.plaintext.utf8))
                let again = try key.publicKey.encrypt(opened.plaintext, .real) {
                    $0.copyBytes(from: opened.blinding)
                }
                #expect(again == ciphertext)
                let trytes = TravellingBytes.trytes(ciphertext)
                #expect(trytes.count == 2728)
                #expect(try key.decrypt(trytes, .real).plaintext == opened.plaintext)
                count += 1
            }
        }
        #expect(count >= 20)
    }

    @Test func aCiphertextOpensUnderNoOtherKey() throws {
        let keys = try vectors.seeded.map { try privateKey(seed: $0.seed) }
        for (number, vector) in vectors.seeded.enumerated() {
            let ciphertext = try Hex.decode(try #require(vector.encrypted.first).ciphertext)
            for (other, key) in keys.enumerated() where other != number {
                #expect(throws: NTRUError.undecryptable) { try key.decrypt(ciphertext, .real) }
            }
        }
    }

    @Test func tamperedCiphertextsAreRefusedWithoutSayingWhy() throws {
        #expect(vectors.tampered.count >= 10)
        for vector in vectors.tampered {
            let key = try privateKey(packed: Hex.decode(vector.private))
            #expect(throws: NTRUError.undecryptable, "\(vector.why)") {
                try key.decrypt(Hex.decode(vector.ciphertext), .real)
            }
        }
    }

    @Test func spareBitsDoNotCount() throws {
        let vector = try #require(vectors.seeded.first)
        let encrypted = try #require(vector.encrypted.first)
        let key = try privateKey(seed: vector.seed)
        var ciphertext = try Hex.decode(encrypted.ciphertext)
        ciphertext[ciphertext.count - 1] |= 7
        #expect(try key.decrypt(ciphertext, .real).plaintext == Array(encrypted.plaintext.utf8))
    }
}
