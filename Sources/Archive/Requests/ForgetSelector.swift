import Foundation
import Secrets
import Vault

/// Whom or what a request asks to forget.
package enum ForgetSelector: Sendable, Equatable {
    /// All channels of the person with this pseudonym.
    case subject(String)
    case channel(ChannelNumber)
    /// What the archive took in of a channel in these months (UTC), both included; the rest of
    /// the channel stays, and is followed on. It is the month of taking in, which the archive
    /// knows, and not the time that a message claims.
    case period(ChannelNumber, ClosedRange<Period>)

    package var periods: ClosedRange<Period>? {
        guard case .period(_, let periods) = self else { return nil }
        return periods
    }

    /// What a commitment is to: each part on a line of its own. No two selectors have the same
    /// text, because a pseudonym, which stands last, has no control characters.
    fileprivate var committedText: String {
        switch self {
        case .subject(let pseudonym): "subject\n\(pseudonym)"
        case .channel(let channel): "channel\n\(channel.text)"
        case .period(let channel, let periods):
            "period\n\(channel.text)\n\(periods.lowerBound)\n\(periods.upperBound)"
        }
    }
}

extension ClosedRange<Period> {
    /// Of `2021-05` or `2021-05..2021-08`; nil for anything else.
    package init?(text: String) {
        guard let dots = text.range(of: "..") else {
            guard let month = Period(text: text) else { return nil }
            self = month...month
            return
        }
        guard let first = Period(text: String(text[..<dots.lowerBound])),
            let last = Period(text: String(text[dots.upperBound...])), first <= last
        else { return nil }
        self = first...last
    }
}

/// 32 random bytes that only the requester is given. The receipt has a hash of what he asked
/// for under this key: with both anyone can check that the receipt is his, and without the
/// salt nobody can find out by trying what it is about.
package struct ForgetSalt: Sendable, Equatable {
    private let bytes: [UInt8]

    package static func random() -> ForgetSalt { ForgetSalt(bytes: randomBytes(32)) }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Of what `text` gives; nil for anything else.
    package init?(text: String) {
        guard let bytes = try? Base64URL.decode(text), bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// 43 characters of base64url.
    package var text: String { Base64URL.encode(bytes) }

    /// Keyed BLAKE2b, 32 bytes.
    package func commitment(to selector: ForgetSelector) -> [UInt8] {
        KeyedHash.blake2b(
            Array(selector.committedText.utf8), key: SecretBytes(copying: bytes))
    }
}
