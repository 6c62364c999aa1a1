import Archive
import Foundation
import MAM
import NTRU
import Ternary
import Vault

/// A provider of tests, and how owners encrypt for it.
package struct TestProvider: Sendable {
    package let seed: Seed
    package let address: Hash
    package let key: PrivateKey

    package init(seed: String, address: Hash) throws {
        self.seed = try Seed(seed)
        self.address = address
        key = try Array(seed.utf8).withUnsafeBytes { try PrivateKey(seed: $0, .sodium) }
    }

    /// One whose seed and address are of this character alone.
    package init(_ character: Character) throws {
        let text = String(repeating: character, count: 81)
        try self.init(seed: text, address: Hash(text))
    }

    package var record: ProviderKey {
        ProviderKey(number: .random(), address: address, key: key, createdAt: .distantPast)
    }

    /// The trytes of a ciphertext, as they stand in a message.
    package func encrypt(_ plaintext: String) throws -> String {
        let ciphertext = try key.publicKey.encrypt(Array(plaintext.utf8), .sodium) { memory in
            for index in memory.indices { memory[index] = .random(in: .min ... .max) }
        }
        return TravellingBytes.trytes(ciphertext).description
    }

    /// A message that announces a side key to this provider, with other entries.
    package func rotation(to sideKey: String) throws -> String {
        let other = String(repeating: "X", count: 81)
        return
            #"{"type":"KEY_ROTATION","\#(other)":"NOTFORYOU","\#(address)":"\#(try encrypt(sideKey))"}"#
    }
}

extension TestArchive {
    @discardableResult
    package func add(_ provider: TestProvider, now: Date) async throws -> ProviderKey {
        try await archive.addProviderKey(
            seed: provider.seed, address: provider.address, now: now)
    }
}

/// JSON that looks like a rotation to a provider and is none.
package enum HostileRotation {
    /// With what is wrong with each; the encrypted key is the one of `sideKey`.
    package static func all(_ provider: TestProvider, sideKey: String) throws -> [(
        why: String, json: String
    )] {
        let (address, key) = (provider.address.description, try provider.encrypt(sideKey))
        let type = #""type":"KEY_ROTATION""#
        func entry(_ value: String) -> String { #"{\#(type),"\#(address)":\#(value)}"# }
        let nested = String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000)
        return [
            ("__proto__", #"{\#(type),"__proto__":{"\#(address)":"\#(key)"}}"#),
            ("__proto__ as address", #"{\#(type),"__proto__":"\#(key)"}"#),
            ("constructor", #"{\#(type),"constructor":"\#(key)","toString":"\#(key)"}"#),
            (
                "another provider's address",
                #"{\#(type),"\#(String(repeating: "Q", count: 81))":"\#(key)"}"#
            ),
            ("an address with a checksum", #"{\#(type),"\#(address)ABCDEFGHI":"\#(key)"}"#),
            ("a short ciphertext", entry("\"\(key.dropLast(2))\"")),
            ("a long ciphertext", entry("\"\(key)99\"")),
            ("no trytes", entry("\"\(key.dropLast())a\"")),
            ("an empty ciphertext", entry("\"\"")),
            ("a huge ciphertext", entry("\"\(String(repeating: key, count: 40))\"")),
            ("a changed ciphertext", entry("\"99\(key.dropFirst(2))\"")),
            ("for another key", entry("\"\(try TestProvider("Z").encrypt(sideKey))\"")),
            ("no side key", entry("\"\(try provider.encrypt("lower case"))\"")),
            ("an empty side key", entry("\"\(try provider.encrypt(""))\"")),
            (
                "a long side key",
                entry("\"\(try provider.encrypt(String(repeating: "A", count: 82)))\"")
            ),
            ("a list", entry("[\"\(key)\"]")),
            ("an object", entry("{\"\(address)\":\"\(key)\"}")),
            ("a huge number", entry("1e999999999999")),
            ("null", entry("null")),
            ("the address twice", #"{\#(type),"\#(address)":"\#(key)","\#(address)":"\#(key)"}"#),
            ("the type twice", #"{\#(type),\#(type),"\#(address)":"\#(key)"}"#),
            ("another type", #"{"type":"KEY_ROTATIONS","\#(address)":"\#(key)"}"#),
            ("the type as a name", #"{"KEY_ROTATION":"type","\#(address)":"\#(key)"}"#),
            ("within a list", #"[{\#(type),"\#(address)":"\#(key)"}]"#),
            ("deep nesting", #"{\#(type),"x":\#(nested),"\#(address)":"\#(key)"}"#),
            ("cut off", String(entry("\"\(key)\"").dropLast())),
            ("more behind it", entry("\"\(key)\"") + "}"),
            ("no JSON", "KEY_ROTATION \(address) \(key)"),
        ]
    }
}
