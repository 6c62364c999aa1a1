import Archive
import Diagnostics
import HTTPServer

/// Health, readiness and metrics alone: for processes that do not answer anything else.
package struct ProbeAPI: Sendable {
    private let router: Router

    /// - Parameter crawler: How the crawler of this process stands; nil where there is none.
    package init(
        archive: Archive, metrics: Metrics, log: Log, crawler: (@Sendable () -> String)? = nil
    ) {
        var router = Router()
        let routes = OperationRoutes(
            archive: archive, metrics: metrics, log: log.component("probes"), crawler: crawler
        ).probes
        for route in routes {
            router.register(route.method, route.template) { request, parameters in
                let call = Call(
                    request: request, parameters: parameters, caller: nil, session: nil)
                guard var answer = try? await route.handler(call) else {
                    return HTTPResponse(status: 500)
                }
                answer.headers["Cache-Control"] = "no-store"
                return answer
            }
        }
        self.router = router
    }

    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        await router.respond(to: request)
    }
}
