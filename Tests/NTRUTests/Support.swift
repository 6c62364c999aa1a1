import NTRU
import Secrets
import TestSupport

extension Hashing {
    static let real = Hashing { Digest.sha256($0, into: $1) }
}

/// `ntru.json`: what the library made that the devices use.
struct NTRUVectors: Decodable {
    struct Encrypted: Decodable {
        let plaintext: String
        let ciphertext: String
    }

    struct Seeded: Decodable {
        let seed: String
        let `public`: String
        let `private`: String
        let encrypted: [Encrypted]
    }

    struct Tampered: Decodable {
        let `private`: String
        let ciphertext: String
        let why: String
    }

    let seeded: [Seeded]
    let tampered: [Tampered]

    static func read() throws -> NTRUVectors {
        try Fixture.json("ntru.json", as: NTRUVectors.self)
    }
}

/// The key pair that the devices' library makes from a seed.
func privateKey(seed: String) throws -> PrivateKey {
    try Array(seed.utf8).withUnsafeBytes { try PrivateKey(seed: $0, .real) }
}

func privateKey(packed: [UInt8]) throws -> PrivateKey {
    try packed.withUnsafeBytes { try PrivateKey(packed: $0) }
}

extension PrivateKey {
    var packed: [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Self.packedCount)
        bytes.withUnsafeMutableBytes { copyPacked(to: $0) }
        return bytes
    }
}
