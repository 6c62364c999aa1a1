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

/// Who may know what.
@Suite struct AccessTests {
    /// Every route of the interface itself, with numbers that name nothing.
    /// All but the key with which anybody checks a receipt.
    private func routes(_ api: TestAPI) -> [(method: String, target: String)] {
        api.api.router.routes.filter {
            $0.template.hasPrefix("/v1/") && $0.template != "/v1/receipt-key"
        }.map {
            (
                $0.method,
                $0.template.replacing("{id}", with: "0123456789").replacing("{sequence}", with: "0")
            )
        }
    }

    @Test func nothingIsToldWithoutAValidToken() async throws {
        try await TestAPI.with { api in
            let revoked = try await api.archive.createToken(.admin, now: api.clock.now)
            try await api.archive.revokeToken(revoked.record.id, now: api.clock.now)
            let last = api.admin.last == "A" ? "B" : "A"
            let tokens: [Token] = [
                .none, .text(""), .text("x"), .text(revoked.text),
                .text(api.admin.dropLast(2) + last + last),
                .text(String(repeating: "x", count: 9000)),
                .text("pmn_0123456789_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ]
            let routes = routes(api)
            #expect(routes.count >= 10)
            for (method, target) in routes {
                for token in tokens {
                    let answer = try await api.call(method, target, token: token, body: "{}")
                    #expect(answer.status == 401)
                    #expect(answer.headers["WWW-Authenticate"]?.hasPrefix("Bearer") == true)
                }
            }
        }
    }

    @Test(arguments: ["Basic", "bearer", "Bearer  "])
    func theSchemeIsBearerWithoutRegardToCase(scheme: String) async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(
                "GET", "/v1/channels", token: .none,
                headers: ["Authorization": "\(scheme) \(api.admin)"])
            #expect(answer.status == (scheme == "Basic" ? 401 : 200))
        }
    }

    @Test func twoAuthorizationFieldsAreNone() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(
                "GET", "/v1/channels", token: .none,
                headers: ["Authorization": "Bearer \(api.admin)", "authorization": "Bearer x"])
            #expect(answer.status == 401)
        }
    }

    @Test func aReaderReadsItsChannelsAndDoesNothingElse() async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("events"), .named("private")], subject: "meter-7", clock: api.clock)
            let reader = Token.text(try await api.reader(channels[0]))
            let own = "/v1/channels/\(channels[0].text)"
            let other = "/v1/channels/\(channels[1].text)"
            let never = "/v1/channels/\(ChannelNumber.random().text)"
            for rest in ["", "/messages", "/messages/0/bundle"] {
                #expect(try await api.get(own + rest, token: reader).status == 200)
                let hidden = try await api.get(other + rest, token: reader)
                let absent = try await api.get(never + rest, token: reader)
                let malformed = try await api.get("/v1/channels/x" + rest, token: reader)
                #expect(hidden.status == 404)
                #expect(hidden.body == absent.body)
                #expect(hidden.body == malformed.body)
            }
            let list = try await api.get("/v1/channels", token: reader)
            #expect(
                list.json["channels"]?.array?.compactMap { $0["id"]?.text } == [channels[0].text])
            #expect(!list.text.contains("meter-7"))
            #expect(try await api.get("/v1/channels").text.contains("meter-7"))
            let admins = routes(api).filter {
                $0.method == "POST" || $0.target.hasPrefix("/v1/forget")
            }
            #expect(admins.count >= 6)
            for (method, target) in admins {
                for target in [target, target.replacing("0123456789", with: channels[0].text)] {
                    let answer = try await api.call(method, target, token: reader, body: "{}")
                    #expect(answer.status == 403)
                }
            }
        }
    }

    @Test func aForgottenChannelIsToldLikeOneThatNeverWas() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let reader = Token.text(try await api.reader(channel))
            let path = "/v1/channels/\(channel.text)"
            let cursor = try #require(
                try await api.get("\(path)/messages?limit=1", token: reader).json["next"]?.text)
            let request = try await api.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: api.clock.now)
            _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
            let never = "/v1/channels/\(ChannelNumber.random().text)"
            for token in [reader, .admin] {
                for rest in ["/messages", "/messages/0/bundle", "/messages?limit=5"] {
                    let forgotten = try await api.get(path + rest, token: token)
                    let absent = try await api.get(never + rest, token: token)
                    #expect(forgotten.status == 404)
                    #expect(forgotten.body == absent.body)
                }
                #expect(
                    try await api.get("\(path)/messages?after=\(cursor)", token: token).status
                        == 404)
            }
            #expect(try await api.get(path, token: reader).status == 404)
            let list = try await api.get("/v1/channels", token: reader)
            #expect(list.json["channels"] == .array([]))
            #expect(try await api.get(path).json["state"] == .text("forgotten"))
            for verb in ["pause", "resume"] {
                #expect(try await api.call("POST", "\(path)/\(verb)").status == 409)
            }
        }
    }

    @Test func aRestrictedChannelIsKeptAndNotRead() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            let reader = Token.text(try await api.reader(channel))
            try await api.restrict(channel)
            let path = "/v1/channels/\(channel.text)"
            #expect(try await api.get(path, token: reader).json["state"] == .text("restricted"))
            for rest in ["/messages", "/messages/0/bundle"] {
                let answer = try await api.get(path + rest, token: reader)
                #expect(answer.status == 409)
            }
        }
    }

    @Test func rootsKeysAndTokensInTheWrongPlaceAreNotRepeated() async throws {
        try await TestAPI.with { api in
            let message = try ChannelVector.named("meter").messages[0]
            let key = try #require(message.sideKey)
            // What is answered and logged of these is searched at the end of the test.
            for value in [message.root, key, api.admin] {
                for target in [
                    "/\(value)", "/v1/channels/\(value)", "/v1/channels/\(value)/messages",
                    "/v1/channels?\(value)=1", "/v1/channels?after=\(value)",
                    "/v1/channels/0123456789/messages?limit=\(value)",
                    "/v1/forget-requests/\(value)",
                ] {
                    let answer = try await api.get(target)
                    #expect((400..<500).contains(answer.status))
                }
                for body in [
                    "{\"root\": \"\(value)x\", \"mode\": \"private\"}",
                    "{\"root\": \"\(value)\", \"mode\": \"\(value)\"}", "{\"\(value)\": 1}",
                    "\"\(value)\"", "{\"root\": [\"\(value)\"], \"mode\": \"public\"}",
                ] {
                    let answer = try await api.call("POST", "/v1/channels", body: body)
                    #expect(answer.status == 400)
                }
                let method = try await api.call(value, "/v1/channels")
                #expect(method.status == 405)
            }
            #expect(!api.logged.isEmpty)
        }
    }
}
