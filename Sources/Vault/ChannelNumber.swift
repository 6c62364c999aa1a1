import Secrets

/// The number under which a channel's (or a subject's) keys stand in the key tree: 48 random bits,
/// never used again, so that nothing new is ever sealed under what was forgotten.
package struct ChannelNumber: Hashable, Sendable {
    package static let bitCount = 48

    /// 0 ..< 2^48.
    package let rawValue: Int64

    /// Nil outside 0 ..< 2^48.
    package init?(rawValue: Int64) {
        guard rawValue >= 0, rawValue >> Self.bitCount == 0 else { return nil }
        self.rawValue = rawValue
    }

    /// Of the text that `text` gives, and of no other.
    package init?(text: String) {
        let characters = Array(text.utf8)
        guard characters.count == Self.characterCount else { return nil }
        var value: Int64 = 0
        for character in characters {
            guard let digit = Self.alphabet.firstIndex(of: character) else { return nil }
            value = value << 5 | Int64(digit)
        }
        self.init(rawValue: value)
    }

    /// A random one. `Vault.newChannelNumber` also checks that its keys can still be derived.
    package static func random() -> ChannelNumber {
        let value = randomBytes(bitCount / 8).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return ChannelNumber(unchecked: value)
    }

    /// 10 characters of Crockford's base32, lower case, the high bits first.
    package var text: String {
        let digits = (0..<Self.characterCount).reversed().map {
            Self.alphabet[Int(rawValue >> Int64($0 * 5)) & 31]
        }
        return String(decoding: digits, as: UTF8.self)
    }

    private static let characterCount = 10
    private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    private init(unchecked rawValue: Int64) {
        self.rawValue = rawValue
    }
}

extension ChannelNumber: Comparable {
    package static func < (left: ChannelNumber, right: ChannelNumber) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension ChannelNumber: CustomStringConvertible {
    package var description: String { text }
}
