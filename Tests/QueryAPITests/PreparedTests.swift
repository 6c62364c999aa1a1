import Archive
import ArchiveTestSupport
import Diagnostics
import Dispatch
import Erasure
import Foundation
import HTTPServer
import MAM
import Postgres
import QueryAPI
import Synchronization
import TestSupport
import Testing
import Vault

/// Answers that are prepared or half sent when a channel is forgotten.
@Suite struct PreparedTests {
    private final class Seen: Sendable {
        let statements = Mutex(0)
        let forgot = Mutex(false)
    }

    /// Answers a request, and forgets its channel just before the statement of this number
    /// (from 1) is sent; nil where there are fewer.
    private func status(of rest: String, forgettingBefore number: Int) async throws -> Int? {
        var status: Int?
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let seen = Seen()
            let observer = StatementObserver { _ in
                let count = seen.statements.withLock { count in
                    count += 1
                    return count
                }
                guard count == number else { return }
                let done = DispatchSemaphore(value: 0)
                Task.detached {
                    defer { done.signal() }
                    try await api.forget(channel)
                    seen.forgot.withLock { $0 = true }
                }
                // The connection's own thread, which nobody else needs.
                _ = done.wait(timeout: .now() + 30)
            }
            let answer = try await StatementObserver.$current.withValue(observer) {
                try await api.get("/v1/channels/\(channel.text)/\(rest)")
            }
            if seen.forgot.withLock({ $0 }) {
                status = answer.status
            } else {
                #expect(answer.status == 200)
            }
        }
        return status
    }

    @Test(arguments: ["messages", "messages/3/bundle", "readers"])
    func whatWasPreparedBeforeAForgetIsNotSent(rest: String) async throws {
        var statements = 0
        var refused = 0
        while let status = try await status(of: rest, forgettingBefore: statements + 1) {
            statements += 1
            // Readers' numbers are no content: the last statement may find none of them.
            if status == 404 { refused += 1 }
            // On a machine that is too busy nobody can say within a second who may read.
            #expect(
                [404, 503].contains(status) || rest == "readers",
                "\(status) before statement \(statements)")
        }
        #expect(statements >= 3)
        #expect(refused * 2 > statements)
    }

    @Test func aPageThatIsBeingSentIsCut() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            try await api.test.multiply(channel, to: 1000)
            let target = "/v1/channels/\(channel.text)/messages?limit=1000"
            let whole = try await api.get(target)
            #expect(whole.json["messages"]?.array?.count == 1000)
            #expect(whole.headers["Content-Type"] == "application/json")
            try await isCut(
                try await api.respond("GET", target), of: whole.body.count,
                forgetting: channel, api)
        }
    }

    /// - Parameter size: of the whole.
    private func isCut(
        _ response: HTTPResponse, of size: Int, forgetting channel: ChannelNumber, _ api: TestAPI
    ) async throws {
        guard case .stream(let write) = response.body else {
            Issue.record("an answer of \(size) bytes is sent at once")
            return
        }
        let writer = StoppedWriter()
        let sending = Task { try await write(writer) }
        try await writer.waitForFirst()
        try await api.forget(channel)
        let began = ContinuousClock.now
        await #expect(throws: (any Error).self) { try await sending.value }
        #expect(ContinuousClock.now - began < .seconds(5))
        #expect(writer.count < size)
    }

    @Test(arguments: [NodeInterface.public, .token])
    func aNodesAnswerThatIsBeingSentIsCut(_ interface: NodeInterface) async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            let vector = try ChannelVector.named("meter")
            let channel = try await api.test.fill(channel: vector.name, clock: api.clock)
            try await api.archive.setNodeInterface(interface, of: channel)
            while try await api.archive.workOnNodeLookups() {}
            let hashes = vector.messages.flatMap(\.transactions).map { "\"\($0)\"" }
            let body =
                #"{"command":"getTrytes","hashes":[\#(hashes.joined(separator: ","))]}"#
            let token: Token = interface == .token ? .admin : .none
            func respond() async throws -> HTTPResponse {
                try await api.respond(
                    "POST", "/", token: token, headers: ["X-IOTA-API-Version": "1"], body: body)
            }
            let whole = try await respond().collectedBody(limit: 1 << 20)
            #expect(whole.count > hashes.count * 2673)
            try await isCut(try await respond(), of: whole.count, forgetting: channel, api)
        }
    }

    @Test func aLongListThatIsBeingSentIsCutByAnyForget() async throws {
        try await TestAPI.with { api in
            let forgotten = try await api.test.fill(channel: "meter", clock: api.clock)
            for number in 0..<200 {
                let root = try Root(
                    String(repeating: "LIST", count: 19) + "ABC" + Self.letters(number))
                _ = try await api.archive.register(
                    ChannelRegistration(
                        root: root, mode: .private,
                        purpose: String(repeating: "p", count: 1000)), now: api.clock.now)
            }
            let target = "/v1/channels?limit=500"
            let whole = try await api.get(target)
            #expect(whole.json["channels"]?.array?.count ?? 0 > 200)
            try await isCut(
                try await api.respond("GET", target), of: whole.body.count,
                forgetting: forgotten, api)
        }
    }

    /// Whoever takes nothing of it waits with a part that was checked before.
    @Test func anExportThatIsBeingSentIsCut() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            let anna = try await api.archive.createToken(
                .subject, subject: "anna", now: api.clock.now)
            let response = try await api.respond(
                "GET", "/v1/subject/export", token: .text(anna.text))
            try await isCut(response, of: .max, forgetting: channel, api)
        }
    }

    /// Two characters that tell numbers below 676 apart.
    private static func letters(_ number: Int) -> String {
        [number / 26, number % 26].map { String(UnicodeScalar(UInt8(65 + $0))) }.joined()
    }

    /// A reader that takes a first part and then nothing more.
    private final class StoppedWriter: HTTPBodyWriter {
        private let taken = Mutex(0)

        var count: Int { taken.withLock { $0 } }

        func write(_ bytes: [UInt8]) async throws {
            let before = taken.withLock { count in
                defer { count += bytes.count }
                return count
            }
            if before > 0 { try await Task.sleep(for: .seconds(60)) }
        }

        func waitForFirst() async throws {
            while count == 0 { try await Task.sleep(for: .milliseconds(5)) }
        }
    }
}
