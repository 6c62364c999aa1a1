import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import QueryAPI
import TestSupport
import Testing
import Vault

/// What a person sees by a token bound to him, and what recipients are told.
@Suite struct SubjectTests {
    private func subjectToken(_ api: TestAPI, _ pseudonym: String) async throws -> Token {
        .text(
            try await api.archive.createToken(
                .subject, subject: pseudonym, now: api.clock.now
            ).text)
    }

    @Test func aPersonSeesWhatIsHeldAboutHimAndWhoReadIt() async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("meter"), .named("events")], subject: "anna", clock: api.clock)
            _ = try await api.test.fill(channel: "private", subject: "ben", clock: api.clock)
            let reader = try await api.reader(channels[0])
            _ = try await api.get(
                "/v1/channels/\(channels[0].text)/messages?limit=5", token: .text(reader))
            try await api.archive.audit.flush()
            let anna = try await subjectToken(api, "anna")
            let held = try await api.get("/v1/subject", token: anna)
            #expect(held.status == 200)
            let told = try #require(held.json["channels"]?.array)
            #expect(
                Set(told.compactMap { $0["channel"]?["id"]?.text }) == Set(channels.map(\.text)))
            let meter = try #require(
                told.first { $0["channel"]?["id"]?.text == channels[0].text })
            let counts = (meter["periods"]?.array ?? []).compactMap { $0["messages"] }
            #expect(!counts.isEmpty)
            #expect(meter["channel"]?["messages"] == .number(24))
            #expect(meter["readers"]?.array?.count == 1)
            #expect(meter["readers"]?.array?.first?["messages"] == .number(5))
            #expect(!held.text.contains("ben"))
        }
    }

    @Test func aPersonsTokenDoesNothingElse() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            let anna = try await subjectToken(api, "anna")
            let allowed: Set<String> = [
                "GET /v1/subject", "GET /v1/subject/export", "POST /v1/forget-requests",
                "POST /v1/forget-requests/plan",
                "GET /v1/forget-requests", "GET /v1/forget-requests/{id}",
                "GET /v1/receipt-key", "GET /v1/subjects/{id}/access-log",
            ]
            let routes = api.api.router.routes.filter {
                $0.template.hasPrefix("/v1/") && !allowed.contains("\($0.method) \($0.template)")
            }
            #expect(routes.count >= 10)
            for route in routes {
                let target = route.template.replacing("{id}", with: channel.text)
                    .replacing("{sequence}", with: "0")
                let answer = try await api.call(route.method, target, token: anna, body: "{}")
                #expect(answer.status == 403, "\(route)")
            }
            for target in ["/v1/subject", "/v1/subject/export"] {
                #expect(try await api.get(target).status == 403)
                let reader = try await api.reader(channel)
                #expect(try await api.get(target, token: .text(reader)).status == 403)
            }
        }
    }

    @Test func aTokenForNobodyIsNotMade() async throws {
        try await TestAPI.with { api in
            await #expect(throws: ArchiveError.noSuchSubject) {
                try await api.archive.createToken(.subject, subject: "nobody", now: api.clock.now)
            }
            await #expect(throws: ArchiveError.noSuchSubject) {
                try await api.archive.createToken(.subject, now: api.clock.now)
            }
            let tokens = try await api.archive.tokens()
            #expect(tokens.map(\.role) == [.admin])
        }
    }

    @Test func anExportHasEveryMessageAndSaysWhereItEnds() async throws {
        try await TestAPI.with { api in
            let vector = try ChannelVector.named("meter")
            let channel = try await api.test.fill(
                channel: vector.name, subject: "anna", clock: api.clock)
            try await api.archive.pause(channel, now: api.clock.now)
            let anna = try await subjectToken(api, "anna")
            let export = try await api.get("/v1/subject/export", token: anna)
            #expect(export.status == 200)
            let lines = try export.body.split(separator: UInt8(ascii: "\n")).map {
                try JSONDecoder().decode(JSONValue.self, from: Data($0))
            }
            let messages = lines.compactMap { $0["message"] }
            #expect(messages.compactMap { $0["text"]?.text } == vector.messages.compactMap(\.text))
            #expect(messages.allSatisfy { $0["channelId"] == .text(channel.text) })
            #expect(lines.first?["channel"]?["channel"]?["id"] == .text(channel.text))
            var kinds: [String] = []
            for line in lines {
                if let audit = line["audit"], let kind = audit["kind"]?.text { kinds.append(kind) }
            }
            #expect(kinds.contains("channel.paused") && kinds.contains("subject.exported"))
            let end = try #require(lines.last?["end"])
            #expect(end["channels"] == .number(1))
            #expect(end["messages"] == .number(Double(vector.messages.count)))
            #expect(end["auditEntries"] == .number(Double(kinds.count)))
            // His own export makes him no recipient.
            try await api.archive.audit.flush()
            #expect(try await api.archive.recipients(of: channel).isEmpty)
        }
    }

    @Test func aRestrictionKeepsReadersOutButNotThePersonHimself() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            try await api.restrict(channel)
            #expect(try await api.get("/v1/channels/\(channel.text)/messages").status == 409)
            let anna = try await subjectToken(api, "anna")
            let export = try await api.get("/v1/subject/export", token: anna)
            #expect(export.text.contains("\"messages\":24"))
        }
    }

    @Test func aForgetOfAMonthMeanwhileCutsTheExport() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            try await api.test.multiply(channel, to: 2000)
            let subject = try await api.archive.subject("anna")
            let export = SubjectExport(archive: api.archive, subject: subject)
            let month = Period(api.clock.now)
            var isForgotten = false
            await #expect(throws: ExportError.stopped) {
                _ = try await export.run(now: api.clock.now) { part in
                    guard case .messages = part, !isForgotten else { return }
                    isForgotten = true
                    let request = try await api.archive.receiveForgetRequest(
                        .period(channel, month...month), reason: nil, now: api.clock.now)
                    _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
                }
            }
            #expect(isForgotten)
        }
    }

    @Test func aForgetThatBeginsMeanwhileCutsTheExport() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            try await api.test.multiply(channel, to: 2000)
            let subject = try await api.archive.subject("anna")
            let export = SubjectExport(archive: api.archive, subject: subject)
            var given = 0
            await #expect(throws: ExportError.stopped) {
                _ = try await export.run(now: api.clock.now) { part in
                    guard case .messages(let batch, _) = part else { return }
                    given += batch.count
                    guard given == batch.count else { return }
                    try await api.forget(channel)
                }
            }
            #expect(given > 0 && given < 2000)
        }
    }

    @Test func readersOfAForgottenChannelAreToldByEvents() async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("meter"), .named("events")], clock: api.clock)
            let reader = try await api.reader(channels[0], channels[1])
            let other = try await api.reader(channels[0])
            for channel in channels {
                _ = try await api.get(
                    "/v1/channels/\(channel.text)/messages", token: .text(reader))
            }
            _ = try await api.get("/v1/channels/\(channels[0].text)/messages")
            try await api.archive.audit.flush()
            let listed = try await api.get("/v1/channels/\(channels[0].text)/readers")
            #expect(listed.json["readers"]?.array?.count == 2)
            #expect(
                try await api.get("/v1/channels/\(ChannelNumber.random().text)/readers").status
                    == 404)
            try await api.forget(channels[0])
            let events = try await api.get("/v1/events", token: .text(reader))
            let told = events.json["events"]?.array ?? []
            #expect(told.map { $0["channel"]?.text } == [channels[0].text])
            #expect(told.map { $0["event"]?.text } == ["forgotten"])
            #expect(!events.text.contains("token"))
            // Who had read nothing is told nothing; an admin sees who is told.
            #expect(
                try await api.get("/v1/events", token: .text(other)).json["events"] == .array([]))
            let all = try await api.get("/v1/events").json["events"]?.array ?? []
            #expect(all.count == 2)
            #expect(all.allSatisfy { $0["token"] != nil })
            let next = try #require(events.json["next"])
            guard case .number(let number) = next else { return }
            let rest = try await api.get(
                "/v1/events?after=\(Int(number))", token: .text(reader))
            #expect(rest.json["events"] == .array([]))
            #expect(rest.json["next"] == next)
        }
    }

    @Test func purposeAndBasisAreShownAndTheBasisIsOneOfSix() async throws {
        try await TestAPI.with { api in
            let root = String(repeating: "P", count: 81)
            let made = try await api.call(
                "POST", "/v1/channels",
                body: """
                    {"root": "\(root)", "mode": "private", "purpose": "billing by the hour", \
                    "basis": "contract"}
                    """)
            #expect(made.status == 201)
            #expect(made.json["purpose"] == .text("billing by the hour"))
            #expect(made.json["basis"] == .text("contract"))
            #expect(
                try await api.get("/v1/channels").json["channels"]?.array?.first?["basis"]
                    == .text("contract"))
            let wrong = try await api.call(
                "POST", "/v1/channels",
                body: #"{"root": "\#(root)", "mode": "private", "basis": "because"}"#)
            #expect(wrong.status == 400)
            let long = String(repeating: "x", count: 1001)
            let tooLong = try await api.call(
                "POST", "/v1/channels",
                body: #"{"root": "\#(root)", "mode": "private", "purpose": "\#(long)"}"#)
            #expect(tooLong.code == "archive.purpose-too-long")
        }
    }

    @Test func whatATokenDoesAndReadsIsRecordedAsItsOwn() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let reader = try await api.archive.createToken(
                .reader, channels: [channel], now: api.clock.now)
            let streamed = try await api.get(
                "/v1/channels/\(channel.text)/messages", token: .text(reader.text),
                accept: "application/x-ndjson")
            #expect(try streamed.lines.count == 24)
            _ = try await api.call("POST", "/v1/channels/\(channel.text)/pause")
            try await api.archive.audit.flush()
            var records: [AuditRecord] = []
            try await api.archive.auditRecords(AuditFilter(leaf: channel)) { records += $0 }
            let read = try #require(records.first { $0.entry.kind == "messages.read" })
            #expect(read.entry.actor == reader.record.id)
            guard case .open(let details) = read.details else {
                Issue.record("the details do not open")
                return
            }
            #expect(
                details.filter { ["messages", "first", "last"].contains($0.key) }
                    == ["messages": "24", "first": "0", "last": "23"])
            // All came in at once.
            #expect(details["seenFrom"] == Timestamp(api.clock.now).text)
            #expect(details["seenTo"] == details["seenFrom"])
            #expect(details["grants"]?.count == 10)
            let paused = try #require(records.first { $0.entry.kind == "channel.paused" })
            #expect(paused.entry.actor.map { api.admin.contains($0.text) } == true)
        }
    }
}

extension TestAPI {
    func forget(_ channel: ChannelNumber) async throws {
        let request = try await archive.receiveForgetRequest(
            .channel(channel), reason: nil, now: clock.now)
        _ = try await Eraser(archive: archive, log: .silent).execute(request.id)
    }
}
