import Archive
import Foundation
import HTTPServer
import Secrets
import Vault

/// Says whether what a client has is still what it would be given (RFC 9110, 8.8.3).
///
/// Weak: it stands for the same content in every coding, and leaves out how far the archive is
/// where an answer ends before that. It is a keyed hash whose key dies with the channel.
struct EntityTag: Sendable, Equatable {
    let text: String

    /// - Parameter parts: Everything that the content depends on.
    /// - Throws: `VaultError.forgotten`.
    init(of channel: ChannelNumber, _ parts: [String], _ vault: Vault) throws {
        let bytes = Array(parts.joined(separator: "\n").utf8)
        let hash = try vault.lookupHash(bytes, domain: "entity-tag", channel: channel)
        text = "W/\"\(Base64URL.encode(hash))\""
    }

    /// Whether the request's If-None-Match fields name it, or anything (RFC 9110, 13.1.2).
    func isNamed(in request: HTTPRequest) -> Bool {
        let tags = request.headers.values("If-None-Match").joined(separator: ",")
            .split(separator: ",")
        return tags.contains { field in
            let tag = field.filter { $0 != " " && $0 != "\t" }
            return tag == "*" || Self.opaque(tag) == Self.opaque(text)
        }
    }

    private static func opaque(_ tag: String) -> Substring {
        tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
    }
}
