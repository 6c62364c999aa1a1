import HTTPServer
import Testing

/// Starts a server on loopback, runs `body` with its port on a thread, and stops it.
func withServer<T: Sendable>(
    limits: HTTPLimits = HTTPLimits(), deadlines: HTTPDeadlines = HTTPDeadlines(),
    observe: (@Sendable (HTTPExchange) -> Void)? = nil,
    handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse,
    _ body: @escaping @Sendable (UInt16) throws -> T
) async throws -> T {
    let server = try HTTPServer(
        configuration: HTTPServerConfiguration(
            limits: limits, deadlines: deadlines, observe: observe),
        handler: handler)
    let port = server.port
    do {
        let result = try await onThread { try body(port) }
        await server.shutdown(grace: .zero)
        return result
    } catch {
        await server.shutdown(grace: .zero)
        throw error
    }
}

extension OverSockets {
    @Suite("Requests and answers over a socket")
    struct ServerTests {
        static let echo: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
            var response = HTTPResponse.text("\(request.method) \(request.path)|")
            if case .bytes(let start) = response.body {
                response.body = .bytes(start + request.body)
            }
            return response
        }

        @Test("A connection is kept for the next request, also after a body")
        func keepAlive() async throws {
            let answers = try await withServer(handler: Self.echo) { port in
                let client = try RawClient(port: port)
                var answers: [String?] = []
                try client.request("GET", "/one")
                answers.append(try client.readResponse()?.text)
                try client.request("POST", "/two", body: Array("body".utf8))
                answers.append(try client.readResponse()?.text)
                try client.request("GET", "/three")
                answers.append(try client.readResponse()?.text)
                return answers
            }
            #expect(answers == ["GET /one|", "POST /two|body", "GET /three|"])
        }

        @Test("Requests sent in one go are answered in order")
        func pipelining() async throws {
            let answers = try await withServer(handler: Self.echo) { port in
                let client = try RawClient(port: port)
                try client.send(
                    (0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
                return try (0..<50).map { _ in try client.readResponse()?.text }
            }
            #expect(answers == (0..<50).map { "GET /\($0)|" })
        }

        @Test("A stream arrives whole and the connection is kept after it")
        func stream() async throws {
            let (stream, next) = try await withServer { request in
                guard request.path == "/stream" else { return .text("next") }
                return HTTPResponse(
                    status: 200,
                    body: .stream { writer in
                        for index in 0..<1000 { try await writer.write("line \(index)\n") }
                    })
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/stream")
                let stream = try client.readResponse()
                try client.request("GET", "/next")
                return (stream, try client.readResponse()?.text)
            }
            #expect(stream?.isComplete == true)
            #expect(stream?.text == (0..<1000).map { "line \($0)\n" }.joined())
            #expect(next == "next")
        }

        @Test("A stream whose body throws ends without its closing chunk, and its socket is closed")
        func failingStream() async throws {
            struct Oops: Error {}
            let server = try HTTPServer(configuration: HTTPServerConfiguration()) { _ in
                HTTPResponse(
                    status: 200,
                    body: .stream { writer in
                        try await writer.write("half")
                        // The connection is suspended by then, most of the time.
                        try await Task.sleep(for: .milliseconds(5))
                        throw Oops()
                    })
            }
            let port = server.port
            let responses = try await onThread {
                try (0..<20).map { _ in
                    let client = try RawClient(port: port)
                    try client.request("GET", "/")
                    return try client.readResponse()
                }
            }
            #expect(responses.count == 20)
            for response in responses {
                #expect(response?.status == 200)
                #expect(response?.text == "half")
                #expect(response?.isComplete == false)
            }
            #expect(await eventually(seconds: 4) { server.connectionCount == 0 })
            await server.shutdown(grace: .zero)
        }
    }
}
