/// Finds the handler for a method and path.
///
/// HEAD is answered by the handler for GET (the server leaves the body out), OPTIONS with the
/// methods allowed, an unknown path with 404 and an unknown method with 405; register a handler
/// for HEAD or OPTIONS to answer otherwise.
package struct Router: Sendable {
    package typealias Handler = @Sendable (HTTPRequest, PathParameters) async -> HTTPResponse

    /// What a request comes to.
    package enum Match: Sendable {
        case handler(template: String, PathParameters, Handler)
        case options(allow: [String])
        case methodNotAllowed(allow: [String])
        case notFound
    }

    private struct Route: Sendable {
        let method: String
        let template: PathTemplate
        let handler: Handler
    }

    /// The routes that fit the same paths, in order of registration; never empty.
    private struct Resource: Sendable {
        let template: PathTemplate
        var routes: [Route] = []

        var allowed: [String] {
            var names = routes.map(\.method)
            if names.contains("GET"), !names.contains("HEAD") { names.append("HEAD") }
            if !names.contains("OPTIONS") { names.append("OPTIONS") }
            return names.sorted()
        }

        func route(_ method: String) -> Route? {
            routes.first { $0.method == method }
                ?? (method == "HEAD" ? routes.first { $0.method == "GET" } : nil)
        }
    }

    private var resources: [Resource] = []

    package init() {}

    /// Every route as registered, to compare with an OpenAPI document.
    package var routes: [(method: String, template: String)] {
        resources.flatMap { resource in
            resource.routes.map { ($0.method, $0.template.text) }
        }
    }

    /// Adds a route. The template is a path with `{name}` for single segments; of several that
    /// fit a path the one with the earlier literal wins. A route registered again is replaced.
    package mutating func register(
        _ method: String, _ template: String, handler: @escaping Handler
    ) {
        let template = PathTemplate(template)
        let route = Route(method: method, template: template, handler: handler)
        guard let index = resources.firstIndex(where: { $0.template.shape == template.shape })
        else {
            resources.append(Resource(template: template, routes: [route]))
            return
        }
        resources[index].routes.removeAll { $0.method == method }
        resources[index].routes.append(route)
    }

    package func match(method: String, pathSegments: [String]) -> Match {
        var best: Resource?
        for resource in resources where resource.template.match(pathSegments) != nil {
            if let current = best, !resource.template.precedes(current.template) { continue }
            best = resource
        }
        guard let resource = best else { return .notFound }
        if let route = resource.route(method),
            let parameters = route.template.match(pathSegments)
        {
            return .handler(template: route.template.text, parameters, route.handler)
        }
        return method == "OPTIONS"
            ? .options(allow: resource.allowed) : .methodNotAllowed(allow: resource.allowed)
    }

    /// Answers a request; this is the handler to give to a server.
    package func respond(to request: HTTPRequest) async -> HTTPResponse {
        if request.path == "*", request.method == "OPTIONS" {
            let methods = Set(resources.flatMap(\.allowed)).sorted()
            return HTTPResponse(status: 204, headers: ["Allow": methods.joined(separator: ", ")])
        }
        switch match(method: request.method, pathSegments: request.pathSegments) {
        case .handler(_, let parameters, let handler):
            return await handler(request, parameters)
        case .options(let allow):
            return HTTPResponse(status: 204, headers: ["Allow": allow.joined(separator: ", ")])
        case .methodNotAllowed(let allow):
            return .problem(
                ProblemDetails(
                    status: 405, code: "http.method-not-allowed",
                    detail: "This path does not know that method."),
                headers: ["Allow": allow.joined(separator: ", ")])
        case .notFound:
            return .problem(
                ProblemDetails(
                    status: 404, code: "http.not-found", detail: "There is nothing at this path."))
        }
    }
}
