import CCurl

/// Where a node listens: `http://host:14265`, `https://user:password@host/path`.
///
/// A URL may hold credentials or an API key; descriptions and reflection show scheme, host and
/// port only.
package struct NodeEndpoint: Sendable {
    /// Characters of a URL; longer ones are refused.
    package static let maximumLength = 2048

    /// Only for libcurl: may hold credentials.
    let url: String
    /// Scheme, host and port, for texts.
    package let shownText: String
    let isLoopback: Bool
    /// What is sent there can be read by nobody on the way.
    package var isConfidential: Bool { isLoopback || shownText.hasPrefix("https://") }

    /// - Throws: `NodeError` of kind `invalidEndpoint`; its text repeats nothing of `text`.
    package init(_ text: String) throws(NodeError) {
        guard text.utf8.count <= Self.maximumLength else { throw Self.refusal("it is too long") }
        guard let parsed = curl_url() else { throw Self.refusal("there is no memory to read it") }
        defer { curl_url_cleanup(parsed) }
        // libcurl's own parser, so that what is checked is what is connected to.
        guard curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK else {
            throw Self.refusal("it cannot be read as one")
        }
        guard let scheme = Self.part(CURLUPART_SCHEME, of: parsed),
            scheme == "http" || scheme == "https"
        else { throw Self.refusal("it must begin with http:// or https://") }
        guard let host = Self.part(CURLUPART_HOST, of: parsed), !host.isEmpty,
            let port = Self.part(CURLUPART_PORT, of: parsed, flags: UInt32(CURLU_DEFAULT_PORT))
        else { throw Self.refusal("it names no host") }
        url = text
        shownText = "\(scheme)://\(host):\(port)"
        isLoopback = host == "localhost" || host == "[::1]" || host.hasPrefix("127.")
    }

    private static func part(
        _ part: CURLUPart, of parsed: OpaquePointer, flags: UInt32 = 0
    ) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parsed, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    private static func refusal(_ reason: String) -> NodeError {
        NodeError(.invalidEndpoint(reason), operation: "read a node's URL", endpoint: nil)
    }
}

extension NodeEndpoint: Hashable {
    package static func == (left: Self, right: Self) -> Bool { left.url == right.url }

    package func hash(into hasher: inout Hasher) { hasher.combine(url) }
}

extension NodeEndpoint: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { shownText }
    package var debugDescription: String { shownText }
    package var customMirror: Mirror { Mirror(self, children: ["endpoint": shownText]) }
}
