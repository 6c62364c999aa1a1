import Archive
import HTTPServer

/// Lets callers in by their tokens (RFC 6750, 2.1).
struct Admission: Sendable {
    let archive: Archive

    /// - Returns: The caller; nil on a route open to anyone, where tokens are not looked at.
    /// - Throws: `RequestError.unauthenticated`, `.forbidden`.
    func admit(_ request: HTTPRequest, to access: Access) async throws -> Caller? {
        guard access != .anyone else { return nil }
        guard let token = Self.token(request) else {
            throw RequestError.unauthenticated(tokenGiven: false)
        }
        guard let caller = try await archive.authenticate(token) else {
            throw RequestError.unauthenticated(tokenGiven: true)
        }
        guard access.allows(caller.role) else { throw RequestError.forbidden }
        return caller
    }

    /// What follows `Bearer` in the only Authorization field.
    private static func token(_ request: HTTPRequest) -> String? {
        let fields = request.headers.values("Authorization")
        guard fields.count == 1, let field = fields.first else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].drop { $0 == " " })
    }
}
