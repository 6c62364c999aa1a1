import Archive
import ArchiveTestSupport
import Diagnostics
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import TestSupport
import Testing
import Vault

/// What whoever runs the service sees.
@Suite struct OperationTests {
    @Test func theProcessIsAliveAndReady() async throws {
        try await TestAPI.with { api in
            #expect(try await api.get("/healthz", token: .none).text == "ok\n")
            let ready = try await api.get("/readyz", token: .none)
            #expect(ready.status == 200)
            #expect(ready.json["ready"] == .bool(true))
        }
    }

    @Test func aKeyRingThatIsGoneIsNotReady() async throws {
        try await TestAPI.with { api in
            try FileManager.default.removeItem(atPath: api.test.keyRing.path)
            let answer = try await api.get("/readyz", token: .none)
            #expect(answer.status == 503)
            #expect(answer.json["keyRing"] == .text("vault.ring-missing"))
            #expect(answer.json["database"] == .text("ok"))
            #expect(try await api.get("/healthz", token: .none).status == 200)
        }
    }

    @Test func anotherSchemaIsNotReady() async throws {
        try await TestAPI.with { api in
            _ = try await api.test.pool.withConnection {
                try await $0.execute("update permanode_schema set version = version + 1")
            }
            let answer = try await api.get("/readyz", token: .none)
            #expect(answer.status == 503)
            #expect(answer.json["database"] == .text("archive.schema-version"))
        }
    }

    @Test func aDatabaseThatIsAwayIsTriedLater() async throws {
        try await TestAPI.with { api in
            let pool = PostgresPool(
                configuration: try PostgresConfiguration(
                    url: "postgresql:///postgres?host=/nonexistent"))
            let away = try QueryAPI(
                archive: Archive(pool: pool, vault: api.test.vault), metrics: Metrics(),
                log: .silent)
            let request = try HTTPRequest(
                method: "GET", target: "/v1/channels",
                headers: ["Authorization": "Bearer \(api.admin)"])
            let answer = await away.respond(to: request)
            #expect(answer.status == 503)
            #expect(answer.headers["Retry-After"] != nil)
            let ready = await away.respond(to: try HTTPRequest(method: "GET", target: "/readyz"))
            #expect(ready.status == 503)
            let alive = await away.respond(to: try HTTPRequest(method: "GET", target: "/healthz"))
            #expect(alive.status == 200)
            await pool.shutdown()
        }
    }

    @Test func requestsAreCountedByRouteAndTellNothingOfChannels() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "events", clock: api.clock)
            for _ in 0..<3 { _ = try await api.get("/v1/channels/\(channel.text)/messages") }
            _ = try await api.get("/v1/channels/\(channel.text)/messages", token: .none)
            _ = try await api.get("/nowhere/\(channel.text)")
            let text = try await api.get("/metrics", token: .none).text
            let route = "route=\"GET /v1/channels/{id}/messages\""
            #expect(text.contains("permanode_http_requests_total{\(route),status=\"2xx\"} 3\n"))
            #expect(text.contains("permanode_http_requests_total{\(route),status=\"4xx\"} 1\n"))
            #expect(text.contains("permanode_http_request_seconds_count{\(route)} 4\n"))
            #expect(
                text.contains("permanode_http_requests_total{route=\"other\",status=\"4xx\"} 1\n"))
            #expect(!text.contains(channel.text))
        }
    }

    @Test func everyRequestIsLoggedOnceByItsRoute() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "events", clock: api.clock)
            let answer = try await api.get(
                "/v1/channels/\(channel.text)/messages?limit=2&order=position")
            let id = try #require(answer.headers["X-Request-Id"])
            let lines = api.logged.filter { $0.contains(id) }
            #expect(lines.count == 1)
            let line = try #require(lines.first)
            #expect(line.contains("route=/v1/channels/{id}/messages"))
            #expect(line.contains("status=200"))
            #expect(line.contains("id=\(channel.text)"))
            #expect(!line.contains("limit") && !line.contains("order"))
            let refused = try await api.get("/v1/channels?limit=0")
            let number = try #require(refused.headers["X-Request-Id"])
            #expect(
                api.logged.contains {
                    $0.contains(number) && $0.contains("status=400 ")
                        && $0.contains("code=request.parameter")
                })
            let other = try await api.get("/v1/channels/\(channel.text)/messages")
            #expect(other.headers["X-Request-Id"] != id)
            #expect(other.headers["Cache-Control"] == "no-store")
        }
    }

    @Test func unknownPathsAndMethodsAreProblems() async throws {
        try await TestAPI.with { api in
            let path = try await api.get("/v2/channels")
            #expect(path.status == 404)
            #expect(path.headers["X-Request-Id"] != nil)
            let method = try await api.call("DELETE", "/v1/channels")
            #expect(method.status == 405)
            #expect(method.headers["Allow"] == "GET, HEAD, OPTIONS, POST")
            let options = try await api.call("OPTIONS", "/v1/channels", token: .none)
            #expect(options.status == 204)
            let head = try await api.respond("HEAD", "/v1/channels")
            #expect(head.status == 200)
        }
    }
}
