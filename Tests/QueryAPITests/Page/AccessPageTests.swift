import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import QueryAPI
import TestSupport
import Testing
import Vault

/// Tokens, grants, holds and registering by the page's forms.
@Suite struct AccessPageTests {
    private static let hostile = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"

    @Test func aTokenIsShownOnceAndReadsWhatItWasGiven() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            let browser = try await api.signIn(api.admin)
            let form = try await browser.get("/tokens/new?channel=\(channel.text)")
            #expect(form.text.contains("value=\"\(channel.text)\""))
            let made = try await browser.post(
                "/tokens", "role=reader&channel=\(channel.text)&purpose=\(Self.hostile)")
            #expect(made.status == 201)
            #expect(made.headers["Cache-Control"] == "no-store")
            let text = try #require(
                made.text.firstMatch(of: /<code id="token">(pmn_([0-9a-z]{10})_[^<]+)<\/code>/))
            let (token, id) = (String(text.1), String(text.2))
            let messages = "/v1/channels/\(channel.text)/messages"
            #expect(try await api.get(messages, token: .text(token)).status == 200)
            let list = try await browser.get("/tokens")
            #expect(list.text.contains(id) && !list.text.contains(token))
            let page = try await browser.get("/tokens/\(id)")
            #expect(page.text.contains("&gt;&lt;script&gt;"))
            #expect(!page.text.contains("<script>") && !page.text.contains(token))

            let grants = try await api.get("/v1/grants?token=\(id)").json["grants"]?.array
            let grant = try #require(grants?.first?["id"]?.text)
            #expect(try await browser.post("/grants/\(grant)/revoke").status == 303)
            #expect(try await api.get(messages, token: .text(token)).status == 404)
            let again = try await browser.post(
                "/tokens/\(id)/grants",
                "channel=\(channel.text)&purpose=a+study&firstPosition=1&lastPosition=2")
            #expect(again.headers["Location"] == "/tokens/\(id)")
            let part = try await api.get(messages, token: .text(token))
            #expect(part.json["messages"]?.array?.count == 2)
            #expect(try await browser.post("/tokens/\(id)/revoke").status == 303)
            #expect(try await api.get(messages, token: .text(token)).status == 401)
            #expect(try await browser.get("/tokens/\(id)").text.contains("revoked"))
        }
    }

    @Test func aPersonsTokenIsForThatPerson() async throws {
        try await TestAPI.with { api in
            _ = try await api.test.fill(channel: "private", subject: "anna", clock: api.clock)
            let browser = try await api.signIn(api.admin)
            let made = try await browser.post("/tokens", "role=subject&subject=anna")
            #expect(made.status == 201)
            let token = try #require(made.text.firstMatch(of: /<code id="token">([^<]+)</)?.1)
            let held = try await api.get("/v1/subject", token: .text(String(token)))
            #expect(held.json["channels"]?.array?.count == 1)
            #expect(try await browser.get("/tokens").text.contains("person <span"))
        }
    }

    @Test func whatIsFilledInForAnotherRoleIsRefused() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock).text
            let browser = try await api.signIn(api.admin)
            for form in [
                "", "role=root", "role=admin&channel=\(channel)", "role=admin&subject=anna",
                "role=subject", "role=subject&subject=anna&channel=\(channel)",
                "role=reader&purpose=x", "role=reader&channel=x", "role=reader&address=XYZ",
            ] {
                #expect(try await browser.post("/tokens", form).status == 400, "\(form)")
            }
            for form in ["role=subject&subject=nobody", "role=reader&channel=0000000000&purpose=x"]
            {
                #expect(try await browser.post("/tokens", form).status == 404, "\(form)")
            }
            #expect(try await api.archive.tokens().count == 1)
            let reader = try await api.archive.createToken(.reader, now: api.clock.now)
            for form in [
                "channel=\(channel)", "purpose=x", "channel=\(channel)&purpose=x&from=yesterday",
                "channel=\(channel)&purpose=x&firstPosition=1e9",
                "channel=\(channel)&purpose=x&firstPosition=5&lastPosition=4",
                "channel=\(channel)&purpose=x&from=2027-02-30",
            ] {
                let path = "/tokens/\(reader.record.id.text)/grants"
                #expect(try await browser.post(path, form).status == 400, "\(form)")
            }
            for path in ["/tokens/0000000000", "/tokens/x"] {
                #expect(try await browser.get(path).status == 404)
            }
            for path in ["/tokens/0000000000/revoke", "/grants/0000000000/revoke"] {
                #expect(try await browser.post(path).status == 404)
            }
        }
    }

    @Test func aHoldIsSetSeenAndLifted() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "private", subject: "anna", clock: api.clock)
            let browser = try await api.signIn(api.admin)
            #expect(try await browser.get("/holds").text.contains("Nothing is on hold"))
            let forms = ["subject=anna", "channel=\(channel.text)"]
            for form in forms {
                let set = try await browser.post("/holds", "\(form)&reason=\(Self.hostile)")
                #expect(set.headers["Location"] == "/holds", "\(form)")
            }
            let page = try await browser.get("/holds?channel=\(channel.text)")
            #expect(page.text.contains("&gt;&lt;script&gt;") && !page.text.contains("<script>"))
            let holds = try await api.archive.holds()
            #expect(holds.count == 2)
            for hold in holds {
                let field = hold.kind == .subject ? "person" : "channel"
                let lifted = try await browser.post(
                    "/holds/lift", "\(field)=\(hold.target.text)")
                #expect(lifted.status == 303)
            }
            #expect(try await api.archive.holds().isEmpty)
            for form in [
                "reason=x", "subject=anna", "subject=anna&channel=\(channel.text)&reason=x",
            ] {
                #expect(try await browser.post("/holds", form).status == 400, "\(form)")
            }
            #expect(
                try await browser.post("/holds/lift", "channel=\(channel.text)").status == 404)
        }
    }

    @Test func aChannelIsRegisteredAndItsSecretsAreNotTold() async throws {
        try await TestAPI.with { api in
            let browser = try await api.signIn(api.admin)
            let first = try ChannelVector.named("meter").messages[0]
            let key = try #require(first.sideKey)
            let form =
                "root=\(first.root)&mode=restricted&sideKey=\(key)&label=\(Self.hostile)"
                + "&subject=anna&purpose=advice&basis=consent&retention=13"
            let made = try await browser.post("/channels", form)
            #expect(made.status == 303)
            let path = try #require(made.headers["Location"])
            let shown = try await api.get("/v1\(path)").json
            #expect(shown["retention"]?.text == "13m" && shown["basis"]?.text == "consent")
            let page = try await browser.get(path)
            #expect(page.text.contains("&lt;script&gt;") && !page.text.contains("<script>"))
            #expect(!page.text.contains(first.root))
            #expect(try await browser.post("/channels", form).status == 409)
            for wrong in [
                "", "root=\(first.root)", "root=ABC&mode=public", "root=\(first.root)&mode=secret",
                "root=\(first.root)&mode=restricted&sideKey=abc",
                "root=\(first.root)&mode=private&basis=whim",
                "root=\(first.root)&mode=private&retention=0",
            ] {
                let answer = try await browser.post("/channels", wrong)
                #expect(answer.status == 400)
                #expect(!answer.text.contains(first.root))
            }
        }
    }

    /// Nobody but admins, and nobody by another site's page.
    @Test func othersSeeAndChangeNothing() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "private", subject: "anna", clock: api.clock)
            let anna = try await api.archive.createToken(
                .subject, subject: "anna", now: api.clock.now)
            let visitors = [
                try await api.signIn(try await api.reader(channel)),
                try await api.signIn(anna.text),
            ]
            let forms = [
                ("/tokens", "role=admin"), ("/holds", "subject=anna&reason=x"),
                ("/holds/lift", "channel=\(channel.text)"), ("/channels", "mode=public"),
                ("/tokens/\(anna.record.id.text)/revoke", ""), ("/grants/0000000000/revoke", ""),
                ("/tokens/\(anna.record.id.text)/grants", "channel=\(channel.text)&purpose=x"),
            ]
            for visitor in visitors {
                for path in ["/tokens", "/tokens/new", "/holds", "/channels/new"] {
                    #expect(try await visitor.get(path).status == 403, "\(path)")
                }
                for (path, form) in forms {
                    #expect(try await visitor.post(path, form).status == 403, "\(path)")
                }
            }
            let admin = try await api.signIn(api.admin)
            for (path, form) in forms {
                let foreign: HTTPHeaders = [
                    "Host": "archive.example", "Origin": "http://evil.example",
                ]
                let answer = try await admin.post(path, form, headers: foreign)
                #expect(answer.status == 403, "\(path)")
            }
            #expect(try await api.archive.holds().isEmpty)
            #expect(try await api.archive.tokens().allSatisfy { $0.revokedAt == nil })
        }
    }
}
