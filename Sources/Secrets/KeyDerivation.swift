import CSodium

/// Derives keys from keys: libsodium's `crypto_kdf`, which is BLAKE2b-256 keyed with the parent,
/// over nothing, with the subkey's number as salt and the context as personalisation.
///
/// Neither the parent nor a sibling can be found from a derived key.
package enum KeyDerivation {
    /// Bytes of a parent and of a derived key.
    package static let keyCount = 32

    /// What a family of keys is for; families never give the same key.
    package struct Context: Sendable {
        fileprivate let bytes: (CChar, CChar, CChar, CChar, CChar, CChar, CChar, CChar)

        /// - Parameter name: ASCII; bytes beyond the 8th do not count, missing ones are 0.
        package init(_ name: StaticString) {
            let characters = name.withUTF8Buffer { Array($0.prefix(8)) }
            func at(_ index: Int) -> CChar {
                index < characters.count ? CChar(bitPattern: characters[index]) : 0
            }
            bytes = (at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7))
        }
    }

    /// - Throws: `SecretsError.wrongLength` unless the parent has 32 bytes.
    package static func derive(
        from parent: SecretBytes, subkey: UInt64, context: Context
    ) throws(SecretsError) -> SecretBytes {
        guard parent.count == keyCount else {
            throw .wrongLength(of: "parent key", expected: keyCount, actual: parent.count)
        }
        return SecretBytes(
            count: keyCount,
            fillFrom: { output in
                parent.withStart {
                    derive(from: $0, subkey: subkey, context: context, into: output)
                }
            })
    }

    /// The same between memory that the caller holds and wipes, for long chains of derivations.
    ///
    /// - Parameters:
    ///   - parent: 32 bytes.
    ///   - output: room for 32 bytes; may be where `parent` is.
    package static func derive(
        from parent: UnsafeRawPointer, subkey: UInt64, context: Context,
        into output: UnsafeMutableRawPointer
    ) {
        withUnsafeBytes(of: context.bytes) { context in
            guard let context = context.baseAddress else { return }
            // Its one failure is an output length out of bounds.
            _ = crypto_kdf_derive_from_key(
                output.assumingMemoryBound(to: UInt8.self), keyCount, subkey,
                context.assumingMemoryBound(to: CChar.self),
                parent.assumingMemoryBound(to: UInt8.self))
        }
    }
}

/// Derives a key from a passphrase: Argon2id (RFC 9106) with one lane.
package enum PassphraseKey {
    package static let saltCount = 16

    /// What deriving costs: passes over the memory (1 or more), and the memory in bytes (8 KiB or more).
    package struct Cost: Sendable, Hashable {
        package var passes: UInt64
        package var memory: Int

        package init(passes: UInt64, memory: Int) {
            self.passes = passes
            self.memory = memory
        }

        /// libsodium's "moderate": 3 passes over 256 MiB, about a second.
        package static let standard = Cost(passes: 3, memory: 268_435_456)
    }

    /// 32 bytes, the same for the same passphrase, salt and cost.
    ///
    /// - Throws: `SecretsError.wrongLength` unless the salt has 16 bytes; `notEnoughMemory`.
    package static func derive(
        from passphrase: SecretBytes, salt: [UInt8], cost: Cost = .standard
    ) throws(SecretsError) -> SecretBytes {
        guard salt.count == saltCount else {
            throw .wrongLength(of: "salt", expected: saltCount, actual: salt.count)
        }
        return try SecretBytes(
            count: 32,
            fillFrom: { output throws(SecretsError) in
                let status = passphrase.withStart { text in
                    crypto_pwhash(
                        output, 32, UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self),
                        UInt64(passphrase.count), salt, cost.passes, cost.memory,
                        crypto_pwhash_ALG_ARGON2ID13)
                }
                guard status == 0 else { throw .notEnoughMemory(needed: cost.memory) }
            })
    }
}
