import HTTPServer
import Testing

extension OverSockets {
    @Suite("Limits on requests over a socket")
    struct RequestLimitTests {
        static let count: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
            .text("\(request.body.count)")
        }

        static let limits: HTTPLimits = {
            var limits = HTTPLimits()
            limits.bodyBytes = 100_000
            limits.headerBytes = 4096
            limits.targetBytes = 1024
            return limits
        }()

        /// The status of each answer on one connection, nil where it ended instead.
        private func statuses(
            _ requests: [[UInt8]], limits: HTTPLimits = limits
        ) async throws -> [Int?] {
            try await withServer(limits: limits, handler: Self.count) { port in
                let client = try RawClient(port: port)
                return try requests.map { request in
                    do { try client.send(request) } catch is RawClient.Trouble {}
                    return try client.readResponse()?.status
                }
            }
        }

        private func text(_ lines: String...) -> [UInt8] {
            Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        }

        private let good = Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)

        @Test("What is refused without harm leaves the connection usable")
        func keptOpen() async throws {
            let long = String(repeating: "x", count: 2000)
            let body = [UInt8](repeating: 1, count: 100_001)
            #expect(
                try await statuses([
                    text("GET /%zz HTTP/1.1", "Host: h"), good,
                    text("GET /\(long) HTTP/1.1", "Host: h"), good,
                    text("GET / HTTP/1.1", "Host: h", "A: \(long)", "B: \(long)", "C: \(long)"),
                    good,
                    text("POST / HTTP/1.1", "Host: h", "Content-Length: 100001") + body, good,
                    text("GET /?\(String(repeating: "a&", count: 65)) HTTP/1.1", "Host: h"), good,
                ]) == [400, 200, 414, 200, 431, 200, 413, 200, 400, 200])
        }

        @Test("Headers and targets beyond libmicrohttpd's memory are refused by it")
        func beyondMemory() async throws {
            let long = String(repeating: "x", count: 100_000)
            #expect(try await statuses([text("GET /\(long) HTTP/1.1", "Host: h")]) == [414])
            #expect(try await statuses([text("GET / HTTP/1.1", "Host: h", "A: \(long)")]) == [431])
            let many = (0..<20_000).map { "h\($0): v" }.joined(separator: "\r\n")
            #expect(try await statuses([text("GET / HTTP/1.1", "Host: h", many)]) == [431])
        }

        @Test("Ambiguous framing is answered and the connection closed")
        func framing() async throws {
            let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
            #expect(
                try await statuses([
                    text(
                        "POST / HTTP/1.1", "Host: h", "Content-Length: \(smuggled.utf8.count)",
                        "Transfer-Encoding: chunked") + Array(smuggled.utf8),
                    good,
                ]) == [400, nil])
            #expect(
                try await statuses([
                    text("POST / HTTP/1.1", "Host: h", "Content-Length: 1", "Content-Length: 2"),
                    good,
                ]) == [400, nil])
            #expect(try await statuses([text("GET / HTTP/1.1")]) == [400])
            #expect(try await statuses([text("nonsense")]).first != 200)
        }

        @Test("Bodies arrive whole, with a length and in chunks")
        func bodies() async throws {
            let answers = try await withServer(limits: Self.limits, handler: Self.count) { port in
                let client = try RawClient(port: port)
                try client.request("POST", "/", body: [UInt8](repeating: 7, count: 100_000))
                let whole = try client.readResponse()?.text
                try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                for _ in 0..<10 {
                    try client.send("2710\r\n" + String(repeating: "x", count: 10_000) + "\r\n")
                }
                try client.send("0\r\n\r\n")
                let chunked = try client.readResponse()?.text
                try client.send(
                    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
                return [whole, chunked, (try client.readResponse()?.status).map { "\($0)" }]
            }
            #expect(answers == ["100000", "100000", "400"])
        }

        @Test("An endless body is refused, with bounded memory, and cut")
        func endlessBody() async throws {
            let sent = try await withServer(limits: Self.limits, handler: Self.count) { port in
                let client = try RawClient(port: port)
                try client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
                let chunk = Array(
                    ("100000\r\n" + String(repeating: "x", count: 1 << 20) + "\r\n").utf8)
                var sent = 0
                do {
                    while sent < 100 {
                        try client.send(chunk)
                        sent += 1
                    }
                } catch is RawClient.Trouble {}
                return sent
            }
            #expect((1..<40).contains(sent))
        }

        @Test("A body announced as huge is refused before it is sent")
        func announced() async throws {
            #expect(
                try await statuses([
                    text("POST / HTTP/1.1", "Host: h", "Content-Length: 9000000000"), good,
                ]) == [413, nil])
            #expect(
                try await statuses([
                    text(
                        "POST / HTTP/1.1", "Host: h", "Content-Length: 100001",
                        "Expect: 100-continue"
                    )
                ]) == [413])
        }

        @Test("100 Continue is sent to those who wait for it")
        func continues() async throws {
            let answers = try await withServer(limits: Self.limits, handler: Self.count) { port in
                let client = try RawClient(port: port)
                try client.send(
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
                )
                let first = try client.readResponse()?.status
                try client.send("abc")
                let second = try client.readResponse()
                return (first, second?.status, second?.text)
            }
            #expect(answers == (100, 200, "3"))
        }

        @Test("Bodies held at once are bounded together")
        func bodiesTogether() async throws {
            var limits = Self.limits
            limits.bodyBytesTogether = 150_000
            let release = Gate()
            let held = Counter()
            let (first, second, third) = try await withServer(limits: limits) { request in
                if request.path == "/held" {
                    held.increment()
                    await release.opened()
                }
                return .text("\(request.body.count)")
            } _: { port in
                let one = try RawClient(port: port)
                let two = try RawClient(port: port)
                let body = [UInt8](repeating: 1, count: 100_000)
                try one.request("POST", "/held", body: body)
                #expect(held.waitUntil(1))
                try two.request("POST", "/", body: body)
                let refused = try two.readResponse()
                release.open()
                let answer = try one.readResponse()
                try two.request("POST", "/", body: body)
                return (refused, answer?.text, try two.readResponse()?.status)
            }
            #expect(first?.status == 503)
            #expect(first?.headers["retry-after"] == "1")
            #expect(second == "100000")
            #expect(third == 200)
        }

        @Test("HEAD has the length and no body, also of a stream")
        func head() async throws {
            let answers = try await withServer { request in
                request.path == "/stream"
                    ? HTTPResponse(status: 200, body: .stream { try await $0.write("never") })
                    : .text("body")
            } _: { port in
                let client = try RawClient(port: port)
                var answers: [String?] = []
                try client.request("HEAD", "/")
                answers.append(try client.readResponse(toHead: true)?.headers["content-length"])
                try client.request("GET", "/")
                answers.append(try client.readResponse()?.text)
                try client.request("HEAD", "/stream")
                answers.append(try client.readResponse(toHead: true).map { "\($0.status)" })
                answers.append(String(decoding: try client.readToEnd(), as: UTF8.self))
                return answers
            }
            #expect(answers == ["4", "body", "200", ""])
        }

        @Test("A field that cannot be sent makes the answer a 500, and framing is the server's")
        func invalidResponse() async throws {
            let (bad, good) = try await withServer { request in
                request.path == "/bad"
                    ? HTTPResponse(status: 200, headers: ["X": "a\r\nSet-Cookie: b"])
                    : HTTPResponse(
                        status: 200, headers: ["Content-Length": "999", "X-Own": "kept"],
                        body: .bytes([65]))
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/bad")
                let bad = try client.readResponse()
                try client.request("GET", "/good")
                return (bad, try client.readResponse())
            }
            #expect(bad?.status == 500)
            #expect(bad?.headers["set-cookie"] == nil)
            #expect(good?.text == "A")
            #expect(good?.headers["x-own"] == "kept")
        }

        @Test("The handler sees what was sent")
        func request() async throws {
            let text = try await withServer { request in
                .text(
                    "\(request.method) \(request.path) \(request.query["q"] ?? "-") "
                        + "\(request.headers["x-thing"] ?? "-") \(request.remoteAddress)")
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("PATCH", "/a%20b?q=%2B", headers: ["X-Thing: one"])
                return try client.readResponse()?.text
            }
            #expect(text == "PATCH /a b + one 127.0.0.1")
        }
    }
}
