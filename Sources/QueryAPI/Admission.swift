import Archive
import HTTPServer
import Vault

/// Who was let in.
struct Admitted: Sendable {
    /// Nil only on routes open to anyone.
    var caller: Caller?
    /// Nil for who came with a token.
    var session: Sessions.Session?
}

/// Lets callers in by their tokens (RFC 6750, 2.1) or by the
/// page's sessions, and, where that is bounded, as often as they
/// may ask.
struct Admission: Sendable {
    let archive: Archive
    /// Of the commands of a node.
    let limiter: RateLimiter
    /// Of everything else; nil is no limit.
    let general: RateLimiter?
    let sessions: Sessions
    /// All connections come from a proxy, which says for whom in `X-Forwarded-For`.
    let isBehindProxy: Bool

    /// - Parameter channel: The one that the path names: of others nothing need be asked.
    /// - Throws: `RequestError.tooOften`, and those of `admit` by access.
    func admit(_ request: HTTPRequest, to route: Route, about channel: ChannelNumber?) async throws
        -> Admitted
    {
        guard route.isLimited else {
            return try await admitGenerally(request, to: route, about: channel)
        }
        // Before the token is looked up: an address that tries tokens is bounded, too.
        let address = RateLimiter.Client(address: address(of: request))
        try check(limiter.wait(of: address))
        do {
            let admitted = try await identify(request, to: route, about: channel)
            let client = admitted.caller.map { RateLimiter.Client.token($0.token) } ?? address
            try check(limiter.take(1, of: client))
            return admitted
        } catch let error as RequestError {
            if case .unauthenticated = error { limiter.charge(1, to: address) }
            throw error
        }
    }

    private func admitGenerally(
        _ request: HTTPRequest, to route: Route, about channel: ChannelNumber?
    ) async throws -> Admitted {
        guard let general, !route.isProbe else {
            return try await identify(request, to: route, about: channel)
        }
        // Before the token is looked up, so that trying tokens is bounded, too.
        try check(general.take(1, of: .init(address: address(of: request))))
        let admitted = try await identify(request, to: route, about: channel)
        if let caller = admitted.caller { try check(general.take(1, of: .token(caller.token))) }
        return admitted
    }

    /// Takes a cost beyond that of the request.
    func charge(_ cost: Double, to caller: Caller?, _ request: HTTPRequest) {
        limiter.charge(
            cost,
            to: caller.map { .token($0.token) } ?? .init(address: address(of: request)))
    }

    private func check(_ wait: Duration?) throws(RequestError) {
        guard let wait else { return }
        throw .tooOften(seconds: Int(min(wait / .seconds(1), 3_600).rounded(.up)))
    }

    /// What the proxy itself saw stands last.
    private func address(of request: HTTPRequest) -> String {
        guard isBehindProxy,
            let last = request.headers.values("X-Forwarded-For").last?.split(separator: ",").last
        else { return request.remoteAddress }
        return String(last.drop { $0 == " " }.prefix { $0 != " " })
    }

    /// - Returns: The caller; nil on a route open to anyone, where tokens are not looked at, and for
    ///   who comes without one where that is allowed.
    /// - Throws: `RequestError.unauthenticated`, `.sessionOver`, `.foreignOrigin`, `.forbidden`.
    private func identify(
        _ request: HTTPRequest, to route: Route, about channel: ChannelNumber?
    ) async throws -> Admitted {
        let access = route.access
        guard access != .anyone else { return Admitted() }
        guard request.headers["Authorization"] == nil else {
            guard let token = Self.token(request) else {
                throw RequestError.unauthenticated(tokenGiven: false)
            }
            guard let caller = try await archive.authenticate(token, about: channel) else {
                throw RequestError.unauthenticated(tokenGiven: true)
            }
            guard access.allows(caller.role) else { throw RequestError.forbidden }
            return Admitted(caller: caller)
        }
        if access == .anyoneOrReader { return Admitted() }
        guard route.takesSessions, let cookie = sessions.cookie(request) else {
            guard access == .visitor else {
                throw RequestError.unauthenticated(tokenGiven: false)
            }
            return Admitted()
        }
        try RequestOrigin.check(request, isSecure: sessions.isSecure)
        guard let session = try await sessions.session(cookie),
            let caller = try await archive.caller(session.token, about: channel)
        else {
            guard access == .visitor else { throw RequestError.sessionOver }
            return Admitted()
        }
        guard access.allows(caller.role) else { throw RequestError.forbidden }
        return Admitted(caller: caller, session: session)
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
