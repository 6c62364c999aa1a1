import Foundation
import Glibc
import NodeClient
import Testing

/// Posting to the operator's webhook.
@Suite struct WebhookTests {
    private func webhook(_ url: String, deadline: Duration = .seconds(20)) throws -> WebhookClient {
        WebhookClient(endpoint: try NodeEndpoint(url), deadline: deadline)
    }

    private func failure(_ operation: () async throws -> Void) async -> WebhookError.Kind? {
        do {
            try await operation()
            return nil
        } catch {
            return (error as? WebhookError)?.kind
        }
    }

    @Test func aDocumentArrivesAsItIs() async throws {
        let server = try TestServer { _, connection in connection.answer("thanks") }
        defer { server.stop() }
        try await webhook(server.url + "/hook").post(
            Array(#"{"event":"forgotten"}"#.utf8), headers: ["X-Signature: abc"])
        let request = try #require(server.requests.first)
        #expect(request.head.hasPrefix("POST /hook HTTP/1.1\r\n"))
        #expect(request.header("Content-Type") == "application/json")
        #expect(request.header("X-Signature") == "abc")
        #expect(request.body == Data(#"{"event":"forgotten"}"#.utf8))
    }

    @Test(arguments: ["301 Moved Permanently", "400 Bad Request", "500 Internal Server Error"])
    func onlyAStatusOfSuccessIsOne(status: String) async throws {
        let server = try TestServer { _, connection in
            connection.answer("", status: status, headers: ["Location: /elsewhere"])
        }
        defer { server.stop() }
        let code = Int(status.prefix(3)) ?? 0
        #expect(await failure { try await webhook(server.url).post([]) } == .refused(status: code))
        #expect(server.requests.count == 1)
    }

    @Test func oneThatSaysNothingIsGivenUp() async throws {
        let server = try TestServer { _, connection in connection.waitForEnd() }
        defer { server.stop() }
        let hook = try webhook(server.url, deadline: .milliseconds(200))
        #expect(await failure { try await hook.post([1]) } == .timedOut)
    }

    @Test func oneThatIsNotThereIsToldSoWithoutItsCredentials() async throws {
        let (socket, port) = try TestServer.bound()
        defer { close(socket) }
        do {
            try await webhook("http://user:secret@127.0.0.1:\(port)/key").post([1])
            Issue.record("posted to nobody")
        } catch let error as WebhookError {
            #expect(error.kind == .unreachable)
            #expect(error.retryable)
            #expect(error.subject == "http://127.0.0.1:\(port)")
        }
    }
}
