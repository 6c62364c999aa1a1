import NTRU
import Secrets
import Ternary

/// The keys to which owners encrypt side keys: making, encrypting, decrypting.
enum NTRUFigures {
    /// Bytes of a side key of the usual length.
    private static let plaintextCount = 81

    static func measure() throws -> [Figure] {
        let hashing = Hashing { Digest.sha256($0, into: $1) }
        let seed = [UInt8](repeating: UInt8(ascii: "S"), count: PrivateKey.seedCount)
        let key = try privateKey(seed, hashing)
        let plaintext = [UInt8](repeating: UInt8(ascii: "K"), count: plaintextCount)
        let blinding = randomBytes(64)
        let ciphertext = try encrypt(plaintext, key, blinding, hashing)
        guard try key.decrypt(ciphertext, hashing).plaintext == plaintext else {
            throw BenchError("a ciphertext opens to something else")
        }
        let product = plainProductSeconds()
        let rows: [(String, Double)] = try [
            ("NTRU key pairs made", Timing.seconds { _ = try privateKey(seed, hashing) }),
            (
                "side keys encrypted",
                Timing.seconds { _ = try encrypt(plaintext, key, blinding, hashing) }
            ),
            ("side keys decrypted", Timing.seconds { _ = try key.decrypt(ciphertext, hashing) }),
        ]
        return rows.map { name, seconds in
            Figure(
                name, 1 / seconds, "a second, one core",
                comparedWith: ("products of two polynomials, as defined", 1 / product))
        }
    }

    private static func privateKey(_ seed: [UInt8], _ hashing: Hashing) throws -> PrivateKey {
        try seed.withUnsafeBytes { try PrivateKey(seed: $0, hashing) }
    }

    private static func encrypt(
        _ plaintext: [UInt8], _ key: PrivateKey, _ blinding: [UInt8], _ hashing: Hashing
    ) throws -> [UInt8] {
        var byte = 0
        return try key.publicKey.encrypt(plaintext, hashing) { memory in
            for index in memory.indices {
                memory[index] = blinding[byte % blinding.count]
                byte += 1
            }
        }
    }

    /// One product modulo x^743 - 1, coefficient by coefficient: every operation above is a few.
    private static func plainProductSeconds() -> Double {
        let degree = 743
        let left = (0..<degree).map { UInt16($0 * 31 % 2048) }
        let right = (0..<degree).map { UInt16($0 * 17 % 2048) }
        var sum: UInt16 = 0
        let seconds = Timing.seconds(rounds: 20) {
            var product = [UInt16](repeating: 0, count: degree)
            for (row, factor) in left.enumerated() {
                for (column, other) in right.enumerated() {
                    product[(row + column) % degree] &+= factor &* other
                }
            }
            sum &+= product[0]
        }
        withExtendedLifetime(sum) {}
        return seconds
    }
}
