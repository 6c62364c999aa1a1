/// A request, whole and decoded within the server's limits.
package struct HTTPRequest: Sendable {
    /// As sent; methods are case-sensitive.
    package var method: String
    /// Percent-decoded. For matching use `pathSegments`, where an encoded slash is no separator.
    package var path: String
    /// The decoded segments of the path; `/` has one empty segment, `*` none.
    package var pathSegments: [String]
    package var query: HTTPQuery
    package var headers: HTTPHeaders
    /// At most `HTTPLimits.bodyBytes`.
    package var body: [UInt8]
    /// The address of the other side without its port, such as `127.0.0.1` or `::1`.
    package var remoteAddress: String

    /// Query items a request may have unless limits say otherwise: more than any route knows.
    package static let defaultQueryItems = 64

    /// Decodes `target` (`/path?query`) just as the server does, so that handlers can be tested
    /// without a socket.
    package init(
        method: String, target: String, headers: HTTPHeaders = [:], body: [UInt8] = [],
        remoteAddress: String = "127.0.0.1"
    ) throws(HTTPRequestError) {
        self.init(
            method: method,
            target: try RequestTarget(target, maximumQueryItems: Self.defaultQueryItems),
            headers: headers, body: body, remoteAddress: remoteAddress)
    }

    init(
        method: String, target: RequestTarget, headers: HTTPHeaders, body: [UInt8],
        remoteAddress: String
    ) {
        self.method = method
        self.path = target.path
        self.pathSegments = target.segments
        self.query = target.query
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
    }
}
