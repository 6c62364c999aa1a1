import Secrets
import Testing

@Suite struct SigningKeyTests {
    struct Example: Sendable {
        let seed, publicKey, message, signature: String
    }

    /// RFC 8032, section 7.1, tests 1 and 2.
    static let examples = [
        Example(
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            message: "",
            signature: """
                e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
                """),
        Example(
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            message: "72",
            signature: """
                92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
                """),
    ]

    @Test(arguments: examples)
    func signsTheRFCsExamples(_ example: Example) throws {
        let key = try SigningKey(seed: SecretBytes(copying: Hex.decode(example.seed)))
        let message = try Hex.decode(example.message)
        let signature = key.sign(message)
        #expect(Hex.encode(key.publicKey) == example.publicKey)
        #expect(Hex.encode(signature) == example.signature)
        #expect(SigningKey.verify(signature, of: message, publicKey: key.publicKey))
    }

    @Test func verifiesNothingElse() throws {
        let key = try SigningKey(seed: .random(SigningKey.seedCount))
        let other = try SigningKey(seed: .random(SigningKey.seedCount))
        let signature = key.sign([1, 2, 3])
        #expect(!SigningKey.verify(signature, of: [1, 2, 4], publicKey: key.publicKey))
        #expect(!SigningKey.verify(signature, of: [1, 2, 3], publicKey: other.publicKey))
        #expect(!SigningKey.verify([], of: [1, 2, 3], publicKey: key.publicKey))
        #expect(!SigningKey.verify(signature, of: [1, 2, 3], publicKey: []))
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 1
            #expect(!SigningKey.verify(changed, of: [1, 2, 3], publicKey: key.publicKey))
        }
    }

    @Test func refusesSeedsOfAnotherLength() {
        #expect(throws: SecretsError.wrongLength(of: "seed", expected: 32, actual: 31)) {
            try SigningKey(seed: .random(31))
        }
    }

    @Test func staysOutOfDescriptions() throws {
        let key = try SigningKey(seed: .random(SigningKey.seedCount))
        var dumped = ""
        dump(key, to: &dumped)
        #expect(dumped.contains("secretKey: (secret)"))
        #expect("\(key)".contains("(secret)"))
    }
}
