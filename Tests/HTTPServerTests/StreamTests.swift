import Foundation
import HTTPServer
import Synchronization
import Testing

/// What a stream's body saw.
final class StreamRecord: Sendable {
    private struct State {
        var written = 0
        var started = 0
        var ended: [any Error] = []
        var cancelled = 0
    }

    private let state = Mutex(State())

    var written: Int { state.withLock { $0.written } }
    var started: Int { state.withLock { $0.started } }
    var ended: Int { state.withLock { $0.ended.count } }
    var cancelled: Int { state.withLock { $0.cancelled } }
    var errors: [HTTPStreamError] {
        state.withLock { $0.ended.compactMap { $0 as? HTTPStreamError } }
    }

    func noteCancelled() { state.withLock { $0.cancelled += 1 } }

    /// A stream without end that writes pieces as fast as it may.
    func endless(piece: Int = 16 << 10) -> HTTPResponse {
        let bytes = [UInt8](repeating: 120, count: piece)
        return HTTPResponse(
            status: 200,
            body: .stream { writer in
                self.state.withLock { $0.started += 1 }
                do {
                    while true {
                        try await writer.write(bytes)
                        self.state.withLock { $0.written += bytes.count }
                    }
                } catch {
                    self.state.withLock { $0.ended.append(error) }
                    throw error
                }
            })
    }

    /// A stream that says one word and then nothing until it is told to, or cancelled.
    func silent(until gate: Gate) -> HTTPResponse {
        HTTPResponse(
            status: 200,
            body: .stream { writer in
                self.state.withLock { $0.started += 1 }
                try await writer.write("hello")
                await gate.opened()
                if Task.isCancelled { self.noteCancelled() }
                do {
                    try await writer.write(" bye")
                } catch {
                    self.state.withLock { $0.ended.append(error) }
                    throw error
                }
            })
    }
}

/// The memory this process has resident, in bytes.
func residentMemory() throws -> Int {
    let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) }) << 10
}

extension OverSockets {
    @Suite("Streams over a socket")
    struct StreamTests {
        @Test("A stream larger than every buffer arrives byte for byte")
        func large() async throws {
            let total = 200 << 20
            let (count, isComplete, sum) = try await withServer { _ in
                HTTPResponse(
                    status: 200,
                    body: .stream { writer in
                        var sent = 0
                        var next: UInt8 = 0
                        while sent < total {
                            // Pieces smaller and larger than the buffer, of no round size.
                            let piece = min(total - sent, sent % 3 == 0 ? 100_003 : 1009)
                            try await writer.write(
                                [UInt8](unsafeUninitializedCapacity: piece) { target, count in
                                    for index in 0..<piece {
                                        target[index] = next
                                        next &+= 1
                                    }
                                    count = piece
                                })
                            sent += piece
                        }
                    })
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/")
                return try client.drainChunks()
            }
            #expect(count == total)
            #expect(isComplete)
            // Every byte is one more than the one before, so the sum is known.
            #expect(sum == (0..<total).reduce(into: 0) { $0 += $1 & 0xFF })
        }

        // Both in a process of their own: what other tests keep in memory would be counted, too.
        @Test("A reader that stalls holds up its writer, with bounded memory, until it reads on")
        func backPressure() async {
            await #expect(processExitsWith: .success) {
                let record = StreamRecord()
                let before = try residentMemory()
                let (stalledAt, later, memory) = try await withServer { _ in
                    record.endless()
                } _: { port in
                    let client = try RawClient(port: port, receiveBuffer: 16 << 10)
                    try client.request("GET", "/")
                    // It stalls when a while passes without a byte more.
                    var stalledAt = -1
                    while record.written != stalledAt || stalledAt <= 0 {
                        stalledAt = record.written
                        Thread.sleep(forTimeInterval: 0.3)
                    }
                    let memory = try residentMemory()
                    while record.written < stalledAt + (4 << 20) {
                        try client.fill()
                        client.discardPending()
                    }
                    return (stalledAt, record.written, memory)
                }
                // The rest is in the kernel's socket buffers.
                #expect(stalledAt < 16 << 20)
                #expect(later > stalledAt)
                #expect(memory - before < 32 << 20)
            }
        }

        @Test("Memory stays bounded while many readers stall")
        func manyStalled() async {
            await #expect(processExitsWith: .success) {
                let record = StreamRecord()
                let before = try residentMemory()
                let memory = try await withServer { _ in
                    record.endless()
                } _: { port in
                    let clients = try (0..<100).map { _ in
                        try RawClient(port: port, receiveBuffer: 16 << 10)
                    }
                    for client in clients { try client.request("GET", "/") }
                    var written = -1
                    while record.written != written || record.started < clients.count {
                        written = record.written
                        Thread.sleep(forTimeInterval: 0.3)
                    }
                    defer { for client in clients { client.close() } }
                    return try residentMemory()
                }
                #expect(record.written > 100 * (64 << 10))
                #expect(memory - before < 100 << 20)
                #expect(await eventually { record.ended == 100 })
            }
        }

        @Test("A writer learns that its reader left", arguments: [false, true])
        func leftWhileWriting(isReset: Bool) async throws {
            let record = StreamRecord()
            let outcomes = Mutex<[HTTPExchange]>([])
            try await withServer(observe: { exchange in outcomes.withLock { $0.append(exchange) } })
            {
                _ in
                record.endless()
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/")
                _ = try client.readHead()
                if isReset { client.resetOnClose() }
                client.close()
                while record.ended == 0 { Thread.sleep(forTimeInterval: 0.01) }
            }
            #expect(record.errors.first == .disconnected)
            #expect(outcomes.withLock { $0.map(\.outcome) } == [.disconnected])
            #expect(outcomes.withLock { $0.map(\.status) } == [200])
        }

        @Test("A stream that says nothing learns that its reader left", arguments: [false, true])
        func leftWhileSilent(isReset: Bool) async throws {
            let record = StreamRecord()
            let gate = Gate()
            try await withServer { _ in
                record.silent(until: gate)
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/")
                _ = try client.readHead()
                while client.pending < 5 { try client.fill() }
                if isReset { client.resetOnClose() }
                client.close()
                while record.cancelled == 0 { Thread.sleep(forTimeInterval: 0.01) }
            }
            #expect(await eventually { record.errors == [.disconnected] })
        }

        @Test("A handler is cancelled when its client leaves before the answer")
        func leftBeforeAnswer() async throws {
            let record = StreamRecord()
            let running = Counter()
            let gate = Gate()
            try await withServer { _ in
                running.increment()
                await gate.opened()
                if Task.isCancelled { record.noteCancelled() }
                return .text("late")
            } _: { port in
                let client = try RawClient(port: port)
                try client.request("GET", "/")
                #expect(running.waitUntil(1))
                client.close()
                while record.cancelled == 0 { Thread.sleep(forTimeInterval: 0.01) }
                // The server goes on serving others.
                let other = try RawClient(port: port)
                gate.open()
                try other.request("GET", "/")
                #expect(try other.readResponse()?.text == "late")
            }
            #expect(record.cancelled == 1)
        }

        @Test("200 streams at once all come to their end")
        func manyStreams() async throws {
            let open = Counter()
            let texts = try await withServer { request in
                HTTPResponse(
                    status: 200,
                    body: .stream { writer in
                        try await writer.write("start \(request.path)\n")
                        open.increment()
                        // All are open at once before any goes on.
                        while open.value < 200 { try await Task.sleep(for: .milliseconds(2)) }
                        for index in 0..<50 { try await writer.write("\(request.path) \(index)\n") }
                    })
            } _: { port in
                let clients = try (0..<200).map { _ in try RawClient(port: port) }
                for (index, client) in clients.enumerated() {
                    try client.request("GET", "/\(index)")
                }
                return try clients.map { try $0.readResponse() }
            }
            #expect(texts.count == 200)
            for (index, response) in texts.enumerated() {
                let lines = (0..<50).map { "/\(index) \($0)\n" }.joined()
                #expect(response?.text == "start /\(index)\n" + lines)
                #expect(response?.isComplete == true)
            }
        }

        @Test("A client of HTTP/1.0 gets a stream without chunks")
        func oldClient() async throws {
            let answer = try await withServer { _ in
                HTTPResponse(status: 200, body: .stream { try await $0.write("plain") })
            } _: { port in
                let client = try RawClient(port: port)
                try client.send("GET / HTTP/1.0\r\n\r\n")
                return try client.readResponse()
            }
            #expect(answer?.headers["transfer-encoding"] == nil)
            #expect(answer?.text == "plain")
        }
    }
}
