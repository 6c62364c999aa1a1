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
import Synchronization
import TestSupport
import Testing
import Vault

/// `GET /v1/channels/{id}/events`.
@Suite struct LiveTests {
    @Test func aMessageThatIsCommittedComesToEveryListener() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("before")
            let listeners = [try await live.listen(), try await live.listen()]
            try await live.publish("first", "second")
            for listener in listeners {
                let events = try await listener.events(2)
                #expect(events.map(\.message.text) == ["first", "second"])
                #expect(events.map(\.message.sequence) == [1, 2])
                #expect(events.allSatisfy { $0.type == "message" })
            }
            let page = try await api.pages(of: live.channel, "").flatMap { $0 }
            let told = try await listeners[0].events(2)
            #expect(told.map(\.message) == Array(page.dropFirst()))
            // Events and pages have the same cursors.
            let rest = try await api.get("\(live.path)/messages?after=\(told[0].id)").json
            #expect(rest["messages"]?.array?.count == 1)
            for listener in listeners { await listener.leave() }
        }
    }

    /// However often a listener breaks off, it gets every message once.
    @Test func whoComesAgainGoesOnWithoutAHoleOrADouble() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("0")
            var random = SeededGenerator(seed: 6)
            var listener = try await live.listen()
            var got: [Event] = []
            for round in 1...12 {
                try await live.publish("\(round)a", "\(round)b")
                let seen = try await listener.events(Int.random(in: 0...2, using: &random))
                got += seen
                await listener.leave()
                if Bool.random(using: &random) { try await live.publish("\(round)c") }
                listener = try await live.listen(lastEventID: got.last?.id ?? live.start)
            }
            try await live.publish("end")
            let count = try await api.archive.channel(live.channel).messageCount
            got += try await listener.events(Int(count) - 1 - got.count)
            #expect(got.map(\.message.sequence) == Array(1..<count))
            #expect(got.last?.message.text == "end")
            await listener.leave()
        }
    }

    /// A stream that breaks off before its first message has told where it began.
    @Test func whoHasHeardNothingYetComesAgainWithoutAHole() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("before")
            let listener = try await live.listen()
            try await listener.reader.wait { $0.lastID != nil }
            #expect(listener.reader.eventCount == 0)
            await listener.leave()
            try await live.publish("meanwhile")
            let again = try await live.listen(lastEventID: listener.reader.lastID)
            #expect(try await again.events(1).map(\.message.text) == ["meanwhile"])
            await again.leave()
        }
    }

    /// Rows that nobody announced are found by asking.
    @Test func aNotificationThatIsLostCostsSecondsAndNoMessage() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("only")
            let listener = try await live.listen()
            try await api.test.multiply(live.channel, to: 700)
            let events = try await listener.events(699)
            #expect(events.map(\.message.sequence) == Array(1..<700))
            await listener.leave()
        }
    }

    @Test func aBacklogOfThousandsComesFirst() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("only")
            let start = try await live.listen()
            try await live.publish("cursor")
            let first = try #require(try await start.events(1).first)
            await start.leave()
            try await api.test.multiply(live.channel, to: 4000)
            let listener = try await live.listen(lastEventID: first.id)
            _ = try await listener.events(3000)
            try await api.test.multiply(live.channel, to: 4100)
            let events = try await listener.events(4098)
            #expect(events.map(\.message.sequence) == Array(2..<4100))
            await listener.leave()
        }
    }

    private static let attempts = 5

    @Test func whoTakesNothingIsDropped() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish(String(repeating: "x", count: 900))
            var total = 1
            var reason: (any Error)?
            // Where the database is slow to answer, all listeners go; then it is tried again.
            for _ in 0..<Self.attempts where reason as? RequestError != .tooSlow {
                let stuck = try await live.listen(StuckListener(), comesBack: false)
                let other = try await live.listen()
                let count = 5999
                total += count
                try await api.test.multiply(live.channel, to: total)
                #expect(try await other.events(count).count == count)
                do { try await stuck.result() } catch { reason = error }
                await other.leave()
            }
            #expect(reason as? RequestError == .tooSlow)
            #expect(api.logged.contains { $0.contains("code=events.too-slow cut=true") })
        }
    }

    @Test(arguments: ["forget", "restrict", "token", "grant"])
    func aListenerIsCutWithinASecond(of end: String) async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("only")
            let token = try await api.archive.createToken(
                .reader, channels: [live.channel], now: api.clock.now)
            let listener = try await live.listen(token: .text(token.text))
            try await live.publish("seen")
            #expect(try await listener.events(1).count == 1)
            switch end {
            case "forget":
                let request = try await api.archive.receiveForgetRequest(
                    .channel(live.channel), reason: nil, now: api.clock.now)
                _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
            case "restrict": try await api.restrict(live.channel)
            case "token":
                try await api.archive.revokeToken(token.record.id, now: api.clock.now)
            default:
                for grant in try await api.archive.grants(to: token.record.id) {
                    _ = try await api.archive.revokeGrant(grant.id, now: api.clock.now)
                }
            }
            let start = ContinuousClock.now
            await #expect(throws: (any Error).self) { try await listener.result() }
            #expect(ContinuousClock.now - start < .seconds(1))
        }
    }

    @Test func aListenerHearsWhatItsGrantsCoverAndThatIsOnRecord() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("0", "1")
            let token = try await api.archive.createToken(.reader, now: api.clock.now)
            _ = try await api.archive.addGrant(
                NewGrant(
                    token: token.record.id, channel: live.channel, purpose: "billing",
                    window: GrantWindow(firstPosition: 3, lastPosition: 4)), now: api.clock.now)
            let (limited, whole) = (
                try await live.listen(token: .text(token.text)), try await live.listen()
            )
            for text in ["2", "3", "4", "5"] { try await live.publish(text) }
            #expect(try await whole.events(4).map(\.message.position) == [2, 3, 4, 5])
            #expect(try await limited.events(2).map(\.message.position) == [3, 4])
            // Also from the past.
            let again = try await live.listen(
                token: .text(token.text), lastEventID: whole.events(1)[0].id)
            #expect(try await again.events(2).map(\.message.position) == [3, 4])
            try await api.archive.audit.flush()
            let readers = try await api.archive.recipients(of: live.channel)
            let entry = try #require(readers.first { $0.reader == token.record.id })
            #expect(entry.messages == 4)
            for listener in [limited, whole, again] { await listener.leave() }
        }
    }

    @Test func aMessageIsReadOnceForAllWhoListen() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("0")
            let statements = Mutex<[String]>([])
            var comebacks = 0
            try await StatementObserver.$current.withValue(
                StatementObserver { sql in statements.withLock { $0.append(sql) } }
            ) {
                var listeners: [LiveListener] = []
                for _ in 0..<16 { listeners.append(try await live.listen()) }
                try await live.publish("1")
                for listener in listeners { _ = try await listener.events(1) }
                statements.withLock { $0 = [] }
                try await live.publish("2")
                for listener in listeners { _ = try await listener.events(2) }
                comebacks = listeners.reduce(0) { $0 + $1.reader.comebackCount }
                for listener in listeners { await listener.leave() }
            }
            let reads = statements.withLock { $0.filter { $0.contains("sealed_head") } }
            let crawled = reads.count { $0.contains("insert") }
            // One for the message, some of the crawler's own, and some of each who came again.
            #expect(reads.count - crawled < 10 + 3 * comebacks)
        }
    }

    @Test func cursorsOfOthersAndTooManyListenersAreRefused() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("0", "1")
            let other = try await api.test.fill(channel: "events", clock: api.clock)
            let foreign = try #require(
                try await api.get("/v1/channels/\(other.text)/messages?limit=1").json["next"]?.text)
            let position = try #require(
                try await api.get("\(live.path)/messages?limit=1&order=position").json["next"]?.text
            )
            for cursor in [foreign, position, "x", String(repeating: "A", count: 5000)] {
                let answer = try await api.call(
                    "GET", "\(live.path)/events", headers: ["Last-Event-ID": cursor])
                #expect(answer.status == 400 && answer.code == "request.cursor")
                let query = try await api.get("\(live.path)/events?after=\(cursor)")
                #expect(query.status == 400 && query.code == "request.cursor")
            }
            let wrong = try await api.get("\(live.path)/events", accept: "application/json")
            #expect(wrong.status == 406)
            var held: [HTTPResponse] = []
            for _ in 0..<100 { held.append(try await api.respond("GET", "\(live.path)/events")) }
            #expect(held.allSatisfy { $0.status == 200 })
            #expect(try await api.get("\(live.path)/events").status == 429)
            held = []
            let last = try await api.respond("GET", "\(live.path)/events")
            #expect(last.status == 200)
        }
    }

    @Test func streamsEndWholeWhenTheServiceStopsAndBeatWhileNothingComes() async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("0")
            let listener = try await live.listen()
            try await listener.reader.wait { $0.text.contains("\n:\n") }
            await api.api.stopListeners()
            try await listener.result()
            // Nobody is let in any more.
            try await (try await live.listen()).result()
        }
    }
}

extension LiveTests {
    @Test(arguments: [
        "a\nid: 1\n\ndata: forged", "\r\ndata: x\r\n\r\n", "\u{0}\u{2028}\u{85}",
        "<script>alert(1)</script>",
    ])
    func nothingInATextEndsAnEvent(text: String) async throws {
        try await TestAPI.with { api in
            var live = try await LiveChannel(api)
            try await live.publish("0")
            let listener = try await live.listen()
            try await live.publish(text, "after")
            let events = try await listener.events(2)
            #expect(events.map(\.message.text) == [text, "after"])
            await listener.leave()
        }
    }
}
