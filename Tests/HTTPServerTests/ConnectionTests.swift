import Dispatch
import Foundation
import HTTPServer
import Testing

extension OverSockets {
    @Suite("Many connections, and the server's end")
    struct ConnectionTests {
        @Test("Connections beyond the limit are told so, then refused, and let in again later")
        func limit() async throws {
            var limits = HTTPLimits()
            limits.connections = 5
            let (asked, gate) = (Counter(), Gate())
            let (served, turnedAway, refused, later) = try await withServer(
                limits: limits,
                handler: { _ in
                    asked.increment()
                    await gate.opened()
                    return .text("ok")
                }
            ) { port in
                // Whoever waits for an answer keeps the place.
                let first = try (0..<5).map { _ in
                    let client = try RawClient(port: port)
                    try client.request("GET", "/")
                    return client
                }
                #expect(asked.waitUntil(5))
                let others = try (0..<55).map { _ in try RawClient(port: port) }
                var statuses: [Int?] = []
                for client in others {
                    do { try client.request("GET", "/") } catch is RawClient.Trouble {}
                    statuses.append(try client.readHead()?.status)
                }
                gate.open()
                statuses += try first.map { try $0.readHead()?.status }
                for client in first + others { client.close() }
                var later: Int?
                for _ in 0..<500 where later != 200 {
                    let client = try RawClient(port: port)
                    do { try client.request("GET", "/") } catch is RawClient.Trouble {}
                    later = try client.readHead()?.status
                    Thread.sleep(forTimeInterval: 0.01)
                }
                return (
                    statuses.filter { $0 == 200 }.count, statuses.filter { $0 == 503 }.count,
                    statuses.filter { $0 == nil }.count, later
                )
            }
            #expect(served == 5)
            #expect(turnedAway > 0)
            #expect(served + turnedAway + refused == 60)
            #expect(later == 200)
        }

        @Test("One address may have only so many connections")
        func perAddress() async throws {
            var limits = HTTPLimits()
            limits.connectionsPerAddress = 2
            let (asked, gate) = (Counter(), Gate())
            let statuses = try await withServer(
                limits: limits,
                handler: { _ in
                    asked.increment()
                    await gate.opened()
                    return .text("ok")
                }
            ) { port in
                let clients = try (0..<3).map { index in
                    let client = try RawClient(port: port)
                    try client.request("GET", "/")
                    if index < 2 { #expect(asked.waitUntil(index + 1)) }
                    return client
                }
                let last = try clients[2].readResponse()
                gate.open()
                return try (clients[..<2].map { try $0.readResponse() } + [last]).map {
                    "\($0?.status ?? 0) \($0?.headers["connection"] ?? "-")"
                }
            }
            #expect(statuses == ["200 -", "200 -", "503 close"])
        }

        @Test(
            "Requests that arrive in one batch are all answered", arguments: [127, 128, 129, 256])
        func batch(size: Int) async throws {
            // The observer holds up the daemon's thread until the whole batch is there.
            let (entered, released) = (Counter(), DispatchSemaphore(value: 0))
            var limits = HTTPLimits()
            limits.connectionsPerAddress = limits.connections
            let answered = try await withServer(
                limits: limits,
                observe: { _ in
                    entered.increment()
                    if entered.value == size + 1 { released.wait() }
                }, handler: { _ in .text("ok") }
            ) { port in
                let clients = try (0..<size).map { _ in try RawClient(port: port, patience: 5) }
                // Each has been served once, so each is known to the daemon and quiet.
                for client in clients {
                    try client.request("GET", "/")
                    _ = try client.readResponse()
                }
                #expect(entered.waitUntil(size))
                let first = try RawClient(port: port)
                try first.request("GET", "/")
                #expect(entered.waitUntil(size + 1))
                for client in clients { try client.request("GET", "/") }
                released.signal()
                return try clients.filter { try $0.readResponse()?.status == 200 }.count
            }
            #expect(answered == size)
        }

        @Test("Connections that come and go leave nothing behind")
        func churn() async throws {
            var limits = HTTPLimits()
            limits.connectionsPerAddress = limits.connections
            let server = try HTTPServer(configuration: HTTPServerConfiguration(limits: limits)) {
                _ in .text("ok")
            }
            let port = server.port
            let served = try await onThread {
                var served = 0
                for index in 0..<1000 {
                    let client = try RawClient(port: port)
                    switch index % 4 {
                    case 0: try client.send("GET / HT")
                    case 1:
                        try client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx")
                    case 2: client.resetOnClose()
                    default:
                        try client.request("GET", "/")
                        if try client.readResponse()?.status == 200 { served += 1 }
                    }
                    client.close()
                }
                return served
            }
            #expect(served == 250)
            #expect(await eventually { server.connectionCount == 0 })
            #expect(await eventually { sockets(of: port) == 0 })
            await server.shutdown(grace: .zero)
        }

        @Test("Shutting down lets what runs finish and refuses what is new")
        func graceful() async throws {
            let gate = Gate()
            let record = StreamRecord()
            let server = try HTTPServer(configuration: HTTPServerConfiguration()) { request in
                if request.path == "/slow" {
                    record.noteCancelled()
                    await gate.opened()
                    return .text("finished")
                }
                return record.silent(until: gate)
            }
            let port = server.port
            let (slow, stream, idle) =
                try await onThread {
                    (
                        try RawClient(port: port), try RawClient(port: port),
                        try RawClient(port: port)
                    )
                }
            try slow.request("GET", "/slow")
            try stream.request("GET", "/stream")
            _ = try await onThread { try stream.readHead() }
            #expect(await eventually { record.cancelled == 1 && record.started == 1 })
            async let stopped: Void = server.shutdown(grace: .seconds(20))
            // The idle one is closed at once, and nobody is served any more.
            #expect(try await onThread { try idle.readToEnd() }.isEmpty)
            let late = try await onThread {
                guard let client = try? RawClient(port: port) else { return nil as Int? }
                do { try client.request("GET", "/slow") } catch is RawClient.Trouble {}
                return try client.readHead()?.status
            }
            #expect(late == nil)
            gate.open()
            let answer = try await onThread { try slow.readResponse() }
            #expect(answer?.text == "finished")
            #expect(answer?.headers["connection"] == "close")
            let rest = try await onThread { try stream.readToEnd() }
            #expect(String(decoding: rest, as: UTF8.self).hasSuffix("0\r\n\r\n"))
            await stopped
            #expect(server.connectionCount == 0)
            #expect((try? RawClient(port: port)) == nil)
        }

        @Test("What does not finish in the grace is cut")
        func grace() async throws {
            let record = StreamRecord()
            let never = Gate()
            let server = try HTTPServer(configuration: HTTPServerConfiguration()) { request in
                switch request.path {
                case "/endless": return record.endless()
                case "/silent": return record.silent(until: never)
                default:
                    record.noteCancelled()
                    await never.opened()
                    return .text("never")
                }
            }
            let port = server.port
            let clients = try await onThread {
                try ["/endless", "/silent", "/handler", "/endless", "/silent"].map { path in
                    let client = try RawClient(port: port, receiveBuffer: 16 << 10)
                    try client.request("GET", path)
                    return client
                }
            }
            #expect(await eventually { record.started == 4 && record.cancelled == 1 })
            let began = ContinuousClock.now
            await server.shutdown(grace: .milliseconds(200))
            let took = began.duration(to: .now)
            #expect(took >= .milliseconds(200))
            #expect(took < .seconds(4))
            // Once more does nothing more.
            await server.shutdown(grace: .seconds(60))
            let ends = try await onThread { try clients.map { try $0.readToEnd() } }
            #expect(ends.count == 5)
            #expect(
                ends.allSatisfy {
                    !String(decoding: $0.suffix(5), as: UTF8.self).hasPrefix("0\r\n")
                })
            #expect(await eventually { record.ended == 4 })
        }

        @Test("A server that is let go of stops by itself")
        func released() async throws {
            let port = try HTTPServer(configuration: HTTPServerConfiguration()) { _ in .text("") }
                .port
            #expect(await eventually { (try? RawClient(port: port)) == nil })
        }

        /// Sockets at this end of a port that somebody still holds: neither the one that
        /// listens nor those that the system alone remembers (proc(5), tcp).
        private func sockets(of port: UInt16) -> Int {
            let lines = (try? String(contentsOfFile: "/proc/self/net/tcp", encoding: .utf8)) ?? ""
            let ending = ":" + String(format: "%04X", port)
            return lines.split(separator: "\n").count { line in
                let fields = line.split(separator: " ")
                guard fields.count > 9, fields[1].hasSuffix(ending) else { return false }
                return fields[3] != "0A" && fields[9] != "0"
            }
        }
    }
}
