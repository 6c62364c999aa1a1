import Foundation
import NodeClient
import Testing

@Suite struct NodeEndpointTests {
    @Test func showsSchemeHostAndPortOnly() throws {
        let cases = [
            ("http://node.example", "http://node.example:80"),
            ("https://node.example/api", "https://node.example:443"),
            ("https://me:hush@node.example:14267/x?key=hush#hush", "https://node.example:14267"),
            ("http://[::1]:14265", "http://[::1]:14265"),
        ]
        for (text, shown) in cases {
            let endpoint = try NodeEndpoint(text)
            #expect(endpoint.description == shown)
            var dumped = ""
            dump(endpoint, to: &dumped)
            for appearance in ["\(endpoint)", String(reflecting: endpoint), dumped] {
                #expect(!appearance.contains("hush"))
            }
        }
    }

    @Test func refusesWhatIsNoNode() {
        let texts = [
            "", "node.example", "http://", "ftp://node.example", "file:///etc/passwd",
            "gopher://node.example", "http://node.example:99999", "http://a b", "://x",
            "http://me:hush@" + String(repeating: "a", count: 3000),
        ]
        for text in texts {
            do {
                _ = try NodeEndpoint(text)
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.code == "node.invalid-endpoint")
                #expect(!error.retryable)
                #expect(!error.operatorText.contains("hush"))
            }
        }
    }

    @Test func credentialsReachTheNodeAndNoText() async throws {
        let server = try TestServer { _, connection in
            connection.answer(#"{"error":"no"}"#, status: "400 Bad Request")
        }
        defer { server.stop() }
        let endpoint = try NodeEndpoint("http://me:hush@127.0.0.1:\(server.port)/api?key=hush")
        let client = NodeClient(endpoint: endpoint, configuration: quickConfiguration())
        do {
            _ = try await client.nodeInfo()
            Issue.record("there is no error")
        } catch let error as NodeError {
            var dumped = ""
            dump(error, to: &dumped)
            for text in [
                error.publicText, error.operatorText, "\(error)", String(reflecting: error), dumped,
                error.subject ?? "",
            ] {
                #expect(!text.contains("hush"))
            }
            #expect(error.subject == "http://127.0.0.1:\(server.port)")
        }
        let request = try #require(server.requests.first)
        let expected = "Basic " + Data("me:hush".utf8).base64EncodedString()
        #expect(request.header("Authorization") == expected)
        #expect(request.head.hasPrefix("POST /api?key=hush HTTP/1.1"))
    }
}
