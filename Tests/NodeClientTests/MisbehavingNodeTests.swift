import Foundation
import Glibc
import NodeClient
import Tangle
import Ternary
import Testing

/// Each way of not answering is told apart.
@Suite struct MisbehavingNodeTests {
    /// What `getNodeInfo` comes to against a node that behaves like `script`.
    private func outcome(
        _ change: (inout NodeClientConfiguration) -> Void = { _ in },
        _ script: @escaping @Sendable (TestConnection) -> Void
    ) async throws -> NodeError.Kind? {
        let server = try TestServer { _, connection in script(connection) }
        defer { server.stop() }
        let client = try client(server, change)
        return await failure { try await client.nodeInfo() }
    }

    @Test func htmlIsNotJSON() async throws {
        let kind = try await outcome { $0.answer("<html><body>Welcome to nginx!</body></html>") }
        #expect(kind == .notJSON)
    }

    @Test func anArrayIsAnUnexpectedAnswer() async throws {
        let kind = try await outcome { $0.answer("[1,2]") }
        #expect(kind == .unexpectedAnswer("a value of a wrong kind"))
    }

    @Test func halfAnObjectIsTruncated() async throws {
        let kind = try await outcome { $0.answer(#"{"appName":"IRI","appVersion":"1.8"#) }
        #expect(kind == .truncated)
    }

    @Test func anEmptyBodyIsTruncated() async throws {
        #expect(try await outcome { $0.answer("") } == .truncated)
    }

    @Test func aMissingFieldIsNamed() async throws {
        let kind = try await outcome { $0.answer(#"{"appName":"IRI","duration":0}"#) }
        #expect(kind == .unexpectedAnswer("no appVersion"))
    }

    @Test func anEndlessBodyIsCutOff() async throws {
        let server = try TestServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\n\r\n{\"appName\":\"")
            while connection.send(String(repeating: "A", count: 4096)) {}
        }
        defer { server.stop() }
        let client = try client(server)
        let kind = await failure { try await client.nodeInfo() }
        guard case .tooLarge(let limit) = kind else {
            Issue.record("\(String(describing: kind))")
            return
        }
        #expect(limit > 0 && limit < 1_000_000)
    }

    @Test func endlessHeadersAreCutOff() async throws {
        let kind = try await outcome { connection in
            connection.send("HTTP/1.1 200 OK\r\n")
            while connection.send("X-More: \(String(repeating: "a", count: 1000))\r\n") {}
        }
        #expect(kind == .notHTTP)
    }

    @Test func silenceIsAStall() async throws {
        let kind = try await outcome({ $0.stallTime = .seconds(1) }) { $0.waitForEnd() }
        #expect(kind == .stalled)
    }

    @Test func aTrickleIsAStall() async throws {
        let kind = try await outcome({ $0.stallTime = .seconds(1) }) { connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
            while connection.send(" ") { usleep(50_000) }
        }
        #expect(kind == .stalled)
    }

    @Test func aSteadyAnswerThatDoesNotEndMeetsTheDeadline() async throws {
        let kind = try await outcome({ $0.deadline = .milliseconds(300) }) { connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
            while connection.send(String(repeating: " ", count: 50)) { usleep(10_000) }
        }
        #expect(kind == .timedOut)
    }

    @Test func aConnectionClosedEarlyIsLost() async throws {
        let inBody = try await outcome { connection in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"appName\":\"IRI\"")
            connection.hangUp()
        }
        #expect(inBody == .connectionLost)
        let beforeAnswer = try await outcome { $0.hangUp() }
        #expect(beforeAnswer == .connectionLost)
    }

    @Test func anotherProtocolIsNotHTTP() async throws {
        let kind = try await outcome { connection in
            connection.send("220 mail.example.net ESMTP\r\n")
            connection.hangUp()
        }
        #expect(kind == .notHTTP)
    }

    @Test func aRedirectIsNotFollowed() async throws {
        let target = try TestServer { _, connection in
            connection.answer(#"{"appName":"IRI","appVersion":"1"}"#)
        }
        defer { target.stop() }
        let location = "Location: \(target.url)/"
        for status in [301, 302, 307, 308] {
            let kind = try await outcome {
                $0.answer("", status: "\(status) Elsewhere", headers: [location])
            }
            #expect(kind == .redirected(status: status))
        }
        #expect(target.requests.isEmpty)
    }

    @Test func statusesAndErrorsAreToldApart() async throws {
        let cases: [(status: String, body: String, kind: NodeError.Kind, isRetryable: Bool)] = [
            (
                "400 Bad Request", #"{"error":"Invalid API Version","duration":0}"#,
                .apiError(status: 400, text: "Invalid API Version"), false
            ),
            (
                "401 Unauthorized",
                #"{"error":"COMMAND getNodeInfo is not available on this node","duration":0}"#,
                .commandNotAvailable("COMMAND getNodeInfo is not available on this node"), false
            ),
            (
                "500 Internal Server Error", #"{"exception":"NullPointerException","duration":1}"#,
                .exception(status: 500, text: "NullPointerException"), true
            ),
            (
                "503 Service Unavailable", #"{"error":"node is not synced"}"#,
                .apiError(status: 503, text: "node is not synced"), true
            ),
            ("503 Service Unavailable", "<html>", .http(status: 503), true),
            ("429 Too Many Requests", "", .http(status: 429), true),
            ("404 Not Found", "not here", .http(status: 404), false),
            ("200 OK", #"{"error":"odd"}"#, .apiError(status: 200, text: "odd"), false),
        ]
        for (status, body, kind, isRetryable) in cases {
            let outcome = try await outcome { $0.answer(body, status: status) }
            #expect(outcome == kind)
            let error = NodeError(kind, operation: "test", endpoint: nil)
            #expect(error.retryable == isRetryable, "\(status)")
        }
    }

    @Test func aNodesWordsAreBoundedAndPrintable() async throws {
        let text = String(repeating: "x", count: 5000)
        let kind = try await outcome {
            $0.answer(#"{"error":"a\u001b[31m\n\"é\#(text)"}"#, status: "400 Bad Request")
        }
        guard case .apiError(400, let shown) = kind else {
            Issue.record("\(String(describing: kind))")
            return
        }
        #expect(shown.count == 200)
        #expect(shown.hasPrefix("a?[31m???x"))
    }

    @Test func aRefusedConnectionIsUnreachable() async throws {
        let (socket, port) = try TestServer.bound()
        defer { close(socket) }
        let client = NodeClient(
            endpoint: try NodeEndpoint("http://127.0.0.1:\(port)"),
            configuration: quickConfiguration())
        let kind = await failure { try await client.nodeInfo() }
        #expect(kind == .unreachable(.noConnection))
    }

    @Test func plainHTTPWhereTLSWasExpectedIsRefused() async throws {
        let server = try TestServer(greeting: "HTTP/1.1 400 Bad Request\r\n\r\n") { _, _ in }
        defer { server.stop() }
        let client = NodeClient(
            endpoint: try NodeEndpoint("https://127.0.0.1:\(server.port)"),
            configuration: quickConfiguration())
        let kind = await failure { try await client.nodeInfo() }
        #expect(kind == .unreachable(.tls))
    }

    @Test func aServerThatNeverFinishesTLSMeetsTheConnectTimeout() async throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        var configuration = quickConfiguration()
        configuration.connectTimeout = .milliseconds(200)
        let client = NodeClient(
            endpoint: try NodeEndpoint("https://127.0.0.1:\(server.port)"),
            configuration: configuration)
        let kind = await failure { try await client.nodeInfo() }
        #expect(kind == .unreachable(.connectTimeout))
    }

    @Test func everyPrefixOfAnAnswerIsTruncated() async throws {
        let whole = #"{"appName":"I\"}RI","appVersion":"1.8.6","features":["a","b"],"duration":0}"#
        let server = try TestServer { request, connection in
            let number = Int(request.head.split(separator: " ")[1].dropFirst()) ?? 0
            connection.answer(String(whole.prefix(number)))
        }
        defer { server.stop() }
        let transport = CurlTransport()
        for length in 0...whole.count {
            let client = NodeClient(
                endpoint: try NodeEndpoint("\(server.url)/\(length)"),
                configuration: quickConfiguration(), transport: transport)
            let kind = await failure { try await client.nodeInfo() }
            #expect(kind == (length < whole.count ? .truncated : nil), "\(length)")
        }
        #expect(server.requests.count == whole.count + 1)
    }
}
