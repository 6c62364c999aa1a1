import Secrets

/// The bytes of a key ring file that is wrapped under a key, version 2. Integers are big-endian;
/// what is public stands where it does in version 1.
///
///     offset  bytes
///          0      8  "PMNDRING"
///          8      2  version, 2
///         10     16  identifier
///         26      8  generation
///         34      1  kind: 1 passphrase, 2 key
///         35      7  0
///         42     16  salt
///         58      8  passes of Argon2id, or 0
///         66      8  its memory in bytes, or 0
///         74         the file as version 1 would have it, sealed (`AEAD`) with the 74 bytes as
///                    associated data
///             +  32  BLAKE2b-256 of all before, to tell damage from a wrong key
enum WrappedRingFormat {
    static let version: UInt16 = 2
    static let maximumCount =
        KeyRingFormat.maximumCount + headerCount + AEAD.overhead + checksumCount

    private static let headerCount = 74
    private static let checksumCount = 32
    /// What a file may ask for, so that a changed one cannot keep a process busy for hours.
    private static let passes: ClosedRange<UInt64> = 1...64
    private static let memory = 8_192...(4 << 30)

    static func encode(_ ring: KeyRing, _ wrap: RingWrap) throws(SecretsError) -> SecretBytes {
        var header = KeyRingFormat.publicHeader(ring, version: version)
        let isPassphrase = wrap.header.kind == .passphrase
        header.append(wrap.header.kind.rawValue)
        header += [UInt8](repeating: 0, count: 7)
        header += wrap.header.salt
        header += bigEndian(isPassphrase ? wrap.header.cost.passes : 0)
        header += bigEndian(UInt64(isPassphrase ? wrap.header.cost.memory : 0))
        let sealed = try AEAD.seal(
            KeyRingFormat.encode(ring), key: wrap.key, associatedData: header)
        let body = header + sealed
        return SecretBytes(copying: body + Digest.blake2b(body))
    }

    /// The public part of a file whose bytes are whole.
    static func header(_ bytes: SecretBytes) throws(KeyRingFormat.Fault) -> RingWrap.Header {
        try bytes.withBytes { bytes throws(KeyRingFormat.Fault) in
            guard bytes.count >= headerCount + AEAD.overhead + checksumCount else {
                throw .damaged("too short")
            }
            let body = UnsafeRawBufferPointer(rebasing: bytes.dropLast(checksumCount))
            guard Digest.blake2b(body).elementsEqual(bytes.suffix(checksumCount)) else {
                throw .damaged("checksum")
            }
            guard let kind = RingWrap.Kind(rawValue: bytes[34]) else { throw .damaged("kind") }
            let salt = Array(bytes[42..<58])
            let cost = PassphraseKey.Cost(
                passes: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 58, as: UInt64.self)),
                memory: Int(
                    clamping: UInt64(
                        bigEndian: bytes.loadUnaligned(fromByteOffset: 66, as: UInt64.self))))
            guard kind == .key || passes.contains(cost.passes) && memory.contains(cost.memory)
            else { throw .damaged("cost") }
            return RingWrap.Header(kind: kind, salt: salt, cost: kind == .key ? .none : cost)
        }
    }

    /// The ring in a file whose header was read; nil where the key does not open it.
    static func decode(
        _ bytes: SecretBytes, key: SecretBytes
    ) throws(KeyRingFormat.Fault) -> KeyRing? {
        let (header, sealed) = bytes.withBytes { bytes in
            (Array(bytes[..<headerCount]), Array(bytes[headerCount...].dropLast(checksumCount)))
        }
        guard let plain = try? AEAD.openSecret(sealed, key: key, associatedData: header) else {
            return nil
        }
        let ring = try KeyRingFormat.decode(plain)
        guard KeyRingFormat.publicHeader(ring, version: version).elementsEqual(header.prefix(34))
        else { throw .damaged("another ring within") }
        return ring
    }
}

extension PassphraseKey.Cost {
    /// Of a wrap under a key, which needs none.
    static let none = PassphraseKey.Cost(passes: 0, memory: 0)
}
