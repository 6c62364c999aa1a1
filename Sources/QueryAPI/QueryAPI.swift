import Archive
import Diagnostics
import Foundation
import HTTPServer
import Vault

/// The HTTP interface: finds the route, lets the caller in, answers, and says what happened.
///
/// `respond` is the handler to give to an `HTTPServer`; tests call it without one.
package struct QueryAPI: Sendable {
    /// Every route, to compare with the OpenAPI document.
    package let router: Router

    private let record: RequestRecord
    private let feeds: LiveFeeds
    private let limiter: RateLimiter
    private let general: RateLimiter?

    /// - Parameters:
    ///   - policy: What a request to forget takes before it is carried out.
    ///   - node: How the commands of a node are answered; nil does not answer them.
    ///   - rates: How often clients may ask; nil is no limit.
    ///   - isBehindProxy: All connections come from a proxy, which says for whom in
    ///     `X-Forwarded-For`.
    ///   - isSecure: Browsers reach the page by TLS only.
    ///   - crawler: How the crawler of this process stands; nil where there is none.
    /// - Throws: `MetricsError`, where the names of its metrics are taken by others.
    package init(
        archive: Archive, metrics: Metrics, log: Log, policy: RequestPolicy = RequestPolicy(),
        node: NodeInterfaceSettings? = nil, rates: RequestRates? = nil,
        isBehindProxy: Bool = false, isSecure: Bool = false,
        crawler: (@Sendable () -> String)? = nil,
        clock: @escaping @Sendable () -> Date = { Date() }
    ) throws {
        let log = log.component("api")
        let limits = node ?? NodeInterfaceSettings()
        let limiter = RateLimiter(ofAddress: limits.ofAddress, ofToken: limits.ofToken)
        let general = rates.map { RateLimiter(ofAddress: $0.ofAddress, ofToken: $0.ofToken) }
        let watch = ChannelWatch(archive)
        let sessions = Sessions(archive: archive, isSecure: isSecure, clock: clock)
        let readings = ReadingRoutes(archive: archive, watch: watch, clock: clock)
        let feeds = LiveFeeds(archive)
        let routes =
            ChannelRoutes(archive: archive, clock: clock).routes
            + MessageRoutes(archive: archive, watch: watch).routes
            + EventRoutes(archive: archive, watch: watch, feeds: feeds).routes
            + readings.routes
            + RecipientRoutes(archive: archive).routes
            + GrantRoutes(archive: archive, clock: clock).routes
            + AccessLogRoutes(archive: archive).routes
            + SubjectRoutes(archive: archive, watch: watch, clock: clock).routes
            + ForgetRoutes(archive: archive, policy: policy, clock: clock).routes
            + LifeRoutes(archive: archive, policy: policy, clock: clock).routes
            + NodeRoutes(archive: archive, watch: watch, settings: node).routes
            + ChrysalisRoutes(archive: archive, watch: watch, settings: node).routes
            + OperationRoutes(
                archive: archive, metrics: metrics, log: log, crawler: crawler
            ).routes
            + PageRoutes(
                archive: archive, sessions: sessions, readings: readings, policy: policy,
                clock: clock
            ).routes
        let record = try RequestRecord(routes: routes, metrics: metrics, log: log)
        let admission = Admission(
            archive: archive, limiter: limiter, general: general, sessions: sessions,
            isBehindProxy: isBehindProxy || limits.isBehindProxy)
        var router = Router()
        for route in routes {
            router.register(route.method, route.template) { request, parameters in
                await Self.answer(request, parameters, route, admission, record)
            }
        }
        self.router = router
        self.record = record
        self.feeds = feeds
        self.limiter = limiter
        self.general = general
    }

    /// Other rates from now on.
    ///
    /// - Parameter rates: does nothing where clients may ask as often as they like.
    package func setRates(_ rates: RequestRates, ofNode node: NodeInterfaceSettings?) {
        general?.setRates(ofAddress: rates.ofAddress, ofToken: rates.ofToken)
        if let node { limiter.setRates(ofAddress: node.ofAddress, ofToken: node.ofToken) }
    }

    /// Ends the live streams, which would go on for ever.
    package func stopListeners() async { await feeds.stop() }

    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        switch router.match(method: request.method, pathSegments: request.pathSegments) {
        case .handler(_, let parameters, let handler):
            return await handler(request, parameters)
        case .options, .methodNotAllowed, .notFound:
            let entry = record.begin(request, route: nil)
            guard !ProblemPage.isWanted(by: request) else {
                return entry.end(failedWith: RequestError.noSuchPage, as: .page, to: request)
            }
            return entry.end(await router.respond(to: request))
        }
    }

    private static func answer(
        _ request: HTTPRequest, _ parameters: PathParameters, _ route: Route,
        _ admission: Admission, _ record: RequestRecord
    ) async -> HTTPResponse {
        var entry = record.begin(request, route: route)
        do {
            let admitted = try await admission.admit(
                request, to: route, about: route.channel(parameters))
            let caller = admitted.caller
            entry.caller = caller
            var call = Call(
                request: request, parameters: parameters, caller: caller,
                session: admitted.session)
            if route.isLimited {
                call.charge = { admission.charge($0, to: caller, request) }
            }
            entry.subject = call.namedNumber
            var response = try await Self.handle(call, route, admission.archive)
            if route.isPage, let renewed = call.session.flatMap(admission.sessions.renewed),
                response.headers["Set-Cookie"] == nil
            {
                response.headers["Set-Cookie"] = renewed
            }
            return entry.end(Self.compressed(response, of: route, for: request))
        } catch {
            return entry.end(failedWith: error, as: route.errors, to: request)
        }
    }

    private static let compressedTypes: Set<String> = [
        "application/json", "application/x-ndjson", "text/csv", "application/atom+xml",
    ]

    /// Smaller, where the client takes it so and it is data. Nodes' clients are answered as nodes do.
    private static func compressed(
        _ response: HTTPResponse, of route: Route, for request: HTTPRequest
    ) -> HTTPResponse {
        guard route.template.hasPrefix("/v1/") || route.template == "/openapi.json" else {
            return response
        }
        let type = response.headers["Content-Type"].map { String($0.prefix { $0 != ";" }) }
        let isData = type.map(compressedTypes.contains) ?? (response.status == 304)
        return isData ? response.compressed(for: request) : response
    }

    /// What is done and read for the call, its stream included, is done by its caller.
    private static func handle(
        _ call: Call, _ route: Route, _ archive: Archive
    ) async throws -> HTTPResponse {
        let (vault, generation) = (archive.vault, archive.vault.generation)
        let actor: AuditActor
        switch (call.caller?.token, route.access) {
        case (let token?, _): actor = .token(token)
        case (nil, .anyoneOrReader): actor = .anyone
        case (nil, _): return try await route.handler(call)
        }
        var response = try await AuditActor.$current.withValue(actor) {
            try await route.handler(call)
        }
        if case .stream(let write) = response.body {
            response.body = .stream { writer in
                try await AuditActor.$current.withValue(actor) { try await write(writer) }
            }
        }
        return try vault.cutAtForget(response, since: generation)
    }
}
