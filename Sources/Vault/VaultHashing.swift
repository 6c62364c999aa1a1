import Secrets

extension Vault {
    /// A keyed hash to find a value of a channel by, 16 bytes. Its key comes from the channel's
    /// own leaf: once the channel is forgotten, nobody can tell of which value a hash was.
    ///
    /// - Parameter domain: what kind of value, such as `address`.
    /// - Throws: `VaultError.forgotten`, or those of reading a ring.
    package func lookupHash(
        _ bytes: [UInt8], domain: String, channel: ChannelNumber
    ) throws(VaultError) -> [UInt8] {
        let key = try leafKey(channel, .channel, .lookup)
        var input: [UInt8] = []
        input.appendField(domain.utf8)
        input.append(contentsOf: bytes)
        return KeyedHash.blake2b(input, key: key, count: .sixteen)
    }

    /// Of a root, to find whether it is registered; 32 bytes.
    package func registrationHash(_ bytes: [UInt8]) -> [UInt8] {
        KeyedHash.blake2b(bytes, key: keys.registration)
    }

    /// Of a root, to know that it must never come again; 32 bytes.
    package func tombstoneHash(_ bytes: [UInt8]) -> [UInt8] {
        KeyedHash.blake2b(bytes, key: keys.tombstone)
    }

    /// Of an access token, to keep instead of it; 32 bytes.
    package func tokenHash(_ secret: some Collection<UInt8>) -> [UInt8] {
        KeyedHash.blake2b(Array(secret), key: keys.token)
    }

    /// Of a subject, to find his channels by; 32 bytes.
    package func subjectHash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        KeyedHash.blake2b(Array(bytes), key: keys.subject)
    }

    /// Of what a transaction is found by, whatever channel it belongs to; 16 bytes.
    ///
    /// - Parameter domain: what kind of value, such as `address`.
    package func nodeLookupHash(_ bytes: some Collection<UInt8>, domain: String) -> [UInt8] {
        var input: [UInt8] = []
        input.appendField(domain.utf8)
        input.append(contentsOf: bytes)
        return KeyedHash.blake2b(input, key: keys.nodeLookup, count: .sixteen)
    }

    /// Names the key of a channel without telling it: 32 hexadecimal digits, for receipts.
    ///
    /// - Throws: `VaultError.forgotten`, or those of reading a ring.
    package func keyFingerprint(_ channel: ChannelNumber) throws(VaultError) -> String {
        Hex.encode(
            KeyedHash.blake2b(
                [], key: try leafKey(channel, .channel, .fingerprint), count: .sixteen))
    }
}
