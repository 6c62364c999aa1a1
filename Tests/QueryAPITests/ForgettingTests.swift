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

/// Requests to forget, from their taking to their receipt.
@Suite struct ForgettingTests {
    @Test func aSubjectIsForgottenAndTheReceiptShown() async throws {
        try await TestAPI.with { api in
            let vector = try ChannelVector.named("meter")
            let channel = try await api.test.fill(
                channel: vector.name, subject: "meter-7", clock: api.clock)
            let taken = try await api.call(
                "POST", "/v1/forget-requests",
                body: #"{"subject": "meter-7", "reason": "moved out"}"#)
            #expect(taken.status == 202)
            let id = try #require(taken.json["id"]?.text)
            let path = try #require(taken.headers["Location"])
            #expect(path == "/v1/forget-requests/\(id)")
            #expect(taken.json["dueAt"] == .text("2027-02-15T08:00:00.000Z"))
            let repeated = try await api.call(
                "POST", "/v1/forget-requests", body: #"{"subject": "meter-7"}"#)
            #expect(repeated.json["id"] == taken.json["id"])
            // Handed out once.
            #expect(taken.json["salt"]?.text?.count == 43)
            #expect(repeated.json["salt"] == nil)

            let received = try await api.get(path).json
            #expect(received["state"] == .text("approved"))
            #expect(received["receipt"] == nil)
            let number = try #require(ChannelNumber(text: id))
            _ = try await Eraser(
                archive: api.archive, clock: { [clock = api.clock] in clock.now }, log: .silent
            ).execute(number)

            let done = try await api.get(path)
            #expect(done.json["state"] == .text("done"))
            #expect(done.json["receipt"]?["channels"] == .number(1))
            #expect(done.json["receipt"]?["rows"]?["message"] == .number(24))
            #expect(done.json["receipt"]?["remaining"] == .number(0))
            #expect(!done.text.contains("meter-7") && !done.text.contains("moved out"))
            #expect(
                try await api.get("/v1/forget-requests").json["requests"]?.array == [done.json])

            let root = vector.messages[0].root
            let key = try #require(vector.messages[0].sideKey)
            let again = try await api.call(
                "POST", "/v1/channels",
                body: #"{"root": "\#(root)", "mode": "restricted", "sideKey": "\#(key)"}"#)
            #expect(again.status == 409)
            #expect(again.code == "archive.forgotten")
            #expect(
                try await api.get("/v1/channels/\(channel.text)/messages").status == 404)
            let unknown = try await api.call(
                "POST", "/v1/forget-requests", body: #"{"subject": "meter-7"}"#)
            #expect(unknown.status == 404)
            #expect(unknown.code == "archive.no-such-subject")
        }
    }

    @Test func aRequestForNothingIsRefused() async throws {
        let id = ChannelNumber.random().text
        let long = String(repeating: "x", count: 2001)
        let cases = [
            ("{}", 400, "request.field"), (#"{"reason": "x"}"#, 400, "request.field"),
            (#"{"subject": "a", "channel": "\#(id)"}"#, 400, "request.field"),
            (#"{"channel": 5}"#, 400, "request.field"),
            (
                #"{"subject": "a", "from": "2026-01", "to": "2026-02"}"#, 400,
                "request.field"
            ),
            (#"{"from": "2026-01", "to": "2026-02"}"#, 400, "request.field-missing"),
            (#"{"channel": "\#(id)", "from": "2026-01"}"#, 400, "request.field-missing"),
            (#"{"channel": "\#(id)", "to": "2026-01"}"#, 400, "request.field-missing"),
            (#"{"channel": "\#(id)", "from": "", "to": ""}"#, 400, "request.field"),
            (#"{"channel": "\#(id)", "from": "2026-13", "to": "2027-01"}"#, 400, "request.field"),
            (#"{"channel": "\#(id)", "from": "2026-02", "to": "2026-01"}"#, 400, "request.field"),
            (
                #"{"channel": "\#(id)", "from": "2026-02", "to": "2027-02"}"#, 400,
                "archive.period-not-begun"
            ),
            (#"{"root": "x"}"#, 400, "request.unknown-field"),
            (#"{"channel": "\#(id)"}"#, 404, "archive.no-such-channel"),
            (#"{"channel": "x"}"#, 404, "archive.no-such-channel"),
            (#"{"subject": "nobody"}"#, 404, "archive.no-such-subject"),
            (#"{"subject": "nobody", "reason": "\#(long)"}"#, 400, "archive.reason-too-long"),
        ]
        try await TestAPI.with { api in
            for (body, status, code) in cases {
                let answer = try await api.call("POST", "/v1/forget-requests", body: body)
                #expect(answer.status == status)
                #expect(answer.code == code)
            }
            #expect(try await api.get("/v1/forget-requests").json["requests"] == .array([]))
            for number in [id, "x"] {
                let answer = try await api.get("/v1/forget-requests/\(number)")
                #expect(answer.status == 404)
                #expect(answer.code == "archive.no-such-request")
            }
        }
    }
}
