import Archive
import ArchiveTestSupport
import Crawler
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import MAM
import Postgres
import QueryAPI
import Secrets
import Ternary
import TestSupport
import Testing
import Vault

/// A story in which everything is asked once that the interface answers, on the channels of the
/// vectors. Whatever it gives stands in the description as an example.
struct ExampleScene {
    private let api: TestAPI
    private var record = ExampleRecord()

    static func run() async throws -> ExampleRecord {
        var result = ExampleRecord()
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            var scene = ExampleScene(api: api)
            let channel = try await scene.channels()
            try await scene.messages(channel)
            try await scene.readers(channel)
            try await scene.node()
            try await scene.problems(channel)
            try await scene.forgetting(channel)
            try await scene.pages()
            try await scene.damage()
            result = scene.record
        }
        return result
    }

    private init(api: TestAPI) { self.api = api }

    // MARK: Asking

    /// - Parameter problem: The name of the shared problem that it is answered with.
    @discardableResult
    private mutating func ask(
        _ method: String, _ target: String, _ body: String? = nil, token: Token = .admin,
        accept: String? = nil, headers: HTTPHeaders = [:], problem: String? = nil,
        through api: QueryAPI? = nil
    ) async throws -> Answer {
        var headers = headers
        headers["Accept"] = accept
        let answer: Answer
        if let api {
            headers["Authorization"] = "Bearer \(self.api.admin)"
            let response = await api.respond(
                to: try HTTPRequest(method: method, target: target, headers: headers, body: []))
            answer = Answer(
                status: response.status, headers: response.headers,
                body: try await response.collectedBody(limit: 1 << 20))
        } else {
            answer = try await self.api.call(
                method, target, token: token, headers: headers, body: body)
        }
        let request = try HTTPRequest(method: method, target: target)
        guard
            case .handler(let template, _, _) = self.api.api.router.match(
                method: method, pathSegments: request.pathSegments)
        else {
            Issue.record("no route for \(method) \(target)")
            return answer
        }
        keep(answer, body, headers["Content-Type"], of: "\(method) \(template)", problem)
        return answer
    }

    private mutating func keep(
        _ answer: Answer, _ body: String?, _ type: String?, of operation: String,
        _ problem: String?
    ) {
        let told = answer.headers["Content-Type"].map { String($0.prefix { $0 != ";" }) } ?? ""
        let text = operation == "GET /metrics" ? Self.shortened(answer.text) : answer.text
        let isJSON = told == "application/json" || told.hasSuffix("+json")
        let value: JSONValue = isJSON ? answer.json : .text(text)
        if let problem {
            #expect(told == "application/problem+json", "\(problem)")
            record.keep(value, at: .problem(name: problem))
            return
        }
        #expect(answer.status < 400 || told == "application/json", "\(operation): \(answer.text)")
        if told != "text/html" {
            record.keep(
                value, at: .response(operation: operation, status: answer.status, type: told))
        }
        guard let body, answer.status < 400 else { return }
        let type = type ?? "application/json"
        let form =
            type == "application/json"
            ? try? JSONDecoder().decode(JSONValue.self, from: Data(body.utf8)) : Self.form(body)
        if let form { record.keep(form, at: .request(operation: operation, type: type)) }
    }

    /// The first sample of each metric, of hundreds that differ in their labels.
    private static func shortened(_ metrics: String) -> String {
        let lines = metrics.split(separator: "\n")
        let kept = zip(lines, [""] + lines.dropLast()).filter { line, before in
            line.hasPrefix("#") || before.hasPrefix("#")
        }
        return kept.map { $0.0 + "\n" }.joined()
    }

    /// A form's fields as an object.
    private static func form(_ body: String) -> JSONValue {
        var fields: [String: JSONValue] = [:]
        for pair in body.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
            fields[parts[0]] = .text(
                parts.count == 2
                    ? parts[1].replacing("+", with: " ").removingPercentEncoding ?? "" : "")
        }
        return .object(fields)
    }

    private func json(_ fields: [String: String?]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(fields.compactMapValues { $0 }), as: UTF8.self)
    }

    // MARK: The story

    private mutating func channels() async throws -> String {
        let (meter, rotating) = (
            try ChannelVector.named("meter"), try ChannelVector.named("rotating")
        )
        let registered = try await ask(
            "POST", "/v1/channels",
            json([
                "root": meter.messages[0].root, "mode": "restricted",
                "sideKey": meter.messages[0].sideKey, "subject": "household-7",
                "label": "electricity", "purpose": "advice on heating", "basis": "consent",
                "retention": "13m",
            ]))
        let id = try #require(registered.json["id"]?.text)
        let other = try await api.test.register(rotating, keys: 1, now: api.clock.now)
        let crawler = try api.test.crawler(MemoryTangle.recorded(), clock: api.clock)
        _ = try await crawler.crawlUntilIdle()
        let keys = rotating.messages.compactMap(\.sideKey)
        let second = try #require(keys.first { $0 != keys.first })
        let path = "/v1/channels/\(other.text)"
        try await ask("POST", "\(path)/keys", json(["sideKey": second]))
        _ = try await crawler.crawlUntilIdle()
        try await ask("GET", "\(path)/keys")
        for act in ["pause", "resume", "restrict", "lift"] {
            try await ask("POST", "\(path)/\(act)")
        }
        try await ask("POST", "\(path)/retention", #"{"retention": "26m"}"#)
        try await ask(
            "POST", "\(path)/subjects", #"{"add": ["household-8", "household-9"], "remove": []}"#)
        try await ask("POST", "\(path)/node-interface", #"{"nodeInterface": "public"}"#)
        try await ask("GET", "/v1/channels/\(id)")
        // One of them, so that it does not depend on their random order.
        try await ask("GET", "/v1/channels", token: .text(reader(of: id)))
        return id
    }

    private func reader(of channel: String) async throws -> String {
        try await api.reader(#require(ChannelNumber(text: channel)))
    }

    private mutating func messages(_ channel: String) async throws {
        let path = "/v1/channels/\(channel)"
        for type in ["application/json", "application/x-ndjson", "text/csv"] {
            try await ask("GET", "\(path)/messages?limit=2", accept: type)
        }
        try await ask("GET", "\(path)/messages/0/bundle")
        let day = "from=2018-06-01T00:00:00Z&to=2018-06-01T00:15:00Z"
        for type in ["application/json", "text/csv", "application/atom+xml"] {
            try await ask("GET", "\(path)/readings?\(day)", accept: type)
        }
        // Two events that came before, as one gets them who comes again.
        let place = try await api.get("\(path)/messages?limit=22").json["next"]?.text
        let response = try await api.respond(
            "GET", "\(path)/events", headers: ["Last-Event-ID": try #require(place)])
        guard case .stream(let write) = response.body else { throw LiveChannel.NoStream() }
        let events = EventReader()
        let listening = Task { try await write(events) }
        try await events.wait { $0.eventCount >= 2 }
        listening.cancel()
        _ = await listening.result
        let told = events.text.components(separatedBy: "\n\n")
            .filter { $0.contains("data: ") || $0.hasPrefix("retry: ") }
        record.keep(
            .text(told.joined(separator: "\n\n") + "\n\n"),
            at: .response(
                operation: "GET /v1/channels/{id}/events", status: response.status,
                type: "text/event-stream"))
    }

    private mutating func readers(_ channel: String) async throws {
        let made = try await api.archive.createToken(.reader, now: api.clock.now)
        let given = try await ask(
            "POST", "/v1/grants",
            """
            {"token": "\(made.record.id.text)", "channel": "\(channel)", "purpose": "advice on heating",
            "from": "2027-01-01T00:00:00Z", "until": "2028-01-01T00:00:00Z"}
            """)
        let reader = Token.text(made.text)
        _ = try await api.get("/v1/channels/\(channel)/messages", token: reader)
        try await api.archive.audit.flush()
        let readers = "/v1/channels/\(channel)/readers"
        // Somebody else may be writing the record of reads down.
        for _ in 0..<500 {
            if try await api.get(readers).json["readers"]?.array?.isEmpty == false { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        try await ask("GET", readers)
        try await ask("GET", "/v1/grants?token=\(made.record.id.text)")
        let grant = try #require(given.json["id"]?.text)
        let people = try await api.get("/v1/subjects").json["subjects"]?.array
        let person = people?.first { $0["subject"]?.text == "household-7" }
        let number = try #require(person?["id"]?.text)
        try await ask("GET", "/v1/subjects?limit=1")
        try await ask("GET", "/v1/subjects/\(number)/access-log")
        let own = Token.text(
            try await api.archive.createToken(
                .subject, subject: "household-7", now: api.clock.now
            ).text)
        try await ask("GET", "/v1/subject", token: own)
        try await ask("GET", "/v1/subject/export", token: own)
        try await ask("POST", "/v1/grants/\(grant)/revoke", "{}")
        for path in ["/healthz", "/readyz"] { try await ask("GET", path, token: .none) }
        try await ask("GET", "/metrics")
        try await ask("GET", "/v1/receipt-key", token: .none)
    }

    private mutating func node() async throws {
        let channel = try await api.test.fill(channel: "public", clock: api.clock)
        try await api.archive.setNodeInterface(.public, of: channel, now: api.clock.now)
        while try await api.archive.workOnNodeLookups() {}
        let address = try ChannelVector.named("public").messages[0].address.trytes
        let command = #"{"command": "findTransactions", "addresses": ["\#(address)"]}"#
        for path in ["/", "/api"] {
            try await ask(
                "POST", path, command, token: .none, headers: ["X-IOTA-API-Version": "1"])
            try await ask("OPTIONS", path, token: .none)
            try await ask(
                "POST", path, #"{"command": "findTransactions"}"#, token: .none,
                headers: ["X-IOTA-API-Version": "1"])
        }
        let index = Hex.encode(Digest.blake2b(address.ascii))
        let found = try await ask("GET", "/api/v1/messages?index=\(index)", token: .none)
        let id = try #require(found.json["data"]?["messageIds"]?.texts?.first)
        try await ask("GET", "/api/v1/messages/\(id)", token: .none)
        try await ask("GET", "/api/v1/info", token: .none)
        for path in ["info", "messages", "messages/\(id)"] {
            try await ask("OPTIONS", "/api/v1/\(path)", token: .none)
        }
    }

    private mutating func problems(_ channel: String) async throws {
        let path = "/v1/channels/\(channel)"
        try await ask("GET", "\(path)/messages?limit=0", problem: "Malformed")
        try await ask("GET", path, token: .none, problem: "Unauthenticated")
        try await ask("GET", "/v1/grants", token: .text(reader(of: channel)), problem: "Forbidden")
        try await ask("GET", "/v1/channels/0000000000", problem: "NotFound")
        try await ask("GET", "\(path)/messages", accept: "image/png", problem: "NotAcceptable")
        let meter = try ChannelVector.named("meter").messages[0]
        try await ask(
            "POST", "/v1/channels",
            json(["root": meter.root, "mode": "restricted", "sideKey": meter.sideKey]),
            problem: "Conflict")
        let large = String(repeating: " ", count: 64 << 10)
        try await ask("POST", "\(path)/keys", "{\(large)}", problem: "TooLarge")
        try await ask(
            "POST", "\(path)/keys", "{}", headers: ["Content-Type": "text/plain"],
            problem: "NotJSON")
        var rates = RequestRates()
        rates.ofToken = .init(perSecond: 0.001, burst: 1)
        let slow = try QueryAPI(
            archive: api.archive, metrics: Metrics(), log: .silent, rates: rates,
            clock: { [clock = api.clock] in clock.now })
        for problem in [nil, "TooOften"] {
            try await ask("GET", "/v1/channels/\(channel)", problem: problem, through: slow)
        }
        let pool = PostgresPool(
            configuration: try PostgresConfiguration(
                url: "postgresql:///postgres?host=/nonexistent"))
        let away = try QueryAPI(
            archive: Archive(pool: pool, vault: api.test.vault), metrics: Metrics(), log: .silent)
        try await ask("GET", "/v1/channels", problem: "Unavailable", through: away)
        try await ask("GET", "/readyz", through: away)
        await pool.shutdown()
    }

    private mutating func forgetting(_ channel: String) async throws {
        let hold = #"{"channel": "\#(channel)", "reason": "a claim in court"}"#
        try await ask("POST", "/v1/holds", hold)
        try await ask("GET", "/v1/holds")
        try await ask("POST", "/v1/holds/lift", #"{"channel": "\#(channel)", "reason": "settled"}"#)
        try await ask("POST", "/v1/forget-requests/plan", #"{"subject": "household-7"}"#)
        let taken = try await ask(
            "POST", "/v1/forget-requests",
            #"{"subject": "household-7", "reason": "moved out", "identity": "open"}"#)
        let id = try #require(taken.json["id"]?.text)
        let path = "/v1/forget-requests/\(id)"
        try await ask("POST", "\(path)/check", "{}")
        try await ask(
            "POST", "\(path)/extend",
            #"{"reason": "many channels are to be looked at", "months": "1"}"#)
        try await ask("POST", "\(path)/approve", "{}")
        try await ask("GET", "/v1/forget-requests")
        let reader = try await reader(of: channel)
        _ = try await api.get("/v1/channels/\(channel)/messages?limit=5", token: .text(reader))
        try await api.archive.audit.flush()
        api.clock.advance(7200)
        _ = try await Eraser(
            archive: api.archive, clock: { [clock = api.clock] in clock.now }, log: .silent
        ).execute(#require(ChannelNumber(text: id)))
        try await ask("GET", path)
        try await ask("GET", "/v1/events", token: .text(reader))
        let browser = try await api.signIn(api.admin)
        try await ask(
            "GET", "/requests/\(id)/receipt", token: .none, headers: ["Cookie": browser.cookie])
        let root = try ChannelVector.named("meter").messages[0].root
        try await ask(
            "POST", "/v1/tombstones/lift", json(["root": root, "reason": "consent was given anew"]))
        let refused = try await ask(
            "POST", "/v1/forget-requests",
            #"{"subject": "household-8", "identity": "open", "shared": "leave"}"#)
        let other = try #require(refused.json["id"]?.text)
        try await ask(
            "POST", "/v1/forget-requests/\(other)/refuse",
            #"{"reason": "the identity is in doubt"}"#)
    }

    /// Forms, which are answered with pages.
    private mutating func pages() async throws {
        let browser = try await api.signIn(api.admin)
        var headers = SignedIn.ownOrigin
        headers["Cookie"] = browser.cookie
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        let channel = try await api.test.register(.named("private"), now: api.clock.now).text
        let reader = try await api.archive.createToken(.reader, now: api.clock.now).record.id.text
        let root = try ChannelVector.named("tagged").messages[0].root
        let forms = [
            ("/session", "token=\(api.admin)&next=%2Frequests"),
            ("/channels", "root=\(root)&mode=public&label=electricity&subject=household-11"),
            ("/tokens", "role=reader&channel=\(channel)&purpose=advice+on+heating"),
            (
                "/tokens/\(reader)/grants",
                "channel=\(channel)&purpose=advice+on+heating&from=2027-01-01&until=2028-01-01"
            ),
            ("/holds", "channel=\(channel)&reason=a+claim+in+court"),
            ("/holds/lift", "channel=\(channel)"),
            ("/requests/plan", "channel=\(channel)&identity=open"),
            ("/requests", "channel=\(channel)&identity=open&reason=moved+out&sure=yes"),
        ]
        for (path, form) in forms {
            try await ask("POST", path, form, token: .none, headers: headers)
        }
        let requests = try await api.get("/v1/forget-requests").json["requests"]?.array ?? []
        let open = try #require(requests.first { $0["state"]?.text == "received" }?["id"]?.text)
        let rotating = try await api.test.register(
            .named("security-3"), keys: 1, now: api.clock.now
        ).text
        for (path, form) in [
            ("/requests/\(open)/extend", "reason=many+channels&months=1"),
            ("/requests/\(open)/refuse", "reason=the+identity+is+in+doubt"),
            ("/channels/\(rotating)/keys", "sideKey=ANOTHER9KEY"),
        ] {
            try await ask("POST", path, form, token: .none, headers: headers)
        }
    }

    /// At the end, since it stays.
    private mutating func damage() async throws {
        let channel = try await api.test.fill(channel: "events", clock: api.clock)
        _ = try await api.test.pool.withConnection {
            try await $0.execute(
                """
                update message set sealed_head = set_byte(sealed_head, 60,
                    get_byte(sealed_head, 60) # 1)
                where channel = $1 and sequence = 0
                """, [.int64(channel.rawValue)])
        }
        try await ask("GET", "/v1/channels/\(channel.text)/messages", problem: "Failed")
    }
}
