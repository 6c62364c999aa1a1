import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import TestSupport
import Testing
import Vault

/// Reading messages from a streaming replica: what it may answer, and what it must not.
@Suite(.serialized) struct ReplicaTests {
    private static func messages(_ channel: ChannelNumber, _ query: String = "") -> String {
        "/v1/channels/\(channel.text)/messages\(query)"
    }

    /// The marks of the messages of a page.
    private static func attachments(_ answer: Answer) -> [JSONValue] {
        (answer.json["messages"]?.array ?? []).compactMap { $0["attachments"] }
    }

    @Test func messagesAndReadingsComeFromAReplicaAndSayHowOldTheyMayBe() async throws {
        try await ReplicatedAPI.with { scene in
            let api = scene.api
            let channel = try await scene.test.fill(channel: "meter", clock: api.clock)
            try await scene.catchUp()
            let reads = scene.replicas.reports[0].reads
            for accept in ["application/json", "application/x-ndjson", "text/csv"] {
                let answer = try await scene.getFromReplica(Self.messages(channel), accept: accept)
                #expect(answer.status == 200)
                let staleness = answer.headers["Permanode-Staleness"].flatMap(Double.init)
                #expect(try #require(staleness) < 120)
                if accept == "application/x-ndjson" { #expect(try answer.lines.count == 24) }
            }
            let readings = try await scene.getFromReplica(
                "/v1/channels/\(channel.text)/readings?from=2018-01-01T00:00:00Z&to=2018-12-31T00:00:00Z"
                    + "&resolution=1d")
            #expect(readings.status == 200 && readings.text.contains("\"readings\":"))
            #expect(scene.replicas.reports[0].reads >= reads + 4)
            // What proves a message is the primary's.
            let before = scene.replicas.reports[0].reads
            #expect(try await api.get(Self.messages(channel, "/3/bundle")).status == 200)
            #expect(scene.replicas.reports[0].reads == before)
        }
    }

    @Test func marksAreAsOldAsIsSaidAndNewOnceTheReplicaHasThem() async throws {
        try await ReplicatedAPI.with { scene in
            let channel = try await scene.test.fill(channel: "meter", clock: scene.api.clock)
            try await scene.catchUp()
            try await scene.holdBack()
            let first = try await scene.getFromReplica(Self.messages(channel))
            try await scene.execute("update message set attachments = 7")
            let second = try await scene.getFromReplica(Self.messages(channel))
            #expect(Self.attachments(second) == Self.attachments(first))
            #expect(!Self.attachments(second).contains(.number(7)))
            // The tag is of what was told, and not of what the primary has by now.
            let tag = try #require(second.headers["ETag"])
            let unchanged = try await scene.api.call(
                "GET", Self.messages(channel), headers: ["If-None-Match": tag])
            #expect(unchanged.status == (ReplicatedAPI.isFromReplica(unchanged) ? 304 : 200))
            try await scene.letGo()
            let third = try await scene.api.call(
                "GET", Self.messages(channel), headers: ["If-None-Match": tag])
            #expect(third.status == 200 && third.headers["ETag"] != tag)
            #expect(Self.attachments(third).allSatisfy { $0 == .number(7) })
            #expect(Self.attachments(third).count == 24)
        }
    }

    @Test func beyondTheBoundThePrimaryAnswersAndAnIdlePrimaryMakesNothingOld() async throws {
        try await ReplicatedAPI.with(bound: .seconds(2)) { scene in
            let channel = try await scene.test.fill(channel: "meter", clock: scene.api.clock)
            try await scene.catchUp()
            // Longer than the bound nothing is written, and the replica serves on.
            let start = ContinuousClock.now
            while ContinuousClock.now - start < .seconds(4) {
                _ = try await scene.getFromReplica(Self.messages(channel, "?limit=1"))
            }
            try await scene.holdBack()
            try await scene.execute("update message set attachments = 7")
            try await scene.eventually("the replica is not used any more") { !scene.isUsed }
            let answer = try await scene.api.get(Self.messages(channel))
            #expect(answer.headers["Permanode-Staleness"] == "0.000")
            #expect(Self.attachments(answer).allSatisfy { $0 == .number(7) })
            try await scene.letGo()
            _ = try await scene.getFromReplica(Self.messages(channel))
        }
    }

    /// However far behind a replica is: no page, no stream and no listener lacks a message.
    @Test func aReplicaThatLacksMessagesOfAChannelIsNotReadForIt() async throws {
        try await ReplicatedAPI.with { scene in
            let api = scene.api
            var live = try await LiveChannel(api)
            try await live.publish("first", "second")
            let other = try await scene.test.fill(channel: "meter", clock: api.clock)
            try await scene.catchUp()
            _ = try await scene.getFromReplica(Self.messages(live.channel))
            try await scene.holdBack()
            try await live.publish("third", "fourth")
            let page = try await api.get(Self.messages(live.channel))
            #expect(page.headers["Permanode-Staleness"] == "0.000")
            #expect(page.json["messages"]?.array?.count == 4)
            #expect(page.json["archive"]?["sequence"] == .number(4))
            let lines = try await api.get(
                Self.messages(live.channel), accept: "application/x-ndjson")
            #expect(try lines.lines.map(\.text) == ["first", "second", "third", "fourth"])
            // From a cursor on that a replica's page may have given.
            let rest = try await api.get(Self.messages(live.channel, "?after=\(live.start)"))
            #expect(rest.json["messages"]?.array?.count == 3)
            let listener = try await live.listen(lastEventID: live.start)
            #expect(
                try await listener.events(3).map(\.message.text) == ["second", "third", "fourth"])
            await listener.leave()
            // Of channels that have not changed it is as good as it was.
            let untouched = try await scene.getFromReplica(Self.messages(other))
            #expect(untouched.json["messages"]?.array?.count == 24)
            try await scene.letGo()
            let later = try await scene.getFromReplica(Self.messages(live.channel))
            #expect(later.json["messages"]?.array?.count == 4)
        }
    }

    @Test func theForgottenIsNotToldThoughTheReplicaHasItsRows() async throws {
        try await ReplicatedAPI.with { scene in
            let (api, test) = (scene.api, scene.test)
            let channel = try await test.fill(channel: "meter", clock: api.clock)
            let other = try await test.fill(channel: "public", clock: api.clock)
            try await scene.catchUp()
            _ = try await scene.getFromReplica(Self.messages(channel))
            try await scene.holdBack()
            // As an interface would read whose every question goes to the replica.
            let fromCopy = Archive(pool: scene.copied, vault: test.vault)
            #expect(try await fromCopy.messages(of: channel, MessageRange(), limit: 9).0.count == 9)

            let eraser = Eraser(
                archive: api.archive, clock: { [clock = api.clock] in clock.now }, log: .silent)
            let month = try await test.archive.receiveForgetRequest(
                .period(other, Period(api.clock.now)...Period(api.clock.now)), reason: nil,
                now: api.clock.now)
            #expect(try await eraser.execute(month.id).state == .done)
            let whole = try await test.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: api.clock.now)
            #expect(try await eraser.execute(whole.id).state == .done)

            // The rows are still on the replica, and used to open.
            let rows = try await ReplicatedAPI.text(
                "select count(*)::text as value from message where channel = \(channel.rawValue)",
                on: scene.copied)
            #expect(rows == "24")
            for accept in ["application/json", "application/x-ndjson", "text/csv"] {
                #expect(try await api.get(Self.messages(channel), accept: accept).status == 404)
                let left = try await api.get(Self.messages(other), accept: accept)
                #expect(left.headers["Permanode-Staleness"] == "0.000")
                if accept == "application/x-ndjson" { #expect(left.body.isEmpty) }
            }
            // Nor does what the replica has open for anybody.
            await #expect(throws: ArchiveError.noSuchChannel(channel)) {
                try await fromCopy.messages(of: channel, MessageRange(), limit: 9)
            }
            #expect(
                try await fromCopy.messages(of: other, MessageRange(), limit: 9).messages.isEmpty)
            try? await fromCopy.audit.close(now: api.clock.now)
        }
    }

    @Test func whatIsRestrictedIsNotReadAndBehindItTheReplicaHasToHaveHeardOfIt() async throws {
        try await ReplicatedAPI.with { scene in
            let api = scene.api
            let channel = try await scene.test.fill(channel: "meter", clock: api.clock)
            try await scene.catchUp()
            try await scene.holdBack()
            try await api.archive.restrict(channel)
            #expect(try await api.get(Self.messages(channel)).status == 409)
            try await api.archive.lift(channel, now: api.clock.now)
            let answer = try await api.get(Self.messages(channel))
            #expect(answer.status == 200 && !ReplicatedAPI.isFromReplica(answer))
            try await scene.letGo()
            _ = try await scene.getFromReplica(Self.messages(channel))
        }
    }

    @Test func aReplicaThatDiesCostsNoAnswerAndIsUsedAgainWhenItIsBack() async throws {
        try await ReplicatedAPI.with { scene in
            let channel = try await scene.test.fill(channel: "meter", clock: scene.api.clock)
            try await scene.catchUp()
            _ = try await scene.getFromReplica(Self.messages(channel))
            try await scene.copy.pause(crashing: true)
            for _ in 0..<10 {
                let answer = try await scene.api.get(Self.messages(channel))
                #expect(answer.status == 200)
                #expect(answer.json["messages"]?.array?.count == 24)
            }
            try await scene.eventually("it is not used any more") { !scene.isUsed }
            try await scene.copy.resume()
            _ = try await scene.getFromReplica(Self.messages(channel))
        }
    }

    /// It would take writes of its own, and lack the primary's.
    @Test func aReplicaThatWasPromotedIsNotReadFrom() async throws {
        try await ReplicatedAPI.with { scene in
            let channel = try await scene.test.fill(channel: "meter", clock: scene.api.clock)
            try await scene.catchUp()
            try await scene.copied.withConnection { try await $0.script("select pg_promote()") }
            let changed = "update message set attachments = 9"
            _ = try await scene.copied.withConnection { try await $0.execute(changed) }
            for _ in 0..<10 {
                let answer = try await scene.api.get(Self.messages(channel))
                #expect(!ReplicatedAPI.isFromReplica(answer))
                #expect(Self.attachments(answer).allSatisfy { $0 != .number(9) })
            }
            try await scene.eventually("it is not used any more") { !scene.isUsed }
        }
    }
}
