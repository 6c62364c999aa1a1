import Archive
import ArchiveTestSupport
import Diagnostics
import Foundation
import HTTPServer
import QueryAPI
import TestSupport
import Testing
import Vault

/// Signing in to the page, and what a session is good for.
@Suite struct SessionTests {
    @Test func aTokenSignsInAndLiesInNoCookie() async throws {
        try await TestAPI.with { api in
            let form = try await api.get("/", token: .none)
            #expect(form.status == 200)
            #expect(
                form.text.contains("<form class=\"stack\" method=\"post\" action=\"/session\">"))
            let answer = try await SignedIn(api: api, cookie: "").post(
                "/session", "token=\(api.admin)&next=%2Frequests")
            #expect(answer.status == 303)
            #expect(answer.headers["Location"] == "/requests")
            let field = try #require(answer.headers["Set-Cookie"])
            #expect(field.hasPrefix("permanode="))
            #expect(field.hasSuffix("; Path=/; HttpOnly; SameSite=Strict"))
            let secret = try #require(api.admin.split(separator: "_").last)
            #expect(!field.contains(secret) && !answer.text.contains(secret))
            let browser = try await api.signIn(api.admin)
            let page = try await browser.get("/")
            #expect(page.status == 200)
            #expect(page.text.contains("Sign out"))
            #expect(page.headers["Cache-Control"] == "no-store")
        }
    }

    @Test func whatIsNoTokenSignsNobodyIn() async throws {
        try await TestAPI.with { api in
            let nobody = SignedIn(api: api, cookie: "")
            for form in ["", "token=", "token=pmn_0000000000_AAAA", "token=%3Cscript%3E"] {
                let answer = try await nobody.post("/session", form)
                #expect(answer.status == 401, "\(form)")
                #expect(answer.headers["Set-Cookie"] == nil)
                #expect(answer.text.contains("role=\"alert\""))
                #expect(!answer.text.contains("<script>"))
            }
            for form in ["token=a&token=b", "token=a&other=b", "token=%zz", "token=%00"] {
                #expect(try await nobody.post("/session", form).status == 400, "\(form)")
            }
            let json = try await api.call(
                "POST", "/session", token: .none, headers: SignedIn.ownOrigin,
                body: "{\"token\":\"\(api.admin)\"}")
            #expect(json.status == 400)
            let huge = try await nobody.post(
                "/session", "token=" + String(repeating: "a", count: 64 << 10))
            #expect(huge.status == 413)
        }
    }

    @Test(arguments: [
        "//evil.example", "https://evil.example", "/\\evil", "/a?b=c", "javascript:x",
    ])
    func onlyAPathOfThisServiceIsGoneOnTo(next: String) async throws {
        try await TestAPI.with { api in
            let escaped = try #require(
                next.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let answer = try await SignedIn(api: api, cookie: "").post(
                "/session", "token=\(api.admin)&next=\(escaped)")
            #expect(answer.headers["Location"] == "/")
        }
    }

    @Test func aSessionDoesForTheInterfaceWhereThereIsNoToken() async throws {
        try await TestAPI.with { api in
            let browser = try await api.signIn(api.admin)
            let list = try await browser.get("/v1/channels")
            #expect(list.status == 200)
            #expect(list.headers["X-Content-Type-Options"] == "nosniff")
            // A token that is given counts, a bad one too.
            let other = try await api.call(
                "GET", "/v1/channels", token: .text("pmn_none"),
                headers: ["Cookie": browser.cookie])
            #expect(other.status == 401)
            let reader = try await api.signIn(try await api.reader())
            #expect(try await reader.get("/v1/grants").status == 403)
            #expect(try await reader.get("/v1/subject").status == 403)
        }
    }

    @Test func changesHaveToComeFromThePageItself() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "events", clock: api.clock)
            let browser = try await api.signIn(api.admin)
            let path = "/v1/channels/\(channel.text)/pause"
            let refused: [HTTPHeaders] = [
                [:], ["Host": "archive.example"], ["Origin": "http://archive.example"],
                ["Host": "archive.example", "Origin": "null"],
                ["Host": "archive.example", "Origin": "http://archive.example.evil.example"],
                ["Host": "archive.example", "Origin": "https://archive.example"],
                ["Host": "archive.example", "Origin": "http://archive.example:8080"],
                ["Sec-Fetch-Site": "cross-site"], ["Sec-Fetch-Site": "same-site"],
                ["Sec-Fetch-Site": "none"],
                [
                    "Host": "archive.example", "Origin": "http://archive.example",
                    "Sec-Fetch-Site": "cross-site",
                ],
            ]
            for headers in refused {
                var headers = headers
                headers["Cookie"] = browser.cookie
                for target in [path, "/session/end"] {
                    let answer = try await api.call(
                        "POST", target, token: .none, headers: headers)
                    #expect(answer.status == 403, "\(target) \(headers)")
                }
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                let signIn = try await api.call(
                    "POST", "/session", token: .none, headers: headers,
                    body: "token=\(api.admin)")
                #expect(signIn.status == 403, "\(headers)")
            }
            #expect(try await api.archive.channel(channel).state != .paused)
            let allowed: [HTTPHeaders] = [SignedIn.ownOrigin, ["Sec-Fetch-Site": "same-origin"]]
            for headers in allowed {
                var headers = headers
                headers["Cookie"] = browser.cookie
                let answer = try await api.call("POST", path, token: .none, headers: headers)
                #expect(answer.status == 200)
                try await api.archive.resume(channel, now: api.clock.now)
            }
        }
    }

    @Test func whoSignsOutIsOutWhateverCopyOfTheCookieThereIs() async throws {
        try await TestAPI.with { api in
            let (browser, other) = (
                try await api.signIn(api.admin), try await api.signIn(api.admin)
            )
            let out = try await browser.post("/session/end")
            #expect(out.status == 303)
            #expect(out.headers["Set-Cookie"]?.contains("=; Max-Age=0;") == true)
            let after = try await browser.get("/v1/channels")
            #expect(after.status == 401)
            #expect(after.code == "request.session-over")
            #expect(try await browser.get("/").text.contains("action=\"/session\""))
            #expect(try await other.get("/v1/channels").status == 200)
        }
    }

    @Test func aSessionEndsWithoutUseAndAfterItsTime() async throws {
        try await TestAPI.with { api in
            let idle = try await api.signIn(api.admin)
            api.clock.advance(Sessions.idleLimit - 1)
            #expect(try await idle.get("/v1/channels").status == 200)
            api.clock.advance(2)
            #expect(try await idle.get("/v1/channels").status == 401)

            var browser = try await api.signIn(api.admin)
            #expect(try await browser.get("/").headers["Set-Cookie"] == nil)
            var renewals = 0
            for _ in stride(from: 0, to: Sessions.lifetime - 1800, by: 1800) {
                api.clock.advance(1800)
                let page = try await browser.get("/")
                #expect(page.text.contains("Sign out"))
                let field = try #require(page.headers["Set-Cookie"])
                browser = SignedIn(api: api, cookie: String(field.prefix { $0 != ";" }))
                renewals += 1
            }
            #expect(renewals == 23)
            #expect(try await browser.get("/v1/channels").status == 200)
            api.clock.advance(1801)
            #expect(try await browser.get("/v1/channels").status == 401)
        }
    }

    @Test func aSessionIsAsGoodAsItsToken() async throws {
        try await TestAPI.with { api in
            let token = try await api.archive.createToken(.admin, now: api.clock.now)
            let browser = try await api.signIn(token.text)
            #expect(try await browser.get("/v1/grants").status == 200)
            try await api.archive.revokeToken(token.record.id, now: api.clock.now)
            #expect(try await browser.get("/v1/grants").status == 401)
        }
    }

    @Test func aCookieThatWasNotGivenIsNone() async throws {
        try await TestAPI.with { api in
            let good = try await api.signIn(api.admin).cookie
            let value = String(good.dropFirst("permanode=".count))
            let turned = String(value.reversed())
            let cookies = [
                "permanode=", "permanode", "permanode=\(turned)", "permanode=\(value)A",
                "permanode=\(value.dropLast())", "permanode=" + String(repeating: "A", count: 9000),
                "permanode=\(api.admin)", "other=\(value)", "permanode=\(turned); \(good)",
            ]
            for cookie in cookies {
                let answer = try await SignedIn(api: api, cookie: cookie).get("/v1/channels")
                #expect(answer.status == 401, "\(cookie.prefix(40))")
            }
            let among = SignedIn(api: api, cookie: "a=b; \(good); c=d")
            #expect(try await among.get("/v1/channels").status == 200)
        }
    }

    @Test func byTLSTheCookieGoesByTLSOnly() async throws {
        try await TestAPI.with { api in
            let sessions = Sessions(
                archive: api.archive, isSecure: true, clock: { api.clock.now })
            let field = try sessions.begin(.random())
            #expect(field.hasPrefix("__Host-permanode="))
            #expect(field.hasSuffix("; Path=/; HttpOnly; SameSite=Strict; Secure"))
            let end = try await sessions.end(nil)
            #expect(end.hasSuffix("; Path=/; HttpOnly; SameSite=Strict; Secure"))
        }
    }

    /// Several processes may answer at one address.
    @Test func whoSignsOutIsOutInEveryProcess() async throws {
        try await TestAPI.with { api in
            let (browser, other) = (
                try await api.signIn(api.admin), try await api.signIn(api.admin)
            )
            let second = try QueryAPI(
                archive: Archive(pool: api.test.pool, vault: try Vault(ring: api.test.keyRing)),
                metrics: Metrics(), log: .silent, clock: { [clock = api.clock] in clock.now })
            func ask(_ browser: SignedIn) async throws -> Int {
                await second.respond(
                    to: try HTTPRequest(
                        method: "GET", target: "/v1/channels",
                        headers: ["Cookie": browser.cookie], body: [])
                ).status
            }
            #expect(try await ask(browser) == 200)
            #expect(try await browser.post("/session/end").status == 303)
            #expect(try await ask(browser) == 401)
            #expect(try await ask(other) == 200)
            #expect(try await api.test.rowCount(of: "ended_session") == 1)
        }
    }

    @Test func whatIsRememberedOfEndedSessionsIsBounded() async throws {
        try await TestAPI.with { api in
            func end(_ number: UInt64) async throws {
                let now = api.clock.now
                try await api.archive.endSession(
                    number, until: now.addingTimeInterval(60), now: now, limit: 5)
                api.clock.advance(1)
            }
            for number in UInt64(0)..<8 { try await end(number) }
            // Twice is once.
            try await end(7)
            #expect(try await api.test.rowCount(of: "ended_session") == 5)
            for number in UInt64(0)..<8 {
                #expect(try await api.archive.isEnded(session: number) == (number >= 3))
            }
            api.clock.advance(61)
            try await end(9)
            #expect(try await api.test.rowCount(of: "ended_session") == 1)
        }
    }

    @Test func theCommandsOfANodeAreNeverAskedByASession() async throws {
        let node = NodeInterfaceSettings()
        try await TestAPI.with(node: node) { api in
            let channel = try await api.test.fill(channel: "events", clock: api.clock)
            try await api.archive.setNodeInterface(.token, of: channel, now: api.clock.now)
            let message = try await api.get("/v1/channels/\(channel.text)/messages?limit=1").json
            let address = try #require(message["messages"]?.array?.first?["address"]?.text)
            let command = #"{"command":"findTransactions","addresses":["\#(address)"]}"#
            let browser = try await api.signIn(api.admin)
            func found(_ token: Token, _ headers: HTTPHeaders) async throws -> Int? {
                var headers = headers
                headers["X-IOTA-API-Version"] = "1"
                let answer = try await api.call(
                    "POST", "/", token: token, headers: headers, body: command)
                return answer.json["hashes"]?.array?.count
            }
            while try await api.archive.workOnNodeLookups() {}
            #expect(try await found(.admin, [:]) ?? 0 > 0)
            #expect(
                try await found(.none, ["Cookie": browser.cookie, "Sec-Fetch-Site": "same-origin"])
                    == 0)
        }
    }
}
