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

/// Channels that are the data of several people, over HTTP.
@Suite struct HouseholdTests {
    /// Anna's and ben's meter, which was crawled, and their tokens.
    private func withMeter(
        _ body: (TestAPI, _ meter: ChannelNumber, _ anna: Token, _ ben: Token) async throws -> Void
    ) async throws {
        try await TestAPI.with { api in
            let meter = try await api.test.fill(
                channel: "meter", subject: "anna-1", clock: api.clock)
            let path = "/v1/channels/\(meter.text)/subjects"
            let added = try await api.call("POST", path, body: #"{"add": ["ben-2"]}"#)
            #expect(added.json["subjects"] == .array([.text("anna-1"), .text("ben-2")]))
            var tokens: [Token] = []
            for person in ["anna-1", "ben-2"] {
                let made = try await api.archive.createToken(
                    .subject, subject: person, now: api.clock.now)
                tokens.append(.text(made.text))
            }
            try await body(api, meter, tokens[0], tokens[1])
        }
    }

    @Test func aChannelIsRegisteredForSeveralPeople() async throws {
        try await TestAPI.with { api in
            let root = String(repeating: "H", count: 81)
            let made = try await api.call(
                "POST", "/v1/channels",
                body: #"{"root": "\#(root)", "mode": "private", "subjects": ["b", "a", "b"]}"#)
            #expect(made.status == 201)
            #expect(made.json["subjects"] == .array([.text("a"), .text("b")]))
            let crowd = (0..<33).map { "\"\($0)\"" }.joined(separator: ",")
            for (field, status) in [
                (#""subjects": "a""#, 400), (#""subjects": [7]"#, 400),
                (#""subjects": [""]"#, 400), (#""subjects": [\#(crowd)]"#, 409),
                (#""subject": ["a"]"#, 400),
            ] {
                let other = String(repeating: "I", count: 81)
                let answer = try await api.call(
                    "POST", "/v1/channels",
                    body: #"{"root": "\#(other)", "mode": "private", \#(field)}"#)
                #expect(answer.status == status, "\(field)")
            }
        }
    }

    @Test func eachSeesItAndNeitherTheOther() async throws {
        try await withMeter { api, meter, anna, ben in
            for token in [anna, ben] {
                let held = try await api.get("/v1/subject", token: token)
                let channels = try #require(held.json["channels"]?.array)
                #expect(channels.map { $0["channel"]?["id"] } == [.text(meter.text)])
                #expect(channels.map { $0["shared"] } == [.bool(true)])
                let export = try await api.get("/v1/subject/export", token: token)
                #expect(export.text.contains("\"messages\":24"))
                for text in [held.text, export.text] {
                    #expect(!text.contains("anna-1") && !text.contains("ben-2"))
                }
            }
            let path = "/v1/channels/\(meter.text)/subjects"
            let off = try await api.call("POST", path, body: #"{"remove": ["anna-1"]}"#)
            #expect(off.json["subjects"] == .array([.text("ben-2")]))
            #expect(try await api.get("/v1/subject", token: anna).json["channels"] == .array([]))
            let held = try await api.get("/v1/subject", token: ben)
            #expect(held.json["channels"]?.array?.map { $0["shared"] } == [.bool(false)])
            let unknown = try await api.call("POST", path, body: #"{"remove": ["carl"]}"#)
            #expect(unknown.status == 404)
            #expect(unknown.code == "archive.no-such-subject")
        }
    }

    @Test func whoIsTakenOffIsCutOffHisExport() async throws {
        try await withMeter { api, meter, _, _ in
            try await api.test.multiply(meter, to: 2000)
            let anna = try await api.archive.subject("anna-1")
            var given = 0
            await #expect(throws: ExportError.stopped) {
                _ = try await SubjectExport(archive: api.archive, subject: anna).run(
                    now: api.clock.now
                ) { part in
                    guard case .messages(let batch, _) = part else { return }
                    given += batch.count
                    try await api.archive.changeSubjects(
                        of: meter, adding: [], removing: ["anna-1"], now: api.clock.now)
                }
            }
            #expect(given > 0 && given < 500)
        }
    }

    @Test func aRequestThatWouldTakeItFromTheOtherSaysSo() async throws {
        try await withMeter { api, meter, anna, ben in
            func ask(_ body: String, _ token: Token = .admin) async throws -> Answer {
                try await api.call("POST", "/v1/forget-requests", token: token, body: body)
            }
            let month = Period(api.clock.now)
            let refused: [(String, Token)] = [
                (#"{"subject": "anna-1"}"#, .admin), ("{}", anna),
                (#"{"channel": "\#(meter.text)"}"#, anna),
                (#"{"channel": "\#(meter.text)", "from": "\#(month)", "to": "\#(month)"}"#, anna),
            ]
            for (body, token) in refused {
                let answer = try await ask(body, token)
                #expect(answer.status == 409)
                #expect(answer.code == "archive.shared-channels")
                #expect(answer.text.contains(meter.text))
            }
            for body in [
                #"{"shared": "no"}"#, #"{"channel": "\#(meter.text)", "shared": "leave"}"#,
                #"{"shared": true}"#, #"{"shared": "refuse"}"#,
            ] {
                #expect(try await ask(body, anna).status == 400)
            }
            #expect(try await api.get("/v1/forget-requests").json["requests"] == .array([]))
            // An admin who names the channel means it.
            #expect(try await ask(#"{"channel": "\#(meter.text)"}"#).status == 202)
            let taken = try await ask(#"{"shared": "leave"}"#, anna)
            #expect(taken.status == 202)
            let id = try #require(taken.json["id"]?.text)
            let shown = try await api.get("/v1/forget-requests/\(id)", token: anna)
            #expect(shown.json["shared"] == .text("leave"))
            // Ben learns nothing of what anna asks for herself, and of the channel all.
            #expect(try await api.get("/v1/forget-requests/\(id)", token: ben).status == 404)
            #expect(
                try await api.get("/v1/forget-requests", token: ben).json["requests"]?.array?.count
                    == 1)
            _ = try await api.call("POST", "/v1/forget-requests/\(id)/approve", body: "{}")
            _ = try await Eraser(archive: api.archive, log: .silent).execute(
                try #require(ChannelNumber(text: id)))
            let done = try await api.get("/v1/forget-requests/\(id)", token: anna)
            #expect(done.json["receipt"]?["sharedKept"] == .number(1))
            #expect(done.json["receipt"]?["channels"] == .number(0))
            #expect(try await api.get("/v1/subject", token: anna).json["channels"] == .array([]))
            #expect(
                try await api.get("/v1/subject", token: ben).json["channels"]?.array?.count == 1)
        }
    }
}
