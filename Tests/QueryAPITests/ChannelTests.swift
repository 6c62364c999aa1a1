import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import MAM
import QueryAPI
import TestSupport
import Testing
import Vault

/// Registering and administering channels.
@Suite struct ChannelTests {
    private func registration(_ fields: [String: String?]) throws -> String {
        String(decoding: try JSONEncoder().encode(fields), as: UTF8.self)
    }

    @Test func aChannelIsRegisteredShownAndListed() async throws {
        try await TestAPI.with { api in
            let first = try ChannelVector.named("meter").messages[0]
            let body = try registration([
                "root": first.root, "mode": "restricted", "sideKey": first.sideKey,
                "subject": "meter-7", "label": "attic \u{1F50C}",
            ])
            let answer = try await api.call("POST", "/v1/channels", body: body)
            #expect(answer.status == 201)
            let id = try #require(answer.json["id"]?.text)
            #expect(answer.headers["Location"] == "/v1/channels/\(id)")
            #expect(answer.json["state"] == .text("following"))
            #expect(answer.json["mode"] == .text("restricted"))
            #expect(answer.json["sideKeys"] == .number(1))
            #expect(answer.json["subjects"] == .array([.text("meter-7")]))
            #expect(answer.json["label"] == .text("attic \u{1F50C}"))
            #expect(try await api.get("/v1/channels/\(id)").body == answer.body)
            #expect(
                try await api.get("/v1/channels").json["channels"]?.array?.map { $0["id"] }
                    == [.text(id)])
            let again = try await api.call("POST", "/v1/channels", body: body)
            #expect(again.status == 409)
            #expect(again.code == "archive.already-registered")
        }
    }

    @Test func aBodyThatIsWrongIsRefusedAndTheFieldNamed() async throws {
        let root = String(repeating: "A", count: 81)
        let long = String(repeating: "x", count: 201)
        let cases: [(body: String, status: Int, code: String, names: String)] = [
            ("", 400, "request.not-json", "JSON"), ("[]", 400, "request.not-json", "JSON"),
            ("{", 400, "request.not-json", "JSON"), ("{} {}", 400, "request.not-json", "JSON"),
            (String(repeating: "[", count: 10_000), 400, "request.not-json", "JSON"),
            ("{}", 400, "request.field-missing", "root"),
            (#"{"root": null, "mode": "public"}"#, 400, "request.field-missing", "root"),
            (#"{"root": 7, "mode": "public"}"#, 400, "request.field", "root"),
            (#"{"root": "\#(root)A", "mode": "public"}"#, 400, "request.field", "root"),
            (#"{"root": "a\#(root.dropLast())", "mode": "public"}"#, 400, "request.field", "root"),
            (#"{"root": "\#(root)"}"#, 400, "request.field-missing", "mode"),
            (#"{"root": "\#(root)", "mode": "Public"}"#, 400, "request.field", "mode"),
            (
                #"{"root": "\#(root)", "mode": "public", "roots": ""}"#, 400,
                "request.unknown-field", "label"
            ),
            (
                #"{"root": "\#(root)", "mode": "public", "label": {}}"#, 400, "request.field",
                "label"
            ),
            (
                #"{"root": "\#(root)", "mode": "restricted"}"#, 400, "archive.side-key-missing",
                "side key"
            ),
            (
                #"{"root": "\#(root)", "mode": "restricted", "sideKey": ""}"#, 400, "request.field",
                "sideKey"
            ),
            (
                #"{"root": "\#(root)", "mode": "restricted", "sideKey": "key"}"#, 400,
                "request.field", "sideKey"
            ),
            (
                #"{"root": "\#(root)", "mode": "private", "sideKey": "KEY"}"#, 400,
                "archive.side-key-not-wanted", "side key"
            ),
            (
                #"{"root": "\#(root)", "mode": "public", "label": "\#(long)"}"#, 400,
                "archive.label-too-long", "label"
            ),
            (
                #"{"root": "\#(root)", "mode": "public", "subject": ""}"#, 400,
                "archive.subject-malformed", "subject"
            ),
            (
                #"{"root": "\#(root)", "mode": "public", "subject": "a\u0000b"}"#, 400,
                "archive.subject-malformed", "subject"
            ),
            (String(repeating: " ", count: 60_000), 413, "request.body-too-large", "49152"),
        ]
        try await TestAPI.with { api in
            for (body, status, code, names) in cases {
                let answer = try await api.call("POST", "/v1/channels", body: body)
                #expect(answer.status == status, "\(body.prefix(200))")
                #expect(answer.code == code, "\(body.prefix(200))")
                #expect(answer.json["detail"]?.text?.contains(names) == true, "\(code)")
                #expect(!answer.text.contains("AAAA") && !answer.text.contains("xxxx"))
            }
            let form = try await api.call(
                "POST", "/v1/channels", headers: ["Content-Type": "text/plain"], body: "{}")
            #expect(form.status == 415)
            let charset = try await api.call(
                "POST", "/v1/channels",
                headers: ["Content-Type": "Application/JSON; charset=utf-8"], body: "{}")
            #expect(charset.status == 400)
            #expect(try await api.get("/v1/channels").json["channels"] == .array([]))
        }
    }

    @Test func aSideKeyIsAddedOnce() async throws {
        try await TestAPI.with { api in
            let vector = try ChannelVector.named("rotating")
            let keys = Set(vector.messages.compactMap(\.sideKey))
            #expect(keys.count == 3)
            let channel = try await api.test.register(vector, keys: 1, now: api.clock.now)
            let path = "/v1/channels/\(channel.text)/keys"
            for key in Array(keys) + Array(keys) {
                let answer = try await api.call(
                    "POST", path, body: registration(["sideKey": key]))
                #expect(answer.status == 200)
            }
            #expect(
                try await api.get("/v1/channels/\(channel.text)").json["sideKeys"] == .number(3))
            for (body, code) in [
                ("{}", "request.field-missing"), (#"{"sideKey": 1}"#, "request.field"),
                (#"{"sideKey": "lower"}"#, "request.field"),
                (#"{"sideKey": "A", "mode": "public"}"#, "request.unknown-field"),
            ] {
                let answer = try await api.call("POST", path, body: body)
                #expect(answer.status == 400)
                #expect(answer.code == code)
            }
        }
    }

    @Test func aSideKeyNeedsAChannelThatHasThem() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.register(.named("public"), now: api.clock.now)
            let unwanted = try await api.call(
                "POST", "/v1/channels/\(channel.text)/keys", body: #"{"sideKey": "A"}"#)
            #expect(unwanted.status == 400)
            #expect(unwanted.code == "archive.side-key-not-wanted")
            let nowhere = try await api.call(
                "POST", "/v1/channels/\(ChannelNumber.random().text)/keys",
                body: #"{"sideKey": "A"}"#)
            #expect(nowhere.status == 404)
        }
    }

    @Test func aChannelIsPausedAndResumed() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "events", clock: api.clock)
            let path = "/v1/channels/\(channel.text)"
            for _ in 0..<2 {
                let paused = try await api.call("POST", "\(path)/pause")
                #expect(paused.status == 200)
                #expect(paused.json["state"] == .text("paused"))
                #expect(paused.json["nextLookAt"] == nil)
            }
            #expect(try await api.get("\(path)/messages").status == 200)
            let resumed = try await api.call("POST", "\(path)/resume")
            #expect(resumed.json["state"] == .text("following"))
            #expect(resumed.json["nextLookAt"]?.text == Timestamp(api.clock.now).text)
            try await api.restrict(channel)
            #expect(try await api.call("POST", "\(path)/resume").status == 409)
            #expect(
                try await api.call("POST", "\(path)/lift").json["state"] == .text("following"))
            #expect(try await api.call("POST", "\(path)/lift").status == 409)
            #expect(
                try await api.call("POST", "\(path)/restrict").json["state"]
                    == .text("restricted"))
            #expect(try await api.get("\(path)/messages").status == 409)
            for verb in ["pause", "resume", "restrict", "lift"] {
                let nowhere = "/v1/channels/\(ChannelNumber.random().text)/\(verb)"
                #expect(try await api.call("POST", nowhere).status == 404)
            }
        }
    }

    @Test func retentionIsSetChangedAndTakenAway() async throws {
        try await TestAPI.with { api in
            let root = try ChannelVector.named("public").messages[0].root
            let added = try await api.call(
                "POST", "/v1/channels",
                body: #"{"root": "\#(root)", "mode": "public", "retention": "13m"}"#)
            #expect(added.status == 201)
            #expect(added.json["retention"] == .text("13m"))
            let path = "/v1/channels/\(try #require(added.json["id"]?.text))/retention"
            let longer = try await api.call("POST", path, body: #"{"retention": "24m"}"#)
            #expect(longer.json["retention"] == .text("24m"))
            let wrong = try await api.call("POST", path, body: #"{"retention": "0m"}"#)
            #expect(wrong.status == 400)
            let all = try await api.call("POST", path, body: #"{"retention": null}"#)
            #expect(all.status == 200)
            #expect(all.json["retention"] == nil)
        }
    }

    @Test func theListComesInPages() async throws {
        try await TestAPI.with { api in
            var all: Set<String> = []
            for vector in try ChannelVector.all().prefix(7) {
                all.insert(try await api.test.register(vector, now: api.clock.now).text)
            }
            #expect(all.count == 7)
            for limit in [1, 3, 7, 500] {
                var listed: [String] = []
                var after = ""
                repeat {
                    let page = try await api.get("/v1/channels?limit=\(limit)\(after)").json
                    listed += (page["channels"]?.array ?? []).compactMap { $0["id"]?.text }
                    after = page["next"]?.text.map { "&after=\($0)" } ?? ""
                } while !after.isEmpty && listed.count <= all.count
                #expect(listed.count == all.count)
                #expect(Set(listed) == all)
            }
            for query in ["limit=0", "limit=501", "after=x", "page=2"] {
                #expect(try await api.get("/v1/channels?\(query)").status == 400)
            }
        }
    }
}
