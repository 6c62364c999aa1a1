import Archive
import ArchiveTestSupport
import Diagnostics
import Foundation
import HTTPServer
import MAM
import QueryAPI
import Synchronization
import Ternary
import TestSupport
import Testing
import Vault

/// An answer, read to its end.
struct Answer {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    var json: JSONValue { (try? JSONDecoder().decode(JSONValue.self, from: Data(body))) ?? .null }

    func decoded<Value: Decodable>(_: Value.Type) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(body))
    }

    /// A problem's code.
    var code: String? { json["code"]?.text }

    /// The lines of a stream.
    var lines: [MessageDocument] {
        get throws {
            try body.split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(MessageDocument.self, from: Data($0))
            }
        }
    }
}

/// The interface on an archive of its own, called without a socket.
///
/// Every answer is held against the OpenAPI document, and at the end everything that was
/// answered and logged is searched for roots, side keys and tokens.
struct TestAPI: Sendable {
    let test: TestArchive
    let api: QueryAPI
    let clock: TestClock
    let metrics: Metrics
    /// An admin's token.
    let admin: String
    private let told: Told

    var archive: Archive { test.archive }

    static func with(
        node: NodeInterfaceSettings? = nil, rates: RequestRates? = nil,
        _ body: (TestAPI) async throws -> Void
    ) async throws {
        try await TestArchive.with { test in
            try await with(test, node: node, rates: rates, body)
        }
    }

    /// The same on an archive that is there.
    static func with(
        _ test: TestArchive, node: NodeInterfaceSettings? = nil, rates: RequestRates? = nil,
        _ body: (TestAPI) async throws -> Void
    ) async throws {
        let clock = TestClock()
        let metrics = Metrics()
        let admin = try await test.archive.createToken(.admin, now: clock.now)
        let told = Told()
        let log = Log(minimum: .debug, sink: { told.log($0) })
        let api = TestAPI(
            test: test,
            api: try QueryAPI(
                archive: test.archive, metrics: metrics, log: log, node: node, rates: rates,
                clock: { clock.now }),
            clock: clock, metrics: metrics, admin: admin.text, told: told)
        told.protect(admin.text)
        try await body(api)
        try told.check()
    }

    private init(
        test: TestArchive, api: QueryAPI, clock: TestClock, metrics: Metrics, admin: String,
        told: Told
    ) {
        self.test = test
        self.api = api
        self.clock = clock
        self.metrics = metrics
        self.admin = admin
        self.told = told
    }

    /// A reader's token for channels.
    func reader(_ channels: ChannelNumber...) async throws -> String {
        let token = try await archive.createToken(.reader, channels: channels, now: clock.now)
        told.protect(token.text)
        return token.text
    }

    /// Lines logged so far.
    var logged: [String] { told.logged }

    /// How often a read is asked again that came too late: its caller's rights were looked up more
    /// than a second before it could be answered, as happens on a machine that stalls.
    private static let tries = 10

    /// With the admin's token unless told otherwise.
    func call(
        _ method: String, _ target: String, token: Token = .admin, headers: HTTPHeaders = [:],
        body: String? = nil
    ) async throws -> Answer {
        var attempt = 0
        while true {
            attempt += 1
            let response = try await respond(
                method, target, token: token, headers: headers, body: body)
            let answer = Answer(
                status: response.status, headers: response.headers,
                body: try await response.collectedBody(limit: 64 << 20))
            told.answer(answer)
            try hold(answer, of: method, target)
            let tooLate =
                method == "GET" && answer.status == 503 && answer.code == "archive.interrupted"
            if !tooLate || attempt == Self.tries { return answer }
        }
    }

    func get(_ target: String, token: Token = .admin, accept: String? = nil) async throws -> Answer
    {
        var headers = HTTPHeaders()
        headers["Accept"] = accept
        return try await call("GET", target, token: token, headers: headers)
    }

    func respond(
        _ method: String, _ target: String, token: Token = .admin, headers: HTTPHeaders = [:],
        body: String? = nil
    ) async throws -> HTTPResponse {
        var headers = headers
        switch token {
        case .admin: headers["Authorization"] = "Bearer \(admin)"
        case .text(let token): headers["Authorization"] = "Bearer \(token)"
        case .none: break
        }
        if body != nil, headers["Content-Type"] == nil {
            headers["Content-Type"] = "application/json"
        }
        return await api.respond(
            to: try HTTPRequest(
                method: method, target: target, headers: headers, body: Array((body ?? "").utf8)))
    }

    private func hold(_ answer: Answer, of method: String, _ target: String) throws {
        let request = try HTTPRequest(method: method, target: target)
        guard
            case .handler(let template, _, _) = api.router.match(
                method: method, pathSegments: request.pathSegments)
        else { return }
        let document = try OpenAPI.shared
        for fault in document.faults(answer, of: method == "HEAD" ? "GET" : method, template) {
            Issue.record("\(method) \(template): \(fault)")
        }
    }
}

enum Token {
    case admin
    case text(String)
    case none
}

/// What went out, and what must not have.
final class Told: Sendable {
    private struct State {
        var tokens: [String] = []
        var lines: [String] = []
        var answers: [[UInt8]] = []
    }

    private let state = Mutex(State())

    func protect(_ token: String) { state.withLock { $0.tokens.append(token) } }
    func log(_ line: String) { state.withLock { $0.lines.append(line) } }
    var logged: [String] { state.withLock { $0.lines } }

    func answer(_ answer: Answer) {
        // Its examples were asked with what the vectors tell to everybody.
        guard answer.body != OpenAPIDocument.bytes else { return }
        let headers = answer.headers.map { "\($0.name): \($0.value)\n" }.joined()
        state.withLock { $0.answers.append(Array(headers.utf8) + answer.body) }
    }

    /// In a public channel the address is the root, so there only log lines are searched.
    func check() throws {
        let (tokens, lines, answers) = state.withLock { ($0.tokens, $0.lines, $0.answers) }
        let vectors = try Secrets.ofVectors.get()
        #expect(!vectors.hidden.isEmpty && !vectors.publicRoots.isEmpty)
        let hidden = vectors.hidden + tokens
        let log = lines.joined()
        for secret in hidden + vectors.publicRoots {
            #expect(!log.contains(secret), "a secret stands in the log")
        }
        let told = answers.map { Data($0) }
        for secret in hidden {
            let bytes = Data(secret.utf8)
            #expect(!told.contains { $0.range(of: bytes) != nil }, "a secret was answered")
        }
    }
}

/// The secrets of all channels of the vectors, and the roots that are addresses too.
struct Secrets {
    let hidden: [String]
    let publicRoots: [String]

    static let ofVectors = Result {
        let vectors = try ChannelVector.all()
        let hidden = vectors.filter { $0.mode != .public }.flatMap(\.allMessages)
        // A shorter side key may stand in a message by chance.
        let sideKeys = Set(hidden.compactMap(\.sideKey)).filter { $0.count >= 8 }
        let roots = Set(hidden.flatMap { [$0.root, $0.nextRoot] })
        #expect(!roots.isEmpty && sideKeys.count >= 5)
        return Secrets(
            hidden: roots + Array(sideKeys),
            publicRoots: vectors.filter { $0.mode == .public }.flatMap(\.allMessages).map(\.root))
    }
}
