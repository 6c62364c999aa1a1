/// The text of an access token: `pmn_` and 32 random bytes in base64url, 47 characters.
///
/// The prefix lets scanners for leaked secrets know it; no part of it says whose it is.
package enum TokenText {
    package static let prefix = "pmn_"
    /// Characters of a token.
    package static let count = 47
    private static let secretCount = 32

    /// A new token; to be shown once and kept only as a hash.
    package static func generate() -> String {
        prefix + Base64URL.encode(randomBytes(secretCount))
    }

    /// Whether `text` has the shape of a token, so that others need no look at the database.
    package static func isWellFormed(_ text: String) -> Bool {
        guard text.utf8.count == count, text.hasPrefix(prefix) else { return false }
        return (try? Base64URL.decode(String(text.dropFirst(prefix.count))))?.count == secretCount
    }
}
