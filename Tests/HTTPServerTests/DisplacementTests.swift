import Foundation
import HTTPServer
import Synchronization
import Testing

extension OverSockets {
    /// Who never finishes a request keeps nobody out.
    @Suite("Making room")
    struct DisplacementTests {
        private static func limits(_ connections: Int, perAddress: Int? = nil) -> HTTPLimits {
            var limits = HTTPLimits()
            limits.connections = connections
            limits.connectionsPerAddress = perAddress ?? connections
            return limits
        }

        private static let beginnings = [
            "", "GET /", "GET / HTTP/1.1\r\nHost: t\r\nX-Slow: a",
            "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nx",
        ]

        /// A connection that is known to the server, and where its request stands.
        private static func slow(_ port: UInt16, _ beginning: String, network: UInt8 = 0) throws
            -> RawClient
        {
            let client = try RawClient(port: port, network: network)
            try client.send(beginning)
            return client
        }

        /// Waits until the other side has ended one of some.
        private static func ended(of clients: [RawClient]) -> [Int] {
            for _ in 0..<2000 where !clients.contains(where: { $0.hasEnded() }) {
                Thread.sleep(forTimeInterval: 0.005)
            }
            return clients.indices.filter { clients[$0].hasEnded() }
        }

        @Test("A new client is answered, and the oldest without a whole request goes")
        func oldestGoes() async throws {
            let outcomes = Mutex<[HTTPExchange.Outcome]>([])
            let (status, ended, next, both) = try await withServer(
                limits: Self.limits(4),
                observe: { exchange in outcomes.withLock { $0.append(exchange.outcome) } },
                handler: { _ in .text("ok") }
            ) { port in
                let slow = try Self.beginnings.map { try Self.slow(port, $0) }
                let client = try RawClient(port: port)
                try client.request("GET", "/")
                let status = try client.readResponse()?.status
                let ended = Self.ended(of: slow)
                // The first one, who has been answered, goes last of all: he may ask again.
                let another = try RawClient(port: port)
                try another.request("GET", "/")
                let next = try another.readResponse()?.status
                let both = Self.ended(of: [slow[1]])
                try client.request("GET", "/")
                #expect(try client.readResponse()?.status == 200)
                #expect(!slow[2].hasEnded() && !slow[3].hasEnded())
                // A client may have its answer before the server has taken note of that.
                for _ in 0..<2000 where outcomes.withLock({ $0.count { $0 == .completed } }) < 3 {
                    Thread.sleep(forTimeInterval: 0.005)
                }
                return (status, ended, next, both)
            }
            #expect(status == 200)
            #expect(ended == [0])
            #expect(next == 200)
            #expect(both == [0])
            #expect(outcomes.withLock { $0 }.count { $0 == .completed } == 3)
        }

        @Test("A connection without a request under way makes room where there is no other")
        func idleGoes() async throws {
            let (statuses, ended) = try await withServer(
                limits: Self.limits(2), handler: { _ in .text("ok") }
            ) { port in
                let clients = try (0..<2).map { _ in try RawClient(port: port) }
                for client in clients {
                    try client.request("GET", "/")
                    #expect(try client.readResponse()?.status == 200)
                }
                // The second one begins anew, so the first is alone in waiting.
                let third = try RawClient(port: port)
                try third.request("GET", "/")
                let status = try third.readResponse()?.status
                return ([status], Self.ended(of: clients))
            }
            #expect(statuses == [200])
            #expect(ended == [0])
        }

        @Test("Whose request is being answered is not displaced, nor who takes a stream")
        func answersStay() async throws {
            let gate = Gate()
            let asked = Counter()
            let (refused, answers) = try await withServer(
                limits: Self.limits(2),
                handler: { request in
                    asked.increment()
                    guard request.path == "/stream" else {
                        await gate.opened()
                        return .text("ok")
                    }
                    return HTTPResponse(
                        status: 200,
                        body: .stream { writer in
                            try await writer.write(Array("first ".utf8))
                            await gate.opened()
                            try await writer.write(Array("last".utf8))
                        })
                }
            ) { port in
                let clients = try ["/", "/stream"].map { path in
                    let client = try RawClient(port: port)
                    try client.request("GET", path)
                    return client
                }
                #expect(asked.waitUntil(2))
                let third = try RawClient(port: port)
                try third.request("GET", "/")
                let refused = try third.readResponse()?.status
                gate.open()
                return (refused, try clients.map { try $0.readResponse()?.text })
            }
            #expect(refused == 503)
            #expect(answers == ["ok", "first last"])
        }

        @Test("An address that has too many makes room among its own")
        func ofTheSameAddress() async throws {
            let (status, own, other) = try await withServer(
                limits: Self.limits(10, perAddress: 2), handler: { _ in .text("ok") }
            ) { port in
                let other = try Self.slow(port, "GET /", network: 7)
                let own = try (0..<2).map { _ in try Self.slow(port, "GET /", network: 8) }
                let client = try RawClient(port: port, network: 8)
                try client.request("GET", "/")
                return (
                    try client.readResponse()?.status, Self.ended(of: own), other.hasEnded()
                )
            }
            #expect(status == 200)
            #expect(own == [0])
            #expect(!other)
        }

        /// What became of a reader who comes anew: the status, or nil where it was sent away without.
        private static func status(_ port: UInt16, network: UInt8) throws -> Int? {
            let client = try RawClient(port: port, network: network)
            // The other side may have ended it already.
            do { try client.request("GET", "/") } catch is RawClient.Trouble {}
            return try client.readResponse()?.status
        }

        @Test("An address that leaves its share unfinished is refused, and displaces nobody")
        func shareIsRefused() async throws {
            let (refused, isWhole, status, ended) = try await withServer(
                limits: Self.limits(16, perAddress: 12), handler: { _ in .text("ok") }
            ) { port in
                let slow = try (0..<16).map { index in
                    try Self.slow(port, "GET /", network: index % 2 == 0 ? 7 : 8)
                }
                let refused = try (0..<20).map { _ in try Self.status(port, network: 7) }
                let isWhole = !slow.contains { $0.hasEnded() }
                let status = try Self.status(port, network: 9)
                return (refused, isWhole, status, Self.ended(of: slow))
            }
            #expect(refused == Array(repeating: nil, count: 20))
            #expect(isWhole)
            #expect(status == 200)
            #expect(ended == [0])
        }

        @Test("An address whose requests all came is served beside those who hold the other places")
        func finishedIsServed() async throws {
            let (status, ended, idle) = try await withServer(
                limits: Self.limits(16, perAddress: 12), handler: { _ in .text("ok") }
            ) { port in
                let idle = try (0..<8).map { _ in
                    let client = try RawClient(port: port, network: 7)
                    try client.request("GET", "/")
                    #expect(try client.readResponse()?.status == 200)
                    return client
                }
                let slow = try (0..<8).map { _ in try Self.slow(port, "GET /", network: 8) }
                let status = try Self.status(port, network: 7)
                return (status, Self.ended(of: slow), idle.contains { $0.hasEnded() })
            }
            #expect(status == 200)
            #expect(ended == [0])
            #expect(!idle)
        }

        @Test("Behind a proxy its address is served also where it leaves nearly all unfinished")
        func proxyIsServed() async throws {
            let (status, ended) = try await withServer(
                limits: Self.limits(16), handler: { _ in .text("ok") }
            ) { port in
                let slow = try (0..<16).map { index in
                    try Self.slow(port, "GET /", network: index == 9 ? 8 : 7)
                }
                return (try Self.status(port, network: 7), Self.ended(of: slow))
            }
            #expect(status == 200)
            #expect(ended == [0])
        }

        @Test("Each new reader is answered beside a crowd that fills all places again and again")
        func crowd() async throws {
            let places = 64
            let (answered, count) = try await withServer(
                limits: Self.limits(places, perAddress: 16), handler: { _ in .text("ok") }
            ) { port in
                let isOver = Mutex(false)
                let opened = Counter()
                for network in UInt8(1)...8 {
                    Thread.detachNewThread {
                        var clients: [RawClient] = []
                        while !isOver.withLock({ $0 }) {
                            clients.removeAll { $0.hasEnded() }
                            while clients.count < 40,
                                let client = try? Self.slow(port, "GET / HT", network: network)
                            {
                                clients.append(client)
                                opened.increment()
                            }
                            Thread.sleep(forTimeInterval: 0.01)
                        }
                        opened.increment()
                    }
                }
                defer { isOver.withLock { $0 = true } }
                #expect(opened.waitUntil(4 * places))
                var answered = 0
                for _ in 0..<100 {
                    // Among hundreds who come at once one may be sent away: who asks again comes in.
                    for _ in 0..<20 {
                        guard let client = try? RawClient(port: port, network: 99) else { continue }
                        do { try client.request("GET", "/") } catch is RawClient.Trouble {}
                        if try client.readResponse()?.status == 200 {
                            answered += 1
                            break
                        }
                    }
                }
                return (answered, opened.value)
            }
            #expect(answered == 100)
            #expect(count >= 4 * places)
        }
    }
}
