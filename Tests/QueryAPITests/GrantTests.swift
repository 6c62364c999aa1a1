import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Synchronization
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// A reader sees what its grants cover, and nothing beside it.
@Suite struct GrantTests {
    private static let lines = "application/x-ndjson"

    /// A channel whose messages came in on three days, six on each, a tree each.
    private struct Days {
        let api: TestAPI
        let channel: ChannelNumber
        let starts: [Date]
        let id: ChannelNumber
        let reader: Token

        var path: String { "/v1/channels/\(channel.text)" }

        func grant(_ window: GrantWindow, expires: Date? = nil) async throws -> ChannelNumber {
            try await api.archive.addGrant(
                NewGrant(
                    token: id, channel: channel, purpose: "energy advice", window: window,
                    expiresAt: expires), now: api.clock.now
            ).id
        }

        /// What the reader gets, by each way there is.
        func seen() async throws -> [Int64] {
            var known: [[Int64]] = []
            for order in ["sequence", "position"] {
                for direction in ["asc", "desc"] {
                    for limit in [1, 4, 1000] {
                        let query = "order=\(order)&direction=\(direction)&limit=\(limit)"
                        let pages = try await api.pages(of: channel, query, token: reader)
                        known.append(pages.flatMap { $0.map(\.sequence) }.sorted())
                    }
                }
            }
            let streamed = try await api.get(
                "\(path)/messages", token: reader, accept: GrantTests.lines)
            known.append(try streamed.lines.map(\.sequence))
            var evidence: [Int64] = []
            for sequence in 0..<Int64(18) {
                let answer = try await api.get(
                    "\(path)/messages/\(sequence)/bundle", token: reader)
                #expect([200, 404].contains(answer.status))
                if answer.status == 200 { evidence.append(sequence) }
            }
            known.append(evidence)
            #expect(Set(known).count == 1, "all ways give the same: \(known)")
            return known[0]
        }
    }

    private func withDays(_ body: (Days) async throws -> Void) async throws {
        try await TestAPI.with { api in
            var starts = [api.clock.now]
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            for count in [12, 18] {
                api.clock.advance(86_400)
                starts.append(api.clock.now)
                try await api.test.multiply(channel, to: count, now: api.clock.now)
            }
            let reader = try await api.reader()
            let id = try #require(ChannelNumber(text: String(reader.dropFirst(4).prefix(10))))
            try await body(
                Days(api: api, channel: channel, starts: starts, id: id, reader: .text(reader)))
        }
    }

    @Test func aWindowIsKeptAtItsEdges() async throws {
        try await withDays { days in
            let (first, second, third) = (days.starts[0], days.starts[1], days.starts[2])
            let tick = 0.001
            let cases: [(GrantWindow, Range<Int64>)] = [
                (GrantWindow(), 0..<18),
                (GrantWindow(seenFrom: second), 6..<18),
                (GrantWindow(seenFrom: second.addingTimeInterval(tick)), 12..<18),
                (GrantWindow(seenFrom: second.addingTimeInterval(-tick)), 6..<18),
                (GrantWindow(seenUntil: third), 0..<12),
                (GrantWindow(seenUntil: third.addingTimeInterval(tick)), 0..<18),
                (GrantWindow(seenUntil: third.addingTimeInterval(-tick)), 0..<12),
                (GrantWindow(seenFrom: second, seenUntil: third), 6..<12),
                (GrantWindow(firstPosition: 3), 3..<18),
                (GrantWindow(lastPosition: 3), 0..<4),
                (GrantWindow(firstPosition: 3, lastPosition: 3), 3..<4),
                (GrantWindow(seenFrom: second, lastPosition: 7), 6..<8),
                (GrantWindow(seenFrom: first, seenUntil: second, firstPosition: 17), 0..<0),
                (GrantWindow(seenUntil: first), 0..<0),
            ]
            for (window, expected) in cases {
                let grant = try await days.grant(window)
                #expect(try await days.seen() == Array(expected), "\(window)")
                _ = try await days.api.archive.revokeGrant(grant, now: days.api.clock.now)
            }
            #expect(
                try await days.api.get("\(days.path)/messages", token: days.reader).status == 404)
        }
    }

    @Test func severalGrantsAreJoined() async throws {
        try await withDays { days in
            _ = try await days.grant(GrantWindow(lastPosition: 1))
            let middle = try await days.grant(
                GrantWindow(seenFrom: days.starts[1], seenUntil: days.starts[2]))
            _ = try await days.grant(GrantWindow(firstPosition: 10, lastPosition: 13))
            #expect(try await days.seen() == [0, 1] + Array(6..<14))
            _ = try await days.api.archive.revokeGrant(middle, now: days.api.clock.now)
            #expect(try await days.seen() == [0, 1] + Array(10..<14))
        }
    }

    /// Neither by answers nor by statements: an empty window's channel is like one without messages.
    @Test func whatLiesOutsideIsToldLikeWhatNeverWas() async throws {
        try await withDays { days in
            let api = days.api
            _ = try await days.grant(GrantWindow(firstPosition: 0, lastPosition: 2))
            func ask(_ rest: String) async throws -> (answer: Answer, statements: [String]) {
                let told = Mutex<[String]>([])
                let answer = try await StatementObserver.$current.withValue(
                    StatementObserver { sql in told.withLock { $0.append(sql) } }
                ) { try await api.get(days.path + rest, token: days.reader) }
                return (answer, told.withLock { $0 })
            }
            let outside = try await ask("/messages/5/bundle")
            let never = try await ask("/messages/999/bundle")
            #expect(outside.answer.status == 404 && never.answer.status == 404)
            #expect(outside.statements == never.statements && !never.statements.isEmpty)
            #expect(outside.answer.text.replacing("5", with: "999") == never.answer.text)
            // How many there are besides is not told.
            for answer in [try await ask("").answer, try await ask("/messages").answer] {
                #expect(answer.status == 200)
                #expect(!answer.text.contains("headPosition"))
                #expect(answer.json["archive"]?["sequence"] == nil)
            }
            let list = try await api.get("/v1/channels", token: days.reader)
            #expect(list.json["channels"]?.array?.first?["messages"] == nil)
            #expect(try await api.get(days.path).json["messages"] == .number(18))
        }
    }

    @Test func anExpiredGrantGivesNothing() async throws {
        try await withDays { days in
            // The database's clock decides.
            _ = try await days.grant(.unlimited, expires: Date(timeIntervalSinceNow: -1))
            for rest in ["", "/messages", "/messages/0/bundle"] {
                let hidden = try await days.api.get(days.path + rest, token: days.reader)
                let never = try await days.api.get(
                    "/v1/channels/\(ChannelNumber.random().text)" + rest, token: days.reader)
                #expect(hidden.status == 404 && hidden.body == never.body)
            }
            let list = try await days.api.get("/v1/channels", token: days.reader)
            #expect(list.json["channels"] == .array([]))
            let soon = try await days.grant(.unlimited, expires: Date(timeIntervalSinceNow: 3600))
            #expect(try await days.seen().count == 18)
            _ = try await days.api.archive.revokeGrant(soon, now: days.api.clock.now)
        }
    }

    @Test func aStreamIsCutWhenItsGrantEndsMeanwhile() async throws {
        try await withDays { days in
            let (api, channel) = (days.api, days.channel)
            try await api.test.multiply(channel, to: 3000, now: api.clock.now)
            for isExpiring in [false, true] {
                let grant = try await days.grant(GrantWindow(firstPosition: 0))
                let count = try await api.linesUntilCut(of: channel, token: days.reader) {
                    if isExpiring {
                        _ = try await api.test.pool.withConnection {
                            try await $0.execute("update access_grant set expires_at = now()")
                        }
                    } else {
                        _ = try await api.archive.revokeGrant(grant, now: api.clock.now)
                    }
                }
                #expect(count > 0 && count < 3000)
            }
        }
    }

    /// Another grant for the same messages does not keep a stream that began by both: it is begun
    /// anew under the one that is left.
    @Test func aReaderWhoTakesNothingIsCutWithinASecond() async throws {
        try await withDays { days in
            let api = days.api
            let grant = try await days.grant(.unlimited)
            let response = try await api.respond(
                "GET", "\(days.path)/messages", token: days.reader,
                headers: ["Accept": Self.lines])
            guard case .stream(let write) = response.body else {
                Issue.record("no stream")
                return
            }
            let revoked = Mutex(ContinuousClock.now)
            let reader = StuckReader {
                _ = try await api.archive.revokeGrant(grant, now: api.clock.now)
                revoked.withLock { $0 = .now }
            }
            await #expect(throws: ArchiveError.fenced(days.channel)) { try await write(reader) }
            #expect(ContinuousClock.now - revoked.withLock { $0 } < .seconds(1))
        }
    }

    @Test func aTokenThatIsRevokedCutsAReaderWhoTakesNothing() async throws {
        try await withDays { days in
            let api = days.api
            _ = try await days.grant(.unlimited)
            let response = try await api.respond(
                "GET", "\(days.path)/messages", token: days.reader,
                headers: ["Accept": Self.lines])
            guard case .stream(let write) = response.body else {
                Issue.record("no stream")
                return
            }
            let reader = StuckReader {
                try await api.archive.revokeToken(days.id, now: api.clock.now)
            }
            await #expect(throws: ArchiveError.fenced(days.channel)) { try await write(reader) }
        }
    }

    /// A grant that is given, or another reader's that ends, leaves a stream alone.
    @Test func whatDoesNotTouchAStreamLeavesItAlone() async throws {
        try await withDays { days in
            let api = days.api
            try await api.test.multiply(days.channel, to: 2500, now: api.clock.now)
            _ = try await days.grant(GrantWindow(firstPosition: 10))
            let other = try await api.archive.createToken(
                .reader, channels: [days.channel], now: api.clock.now)
            let response = try await api.respond(
                "GET", "\(days.path)/messages", token: days.reader,
                headers: ["Accept": Self.lines])
            guard case .stream(let write) = response.body else {
                Issue.record("no stream")
                return
            }
            let reader = InterruptingReader {
                _ = try await days.grant(GrantWindow(lastPosition: 3))
                try await api.archive.revokeToken(other.record.id, now: api.clock.now)
                try await Task.sleep(for: ChannelWatch.interval * 3)
            }
            try await write(reader)
            #expect(reader.lines.withLock { $0 } == 2490)
        }
    }

    @Test func aNodesCommandsKeepToTheWindow() async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            try await api.archive.setNodeInterface(.token, of: channel)
            while try await api.archive.workOnNodeLookups() {}
            let vector = try ChannelVector.named("private")
            let token = try await api.archive.createToken(.reader, now: api.clock.now)
            _ = try await api.archive.addGrant(
                NewGrant(
                    token: token.record.id, channel: channel, purpose: "advice",
                    window: GrantWindow(firstPosition: 2, lastPosition: 3)), now: api.clock.now)
            let caller = try await api.archive.authenticate(token.text)
            for (position, message) in vector.messages.enumerated() {
                let isInside = (2...3).contains(position)
                let hashes = try await api.archive.nodeTransactions(
                    TransactionQuery(addresses: [message.address]), limit: 100, for: caller?.scope
                )?.value
                #expect(Set(hashes ?? []) == (isInside ? Set(message.transactions) : []))
                let trytes = try await api.archive.nodeTrytes(
                    message.transactions, for: caller?.scope
                ).value
                #expect(trytes.count == (isInside ? message.transactions.count : 0))
                var found = 0
                for hash in message.transactions {
                    let name = NodeMessage.identifier(of: hash)
                    let message = try await api.archive.nodeMessage(name, for: caller?.scope)
                    found += message == nil ? 0 : 1
                }
                // It is called by its tail.
                #expect(found == (isInside ? 1 : 0))
            }
            try await api.archive.setNodeInterface(.public, of: channel)
            let all = try await api.archive.nodeTrytes(
                vector.messages.flatMap(\.transactions), for: caller?.scope
            ).value
            #expect(all.count == vector.messages.flatMap(\.transactions).count)
        }
    }

    @Test func grantsAreGivenListedAndEndedOverHTTP() async throws {
        try await withDays { days in
            let api = days.api
            let body = """
                {"token": "\(days.id.text)", "channel": "\(days.channel.text)", "purpose": "advice \
                on tariffs", "from": "\(Timestamp(days.starts[1]).text)", "lastPosition": 9}
                """
            let made = try await api.call("POST", "/v1/grants", body: body)
            #expect(made.status == 201)
            let grant = try #require(made.json["id"]?.text)
            #expect(made.json["purpose"] == .text("advice on tariffs"))
            #expect(made.json["grantedBy"].map { api.admin.contains($0.text ?? "-") } == true)
            #expect(try await days.seen() == Array(6..<10))
            for query in ["", "?channel=\(days.channel.text)", "?token=\(days.id.text)&limit=1"] {
                let listed = try await api.get("/v1/grants\(query)")
                #expect(listed.json["grants"]?.array?.map { $0["id"]?.text } == [grant], "\(query)")
            }
            let none = try await api.get("/v1/grants?channel=\(ChannelNumber.random().text)")
            #expect(none.json["grants"] == .array([]))
            let ended = try await api.call("POST", "/v1/grants/\(grant)/revoke", body: "{}")
            #expect(ended.status == 200 && ended.json["revokedAt"] != nil)
            let again = try await api.call("POST", "/v1/grants/\(grant)/revoke", body: "{}")
            #expect(again.body == ended.body)
            #expect(
                try await api.get("\(days.path)/messages", token: days.reader).status == 404)
            let wrong: [(String, Int)] = [
                (#"{"token": "x", "channel": "y", "purpose": "z"}"#, 400),
                (body.replacing(#", "lastPosition": 9"#, with: #", "lastPosition": 1.5"#), 400),
                (body.replacing(#", "lastPosition": 9"#, with: #", "until": "yesterday""#), 400),
                (body.replacing(#", "lastPosition": 9"#, with: #", "firstPosition": "9""#), 400),
                (
                    body.replacing(
                        #", "lastPosition": 9"#, with: #", "lastPosition": 9, "firstPosition": 10"#),
                    400
                ),
                (body.replacing(days.id.text, with: ChannelNumber.random().text), 404),
                // An admin's token has no grants.
                (
                    body.replacing(days.id.text, with: String(api.admin.dropFirst(4).prefix(10))),
                    404
                ),
                (body.replacing(days.channel.text, with: ChannelNumber.random().text), 404),
                (
                    body.replacing(
                        "advice on tariffs", with: String(repeating: "x", count: 1001)), 400
                ),
            ]
            for (body, status) in wrong {
                #expect(try await api.call("POST", "/v1/grants", body: body).status == status)
            }
            for _ in 0..<Archive.grantLimit {
                #expect(try await api.call("POST", "/v1/grants", body: body).status == 201)
            }
            let many = try await api.call("POST", "/v1/grants", body: body)
            #expect(many.status == 409 && many.code == "archive.too-many-grants")
        }
    }

    @Test func aPurposeIsSealedAndRecordedWithEveryRead() async throws {
        try await withDays { days in
            let api = days.api
            let grant = try await days.grant(GrantWindow(firstPosition: 4, lastPosition: 7))
            _ = try await api.get("\(days.path)/messages?limit=2", token: days.reader)
            try await api.archive.audit.flush()
            var reads: [AuditRecord] = []
            try await api.archive.auditRecords(AuditFilter(leaf: days.channel)) { records in
                reads += records.filter {
                    $0.entry.kind == "messages.read" && $0.entry.actor == days.id
                }
            }
            let read = try #require(reads.first)
            #expect(reads.count == 1)
            guard case .open(let details) = read.details else {
                Issue.record("the details do not open")
                return
            }
            #expect(details["purpose"] == "energy advice")
            #expect(details["grants"] == grant.text)
            #expect(details["first"] == "4" && details["last"] == "5")
            let rows = try await api.test.pool.withConnection {
                try await $0.query("select access_grant::text as row from access_grant")
            }
            #expect(!rows.isEmpty)
            for row in rows {
                let text = try row.text("row")
                #expect(!text.contains("energy"))
                #expect(!text.contains(Array("energy".utf8).map { String($0, radix: 16) }.joined()))
            }
        }
    }
}
