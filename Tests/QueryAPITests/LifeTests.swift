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

/// A request's way from its taking to its end, over HTTP.
@Suite struct LifeTests {
    private func subjectToken(_ api: TestAPI, _ pseudonym: String) async throws -> Token {
        .text(
            try await api.archive.createToken(
                .subject, subject: pseudonym, now: api.clock.now
            ).text)
    }

    private func eraser(_ api: TestAPI) -> Eraser {
        Eraser(archive: api.archive, clock: { [clock = api.clock] in clock.now }, log: .silent)
    }

    /// What the eraser would carry out now.
    private func ready(_ api: TestAPI) async throws -> [String] {
        try await api.archive.openForgetRequests(now: api.clock.now).map(\.id.text)
    }

    @Test func aTombstoneIsLiftedByAnAdmin() async throws {
        try await TestAPI.with { api in
            let vector = try ChannelVector.named("private")
            let channel = try await api.test.fill(channel: vector.name, clock: api.clock)
            try await api.forget(channel)
            let root = vector.messages[0].root
            let body = #"{"root": "\#(root)", "reason": "asked back"}"#
            let register = #"{"root": "\#(root)", "mode": "private"}"#
            #expect(try await api.call("POST", "/v1/channels", body: register).status == 409)
            let reader = try await api.archive.createToken(
                .reader, channels: [], now: api.clock.now)
            let path = "/v1/tombstones/lift"
            let refused = try await api.call("POST", path, token: .text(reader.text), body: body)
            #expect(refused.status == 403)
            for (body, status) in [
                (#"{"root": "\#(root)"}"#, 400), (#"{"root": "x", "reason": "y"}"#, 400),
                (#"{"root": "\#(String(repeating: "Z", count: 81))", "reason": "y"}"#, 404),
                (body, 200), (body, 404),
            ] {
                #expect(try await api.call("POST", path, body: body).status == status)
            }
            #expect(try await api.call("POST", "/v1/channels", body: register).status == 201)
        }
    }

    @Test func aPersonsOwnRequestIsCheckedByHisTokenAndNeedsAnAdmin() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            let anna = try await subjectToken(api, "anna")
            let taken = try await api.call(
                "POST", "/v1/forget-requests", token: anna, body: #"{"reason": "moved out"}"#)
            #expect(taken.status == 202)
            let id = try #require(taken.json["id"]?.text)
            let path = "/v1/forget-requests/\(id)"
            #expect(try await api.get(path, token: anna).json["state"] == .text("checked"))
            #expect(try await ready(api).isEmpty)
            let approved = try await api.call("POST", "\(path)/approve", body: "{}")
            #expect(approved.json["state"] == .text("approved"))
            #expect(try await ready(api) == [id])
            let number = try #require(ChannelNumber(text: id))
            _ = try await eraser(api).execute(number)
            // The receipt is still his to fetch, and what is held about him is nothing.
            let done = try await api.get(path, token: anna)
            #expect(done.json["state"] == .text("done"))
            #expect(done.json["receipt"] != nil)
            #expect(
                try await api.get("/v1/forget-requests", token: anna).json["requests"]?.array?.count
                    == 1)
            #expect(try await api.get("/v1/subject", token: anna).json["channels"] == .array([]))
            #expect(try await api.get("/v1/channels/\(channel.text)/messages").status == 404)
            let again = try await api.call(
                "POST", "/v1/forget-requests", token: anna, body: "{}")
            #expect(again.status == 404)
        }
    }

    @Test func aPersonsTokenKnowsNothingOfOthers() async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("meter")], subject: "anna", clock: api.clock)
            let others = try await api.test.fill(
                [.named("private")], subject: "ben", clock: api.clock)
            let anna = try await subjectToken(api, "anna")
            let bens = try await api.call(
                "POST", "/v1/forget-requests", body: #"{"subject": "ben", "identity": "open"}"#)
            let id = try #require(bens.json["id"]?.text)
            let foreign = try await api.get("/v1/forget-requests/\(id)", token: anna)
            let never = try await api.get(
                "/v1/forget-requests/\(ChannelNumber.random().text)", token: anna)
            #expect(foreign.status == 404)
            #expect(foreign.body == never.body)
            #expect(
                try await api.get("/v1/forget-requests", token: anna).json["requests"]
                    == .array([]))
            var bodies: Set<[UInt8]> = []
            for channel in [others[0], .random()] {
                let answer = try await api.call(
                    "POST", "/v1/forget-requests", token: anna,
                    body: #"{"channel": "\#(channel.text)"}"#)
                #expect(answer.status == 404)
                bodies.insert(answer.body)
            }
            #expect(bodies.count == 1)
            let named = try await api.call(
                "POST", "/v1/forget-requests", token: anna, body: #"{"subject": "ben"}"#)
            #expect(named.status == 400)
            let own = try await api.call(
                "POST", "/v1/forget-requests", token: anna,
                body: #"{"channel": "\#(channels[0].text)"}"#)
            #expect(own.status == 202)
        }
    }

    @Test func aRequestOfUnknownIdentityIsCheckedApprovedOrRefusedWithTheReason() async throws {
        try await TestAPI.with { api in
            _ = try await api.test.fill(channel: "meter", subject: "anna", clock: api.clock)
            let taken = try await api.call(
                "POST", "/v1/forget-requests", body: #"{"subject": "anna", "identity": "open"}"#)
            let id = try #require(taken.json["id"]?.text)
            let path = "/v1/forget-requests/\(id)"
            #expect(try await api.get(path).json["state"] == .text("received"))
            let early = try await api.call("POST", "\(path)/approve", body: "{}")
            #expect(early.status == 409)
            #expect(early.code == "request.wrong-state")
            let number = try #require(ChannelNumber(text: id))
            await #expect(throws: RequestLifeError.wrongState(.received)) {
                _ = try await eraser(api).execute(number)
            }
            #expect(
                try await api.call("POST", "\(path)/check", body: "{}").json["state"]
                    == .text("checked"))
            let missing = try await api.call("POST", "\(path)/refuse", body: "{}")
            #expect(missing.status == 400)
            let refused = try await api.call(
                "POST", "\(path)/refuse", body: #"{"reason": "not the person"}"#)
            #expect(refused.json["state"] == .text("refused"))
            #expect(refused.json["note"] == .text("not the person"))
            let anna = try await subjectToken(api, "anna")
            let told = try await api.get(path, token: anna)
            #expect(told.json["note"] == .text("not the person"))
            // A refused one does not stand in the way of the next.
            let next = try await api.call(
                "POST", "/v1/forget-requests", body: #"{"subject": "anna"}"#)
            #expect(next.json["id"]?.text != id)
            var kinds: [String] = []
            try await api.archive.auditRecords(AuditFilter()) { kinds += $0.map(\.entry.kind) }
            #expect(kinds.contains("forget.identity-checked") && kinds.contains("forget.refused"))
        }
    }

    @Test func theTimeIsExtendedOnceWithAReasonAndTheQueueShowsWhatIsLate() async throws {
        try await TestAPI.with { api in
            _ = try await api.test.fill(channel: "meter", subject: "anna", clock: api.clock)
            let taken = try await api.call(
                "POST", "/v1/forget-requests", body: #"{"subject": "anna", "identity": "open"}"#)
            let path = "/v1/forget-requests/\(try #require(taken.json["id"]?.text))"
            let due = try #require(taken.json["dueAt"]?.text)
            let extended = try await api.call(
                "POST", "\(path)/extend", body: #"{"reason": "many channels", "months": "2"}"#)
            let later = try #require(extended.json["dueAt"]?.text)
            #expect(later > due)
            let twice = try await api.call(
                "POST", "\(path)/extend", body: #"{"reason": "more"}"#)
            #expect(twice.status == 409)
            #expect(extended.json["late"] == .bool(false))
            api.clock.advance(100 * 86_400)
            #expect(
                try await api.get("/v1/forget-requests").json["requests"]?.array?.first?["late"]
                    == .bool(true))
            let counts = try await api.archive.openRequestCounts(now: api.clock.now)
            #expect(counts.open == 1 && counts.late == 1)
        }
    }

    @Test func anApprovedRequestWaitsForItsDelayAndCanBeStopped() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            let policy = RequestPolicy(delay: 3600)
            let request = try await api.archive.receiveForgetRequest(
                .subject("anna"), reason: nil, policy: policy, now: api.clock.now)
            #expect(request.state == .approved)
            #expect(try await ready(api).isEmpty)
            await #expect(throws: RequestLifeError.self) {
                _ = try await eraser(api).execute(request.id)
            }
            let stopped = try await api.call(
                "POST", "/v1/forget-requests/\(request.id.text)/refuse",
                body: #"{"reason": "a slip"}"#)
            #expect(stopped.status == 200)
            api.clock.advance(3601)
            #expect(try await ready(api).isEmpty)
            let again = try await api.archive.receiveForgetRequest(
                .channel(channel), reason: nil, policy: policy, now: api.clock.now)
            api.clock.advance(3601)
            #expect(try await ready(api) == [again.id.text])
            #expect(try await eraser(api).execute(again.id).state == .done)
        }
    }

    @Test func whereASecondPersonIsWantedOneAdminIsNotEnough() async throws {
        try await TestAPI.with { api in
            _ = try await api.test.fill(channel: "meter", subject: "anna", clock: api.clock)
            let policy = RequestPolicy(secondPerson: true)
            let (first, second) = (
                AuditActor.token(.random()), AuditActor.token(.random())
            )
            let request = try await AuditActor.$current.withValue(first) {
                try await api.archive.receiveForgetRequest(
                    .subject("anna"), reason: nil, policy: policy, now: api.clock.now)
            }
            #expect(request.state == .checked)
            await #expect(throws: RequestLifeError.secondPersonNeeded) {
                try await api.archive.advance(
                    request.id, .approve(by: Signatory(first), at: api.clock.now), policy: policy,
                    now: api.clock.now)
            }
            let approved = try await api.archive.advance(
                request.id, .approve(by: Signatory(second), at: api.clock.now), policy: policy,
                now: api.clock.now)
            #expect(approved.state == .approved)
        }
    }

    @Test func aHoldSetLaterKeepsAnApprovedRequestFromBeginning() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            let request = try await api.archive.receiveForgetRequest(
                .subject("anna"), reason: nil, now: api.clock.now)
            let hold = #"{"channel": "\#(channel.text)", "reason": "a claim"}"#
            let set = try await api.call("POST", "/v1/holds", body: hold)
            #expect(set.json["holds"]?.array?.first?["reason"] == .text("a claim"))
            #expect(try await ready(api).isEmpty)
            await #expect(throws: RequestLifeError.held) {
                _ = try await eraser(api).execute(request.id)
            }
            let refused = try await api.call(
                "POST", "/v1/forget-requests", body: #"{"channel": "\#(channel.text)"}"#)
            #expect(refused.status == 409)
            #expect(refused.code == "archive.on-hold")
            let lifted = try await api.call("POST", "/v1/holds/lift", body: hold)
            #expect(lifted.json["holds"] == .array([]))
            #expect(try await ready(api) == [request.id.text])
            #expect(try await eraser(api).execute(request.id).state == .done)
        }
    }
}
