import MAM
import NTRU
import Secrets
import Ternary

extension Hashing {
    /// libsodium's.
    package static let sodium = Hashing { Digest.sha256($0, into: $1) }
}

/// Messages by which an owner tells service providers the next side key (meter, *Messages of the
/// Alliander proof of concept*): `{"type":"KEY_ROTATION", <provider's address>: <the key, encrypted
/// for that provider>, …}`.
package enum KeyRotation {
    private static let type = "KEY_ROTATION"
    /// What every such message holds, as it stands in it.
    private static let mark = MessageText.trytes(type).ascii

    /// The next side key, where the message announces one to one of the providers. Whatever is not
    /// exactly that announces nothing.
    package static func sideKey(in message: Message, for providers: [ProviderKey]) -> SideKey? {
        // Most messages are none, so they are not even made text.
        guard !providers.isEmpty, message.contentTritCount.isMultiple(of: 3),
            message.contentTrytes.count <= 2 * JSONFragment.byteLimit,
            holds(mark, in: message.contentTrytes.ascii),
            let bytes = MessageText.bytes(message.contentTrytes)
        else { return nil }
        return sideKey(in: bytes, for: providers)
    }

    package static func sideKey(in json: [UInt8], for providers: [ProviderKey]) -> SideKey? {
        guard let object = JSONFragment(json), object["type"]?.text == Array(type.utf8) else {
            return nil
        }
        for provider in providers {
            guard let ciphertext = object[provider.address.description]?.text,
                let plaintext = provider.open(ciphertext),
                let key = try? SideKey(trytes: plaintext)
            else { continue }
            return key
        }
        return nil
    }

    private static func holds(_ mark: [UInt8], in text: [UInt8]) -> Bool {
        guard let first = mark.first, text.count >= mark.count else { return false }
        return text.withUnsafeBufferPointer { text in
            for start in 0...(text.count - mark.count)
            where text[start] == first && text[start...].starts(with: mark) {
                return true
            }
            return false
        }
    }
}

extension ProviderKey {
    /// The trytes that were encrypted for this provider; nil for whatever is none of that.
    func open(_ ciphertext: [UInt8]) -> Trytes? {
        // Before it is looked at character by character.
        guard ciphertext.count == TravellingBytes.tryteCount(of: PublicKey.ciphertextCount),
            let trytes = try? Trytes(ascii: ciphertext),
            let opened = try? key.decrypt(trytes, .sodium)
        else { return nil }
        return try? Trytes(ascii: opened.plaintext)
    }
}
