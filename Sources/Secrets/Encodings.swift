import CSodium

/// Hexadecimal text, lower case, in a time that depends on the length only.
package enum Hex {
    package static func encode(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "" }
        var text = [CChar](repeating: 0, count: bytes.count * 2 + 1)
        sodium_bin2hex(&text, text.count, bytes, bytes.count)
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// - Throws: `SecretsError.notEncoded` for an odd count or anything but `0-9a-fA-F`.
    package static func decode(_ text: String) throws(SecretsError) -> [UInt8] {
        let characters = text.utf8.map { CChar(bitPattern: $0) }
        guard characters.count.isMultiple(of: 2) else { throw .notEncoded(as: "hex") }
        guard !characters.isEmpty else { return [] }
        var bytes = [UInt8](repeating: 0, count: characters.count / 2)
        var count = 0
        let status = sodium_hex2bin(
            &bytes, bytes.count, characters, characters.count, nil, &count, nil)
        guard status == 0, count == bytes.count else { throw .notEncoded(as: "hex") }
        return bytes
    }
}

/// Base64url without padding (RFC 4648, section 5), in a time that depends on the length only.
package enum Base64URL {
    private static let variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING

    package static func encode(_ bytes: [UInt8]) -> String {
        guard !bytes.isEmpty else { return "" }
        var text = [CChar](repeating: 0, count: sodium_base64_encoded_len(bytes.count, variant))
        sodium_bin2base64(&text, text.count, bytes, bytes.count, variant)
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// - Throws: `SecretsError.notEncoded` for anything that `encode` does not give: other
    ///   characters, padding, a length that cannot be, bits set beyond the end.
    package static func decode(_ text: String) throws(SecretsError) -> [UInt8] {
        let characters = text.utf8.map { CChar(bitPattern: $0) }
        guard !characters.isEmpty else { return [] }
        var bytes = [UInt8](repeating: 0, count: characters.count / 4 * 3 + 3)
        var count = 0
        let status = sodium_base642bin(
            &bytes, bytes.count, characters, characters.count, nil, &count, nil, variant)
        guard status == 0 else { throw .notEncoded(as: "base64url") }
        return Array(bytes.prefix(count))
    }
}
