/// A request target (RFC 9112, 3.2), decoded within bounds.
package struct RequestTarget: Sendable, Hashable {
    /// Decoded; `*` for a request about the server itself.
    package var path: String
    /// What stands between the slashes of the path, each decoded by itself, so that an encoded
    /// slash stays part of its segment. `/` has one empty segment.
    package var segments: [String]
    package var query: HTTPQuery

    /// Reads origin form, absolute form (whose scheme and host are dropped) and `*`.
    package init(_ text: String, maximumQueryItems: Int) throws(HTTPRequestError) {
        if text == "*" {
            self.path = "*"
            self.segments = []
            self.query = HTTPQuery()
            return
        }
        let bytes = Array(text.utf8)
        guard !bytes.contains(UInt8(ascii: "#")) else { throw .malformedTarget }
        let origin = try Self.originForm(bytes[...])
        let mark = origin.firstIndex(of: UInt8(ascii: "?"))
        let rawPath = origin[..<(mark ?? origin.endIndex)]
        guard let path = PercentEncoding.decoded(rawPath) else { throw .malformedTarget }
        self.path = path
        self.segments = []
        for part in rawPath.dropFirst().split(
            separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            guard let segment = PercentEncoding.decoded(part) else { throw .malformedTarget }
            segments.append(segment)
        }
        self.query = HTTPQuery()
        if let mark {
            self.query = try Self.query(
                origin[origin.index(after: mark)...], maximumItems: maximumQueryItems)
        }
    }

    /// From the first slash of the path on.
    private static func originForm(
        _ bytes: ArraySlice<UInt8>
    ) throws(HTTPRequestError) -> ArraySlice<UInt8> {
        if bytes.first == UInt8(ascii: "/") { return bytes }
        for scheme in ["http://", "https://"] {
            let prefix = Array(scheme.utf8)
            guard bytes.count > prefix.count,
                zip(bytes, prefix).allSatisfy({ $0 | 0x20 == $1 | 0x20 })
            else { continue }
            let rest = bytes.dropFirst(prefix.count)
            guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else {
                throw .malformedTarget
            }
            return rest[slash...]
        }
        throw .malformedTarget
    }

    private static func query(
        _ bytes: ArraySlice<UInt8>, maximumItems: Int
    ) throws(HTTPRequestError) -> HTTPQuery {
        var query = HTTPQuery()
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            guard query.items.count < maximumItems else { throw .tooManyQueryItems }
            let parts = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decoded(parts[0], plusIsSpace: true),
                let value = PercentEncoding.decoded(
                    parts.count > 1 ? parts[1] : [], plusIsSpace: true)
            else { throw .malformedTarget }
            query.items.append(HTTPQuery.Item(name: name, value: value))
        }
        return query
    }
}
