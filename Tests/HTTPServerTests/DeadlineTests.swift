import Foundation
import HTTPServer
import Synchronization
import Testing

extension OverSockets {
    @Suite("Deadlines over a socket")
    struct DeadlineTests {
        static func deadlines(_ change: (inout HTTPDeadlines) -> Void) -> HTTPDeadlines {
            var deadlines = HTTPDeadlines()
            change(&deadlines)
            return deadlines
        }

        /// Sends a byte every 20 ms until the other side ends the connection, and says for how long
        /// that went; nil after ten seconds.
        static func trickle(_ client: RawClient, _ start: String, _ next: String) throws
            -> Duration?
        {
            let began = ContinuousClock.now
            try client.send(start)
            while began.duration(to: .now) < .seconds(10) {
                if client.hasEnded() { return began.duration(to: .now) }
                do {
                    try client.send(next)
                } catch is RawClient.Trouble {
                    return began.duration(to: .now)
                }
                Thread.sleep(forTimeInterval: 0.02)
            }
            return nil
        }

        private func outcomes(
            _ deadlines: HTTPDeadlines, _ body: @escaping @Sendable (UInt16) throws -> Duration?
        ) async throws -> (Duration?, [HTTPExchange.Outcome]) {
            let seen = Mutex<[HTTPExchange.Outcome]>([])
            let took = try await withServer(
                deadlines: deadlines,
                observe: { exchange in seen.withLock { $0.append(exchange.outcome) } },
                handler: { _ in .text("ok") }, body)
            return (took, seen.withLock { $0 })
        }

        @Test("A header sent a byte at a time is cut at its deadline")
        func slowHeader() async throws {
            let (took, seen) = try await outcomes(Self.deadlines { $0.header = .milliseconds(300) })
            {
                try Self.trickle(RawClient(port: $0), "GET / HTTP/1.1\r\nHost: h\r\nX: ", "x")
            }
            #expect(try #require(took) >= .milliseconds(250))
            #expect(try #require(took) < .seconds(5))
            #expect(seen == [.headerDeadline])
        }

        @Test("A request line sent a byte at a time is cut, and so is a silent connection")
        func slowRequestLine() async throws {
            let deadlines = Self.deadlines { $0.header = .milliseconds(300) }
            let (took, _) = try await outcomes(deadlines) {
                try Self.trickle(RawClient(port: $0), "GET /", "x")
            }
            #expect(try #require(took) < .seconds(5))
            let (silent, _) = try await outcomes(deadlines) { port in
                let client = try RawClient(port: port)
                let began = ContinuousClock.now
                #expect(try client.readToEnd().isEmpty)
                return began.duration(to: .now)
            }
            #expect(try #require(silent) >= .milliseconds(250))
        }

        @Test("A body sent a byte at a time is cut at its deadline")
        func slowBody() async throws {
            let (took, seen) = try await outcomes(Self.deadlines { $0.body = .milliseconds(300) }) {
                try Self.trickle(
                    RawClient(port: $0),
                    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", "x")
            }
            #expect(try #require(took) >= .milliseconds(250))
            #expect(try #require(took) < .seconds(5))
            #expect(seen == [.bodyDeadline])
        }

        @Test("An idle connection is closed after its last answer")
        func idle() async throws {
            let (took, seen) = try await outcomes(Self.deadlines { $0.idle = .milliseconds(300) }) {
                port in
                let client = try RawClient(port: port)
                try client.request("GET", "/")
                _ = try client.readResponse()
                let began = ContinuousClock.now
                #expect(try client.readToEnd().isEmpty)
                return began.duration(to: .now)
            }
            #expect(try #require(took) >= .milliseconds(250))
            #expect(seen == [.completed])
        }

        @Test("A handler past its deadline is cancelled, answered for, and its late answer dropped")
        func handler() async throws {
            let cancelled = Counter()
            let (first, second) = try await withServer(
                deadlines: Self.deadlines { $0.handler = .seconds(1) }
            ) { request in
                guard request.path == "/slow" else { return .text("fast") }
                try? await Task.sleep(for: .seconds(60))
                if Task.isCancelled { cancelled.increment() }
                return .text("late")
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/slow")
                let first = try client.readResponse()
                #expect(cancelled.waitUntil(1))
                try client.request("GET", "/fast")
                return (first, try client.readResponse()?.text)
            }
            #expect(first?.status == 503)
            #expect(first?.text.contains("http.too-slow") == true)
            #expect(first?.headers["retry-after"] == "1")
            #expect(second == "fast")
        }

        @Test("Handlers that ignore their cancellation are counted, and bounded")
        func stuckHandlers() async throws {
            let gate = Gate()
            var limits = HTTPLimits()
            limits.handlers = 2
            let statuses = try await withServer(
                limits: limits, deadlines: Self.deadlines { $0.handler = .milliseconds(100) }
            ) { request in
                // Not this task's cancellation.
                if request.path == "/stuck" { await Task.detached { await gate.opened() }.value }
                return .text("ok")
            } _: { port in
                let client = try RawClient(port: port)
                let statuses = try ["/stuck", "/stuck", "/refused"].map { path in
                    try client.request("GET", path)
                    let response = try client.readResponse()
                    return
                        "\(response?.status ?? 0) \(response?.text.contains("http.busy") == true)"
                }
                gate.open()
                return statuses
            }
            #expect(statuses == ["503 false", "503 false", "503 true"])
        }

        @Test("A reader that takes nothing of a large answer is cut", arguments: [true, false])
        func writeStall(isStream: Bool) async throws {
            let record = StreamRecord()
            let seen = Mutex<[HTTPExchange.Outcome]>([])
            let received = try await withServer(
                deadlines: Self.deadlines { $0.writeStall = .milliseconds(400) },
                observe: { exchange in seen.withLock { $0.append(exchange.outcome) } }
            ) { _ in
                isStream
                    ? record.endless()
                    : HTTPResponse(
                        status: 200, body: .bytes([UInt8](repeating: 1, count: 64 << 20)))
            } _: { port in
                let client = try RawClient(port: port, receiveBuffer: 16 << 10)
                try client.request("GET", "/")
                for _ in 0..<2000 where seen.withLock({ $0.isEmpty }) {
                    Thread.sleep(forTimeInterval: 0.005)
                }
                return try client.readToEnd().count
            }
            #expect(seen.withLock { $0 } == [.writeStall])
            #expect(received < 16 << 20)
            if isStream { #expect(record.errors == [.disconnected]) }
        }

        @Test("A slow reader that keeps reading is not cut")
        func slowReader() async throws {
            let size = 2 << 20
            let count = try await withServer(
                deadlines: Self.deadlines { $0.writeStall = .milliseconds(400) }
            ) { _ in
                HTTPResponse(status: 200, body: .bytes([UInt8](repeating: 1, count: size)))
            } _: { port in
                let client = try RawClient(port: port, receiveBuffer: 16 << 10)
                try client.request("GET", "/", headers: ["Connection: close"])
                var count = 0
                // Slower than everything in one deadline.
                for _ in 0..<15 {
                    Thread.sleep(forTimeInterval: 0.1)
                    try client.fill(atMost: 20_000)
                    count += client.pending
                    client.discardPending()
                }
                return count + (try client.readToEnd().count)
            }
            #expect(count >= size)
        }

        @Test("A stream that says nothing for long is not cut while its reader is there")
        func silentStream() async throws {
            let gate = Gate()
            let record = StreamRecord()
            let text = try await withServer(
                deadlines: Self.deadlines {
                    $0.writeStall = .milliseconds(200)
                    $0.idle = .milliseconds(200)
                    $0.body = .milliseconds(200)
                    $0.header = .milliseconds(200)
                }
            ) { _ in
                record.silent(until: gate)
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/")
                _ = try client.readHead()
                Thread.sleep(forTimeInterval: 1)
                gate.open()
                return String(decoding: try client.readToEnd(), as: UTF8.self)
            }
            #expect(text.contains("hello"))
            #expect(text.contains(" bye"))
            #expect(text.hasSuffix("0\r\n\r\n"))
        }
    }
}
