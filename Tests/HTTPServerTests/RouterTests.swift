import Foundation
import HTTPServer
import Testing

@Suite("Router")
struct RouterTests {
    static let router: Router = {
        var router = Router()
        router.register("GET", "/") { _, _ in .text("root") }
        router.register("GET", "/v1/channels") { _, _ in .text("list") }
        router.register("POST", "/v1/channels") { _, _ in .text("add", status: 201) }
        router.register("GET", "/v1/channels/{id}") { _, parameters in
            .text("channel \(parameters["id"] ?? "?")")
        }
        router.register("GET", "/v1/channels/{id}/messages/{sequence}/bundle") { _, parameters in
            .text("\(parameters["id"] ?? "?") \(parameters["sequence"] ?? "?")")
        }
        router.register("GET", "/v1/channels/recent") { _, _ in .text("recent") }
        router.register("DELETE", "/v1/channels/{channel}") { _, parameters in
            .text("deleted \(parameters["channel"] ?? "?")")
        }
        router.register("OPTIONS", "/open") { _, _ in .text("own options") }
        return router
    }()

    static func ask(_ method: String, _ target: String) async throws -> (HTTPResponse, String) {
        let response = await router.respond(to: try HTTPRequest(method: method, target: target))
        return (response, String(decoding: try await response.collectedBody(), as: UTF8.self))
    }

    @Test(
        "Paths find their handlers",
        arguments: [
            ("GET", "/", "root"), ("GET", "/v1/channels?limit=1", "list"),
            ("POST", "/v1/channels", "add"), ("GET", "/v1/channels/abc", "channel abc"),
            ("GET", "/v1/channels/a%2Fb", "channel a/b"),
            ("GET", "/v1/channels/recent", "recent"),
            ("GET", "/v1/channels/x/messages/7/bundle", "x 7"),
            ("DELETE", "/v1/channels/abc", "deleted abc"), ("HEAD", "/v1/channels", "list"),
            ("OPTIONS", "/open", "own options"),
        ])
    func found(method: String, target: String, text: String) async throws {
        #expect(try await Self.ask(method, target).1 == text)
    }

    @Test(
        "Unknown paths are 404",
        arguments: [
            "/v1", "/v1/", "/v1/channels/", "/v2/channels", "/v1/channels/a/b", "//v1/channels",
            "/v1/channels/x/messages//bundle", "*",
        ])
    func notFound(target: String) async throws {
        let (response, body) = try await Self.ask("GET", target)
        #expect(response.status == 404)
        #expect(response.headers["content-type"] == "application/problem+json")
        let problem = try JSONDecoder().decode(ProblemDetails.self, from: Data(body.utf8))
        #expect(problem.code == "http.not-found")
        #expect(problem.status == 404)
        #expect(problem.title == "Not Found")
        #expect(problem.type == "about:blank")
    }

    @Test("Unknown methods are 405 and told the known ones")
    func methods() async throws {
        let (put, _) = try await Self.ask("PUT", "/v1/channels/abc")
        #expect(put.status == 405)
        #expect(put.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS")
        // The literal path hides the template, as OpenAPI has it.
        let (hidden, _) = try await Self.ask("DELETE", "/v1/channels/recent")
        #expect(hidden.status == 405)
        #expect(hidden.headers["Allow"] == "GET, HEAD, OPTIONS")
    }

    @Test("OPTIONS tells the methods")
    func options() async throws {
        let (one, _) = try await Self.ask("OPTIONS", "/v1/channels")
        #expect(one.status == 204)
        #expect(one.headers["Allow"] == "GET, HEAD, OPTIONS, POST")
        let (all, _) = try await Self.ask("OPTIONS", "*")
        #expect(all.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, POST")
    }

    @Test("Routes are listed as they were registered, once each")
    func routes() {
        var router = Self.router
        router.register("GET", "/") { _, _ in .text("replaced") }
        let routes = router.routes.map { "\($0.method) \($0.template)" }
        #expect(routes.count == 8)
        #expect(Set(routes).count == 8)
        #expect(routes.contains("DELETE /v1/channels/{channel}"))
        #expect(routes.contains("GET /v1/channels/{id}/messages/{sequence}/bundle"))
    }

    @Test("A collected body is bounded")
    func collecting() async throws {
        let response = HTTPResponse(
            status: 200, body: .stream { for _ in 0..<3 { try await $0.write("1234") } })
        #expect(try await response.collectedBody(limit: 12).count == 12)
        await #expect(throws: HTTPStreamError.tooLarge(limit: 11)) {
            try await response.collectedBody(limit: 11)
        }
    }
}
