import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import MAM
import Postgres
import QueryAPI
import TestSupport
import Testing
import Vault

/// The pages: what each role sees, and that nothing of what is told gets out of its place.
@Suite struct PageTests {
    /// Breaks out of texts, attributes, scripts and addresses where it is not escaped.
    private static let hostile =
        "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&lt;\u{202E}\u{1B}[2J\u{0}"
    /// What of it a page must not have anywhere.
    private static let traces = [
        "<script>alert", "<img src=x", "\u{202E}", "\u{1B}", "\u{0}", "HTML(markup",
    ]

    private func expectHarmless(_ page: Answer, sourceLocation: SourceLocation = #_sourceLocation) {
        for trace in Self.traces {
            #expect(!page.text.contains(trace), sourceLocation: sourceLocation)
        }
        // Every tag that is there was written here: none has a handler, a style or a script.
        #expect(
            page.text.firstMatch(of: /<[^>]*\s(on[a-z]+|style)=/) == nil,
            sourceLocation: sourceLocation)
        let scripts = page.text.matches(of: /<script/).count
        #expect(
            scripts == page.text.matches(of: /<script type="module" src="\/assets\//).count,
            sourceLocation: sourceLocation)
    }

    private func expectGuarded(_ page: Answer, _ what: String) {
        #expect(page.headers["Content-Type"] == "text/html; charset=utf-8", "\(what)")
        let policy = page.headers["Content-Security-Policy"] ?? ""
        for part in [
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
            "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
        ] {
            #expect(policy.contains(part), "\(what)")
        }
        #expect(!policy.contains("unsafe"), "\(what)")
        #expect(page.headers["X-Content-Type-Options"] == "nosniff", "\(what)")
        #expect(page.headers["Referrer-Policy"] == "same-origin", "\(what)")
        #expect(page.headers["Cache-Control"] == "no-store", "\(what)")
    }

    /// A channel of one hostile message, with hostile texts about it.
    private func fillHostile(_ api: TestAPI) async throws -> ChannelNumber {
        let channel = try await api.test.fill(text: Self.hostile, clock: api.clock)
        let vault = api.test.vault
        let (label, purpose) = (SealedColumn.channelLabel, SealedColumn.channelPurpose)
        let text = Array(Self.hostile.utf8)
        _ = try await api.test.pool.withConnection {
            try await $0.execute(
                "update channel set sealed_label = $2, sealed_purpose = $3 where id = $1",
                [
                    .int64(channel.rawValue),
                    .bytes(try vault.seal(text, label.context(channel))),
                    .bytes(try vault.seal(text, purpose.context(channel))),
                ])
        }
        return channel
    }

    @Test func everyPageIsGuardedAndNothingForeignIsMarkup() async throws {
        try await TestAPI.with { api in
            let channel = try await fillHostile(api)
            try await api.archive.changeSubjects(
                of: channel, adding: ["<b>anna</b>"], removing: [], now: api.clock.now)
            let person = try await api.archive.subject("<b>anna</b>")
            let request = try await api.archive.receiveForgetRequest(
                .channel(channel), reason: Self.hostile, opening: .received, now: api.clock.now)
            try await api.archive.advance(
                request.id, .extend(months: 1, at: api.clock.now), note: Self.hostile,
                now: api.clock.now)
            let admin = try await api.signIn(api.admin)
            let path = "/channels/\(channel.text)"
            let pages = [
                "/", path, "\(path)/messages", "\(path)/messages?direction=asc",
                "\(path)/messages/0", "\(path)/readings", "\(path)/readings?day=2023-11-14&per=15m",
                "/people", "/people/\(person.text)", "/requests", "/requests/\(request.id.text)",
                "/requests/new", "/requests/new?channel=\(channel.text)",
                "/requests/new?person=\(person.text)",
            ]
            for target in pages {
                let page = try await admin.get(target)
                #expect(page.status == 200, "\(target)")
                expectGuarded(page, target)
                expectHarmless(page)
                #expect(!page.text.contains("<b>anna"))
            }
            let told = try await admin.get("\(path)/messages/0").text
            #expect(told.contains("&lt;script&gt;alert(1)&lt;/script&gt;"))
            #expect(try await admin.get("/requests/\(request.id.text)").text.contains("&lt;script"))
            #expect(try await admin.get("/people").text.contains("&lt;b&gt;anna&lt;/b&gt;"))
            let escaped = try #require(
                Self.hostile.filter { $0 != "\u{0}" && $0 != "\u{1B}" }
                    .addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let plan = try await admin.post("/requests/plan", "subject=\(escaped)")
            #expect([400, 404].contains(plan.status))
            expectGuarded(plan, "a problem")
            expectHarmless(plan)
            let wrong = try await admin.get("/channels/\(escaped)")
            #expect(wrong.status == 404)
            expectHarmless(wrong)
        }
    }

    @Test func aReaderSeesOnlyWhatIsHisAndAnythingElseIsNotThere() async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("meter"), .named("events")], subject: "anna", clock: api.clock)
            let reader = try await api.signIn(try await api.reader(channels[0]))
            let list = try await reader.get("/")
            #expect(list.text.contains(channels[0].text))
            #expect(!list.text.contains(channels[1].text) && !list.text.contains("anna"))
            let own = try await reader.get("/channels/\(channels[0].text)")
            #expect(own.status == 200)
            #expect(own.text.contains("data-plot=\"\(channels[0].text)\""))
            for admins in ["Key epochs", "Who read it", "Forget…", "anna", "/people"] {
                #expect(!own.text.contains(admins), "\(admins)")
            }
            for page in ["", "/messages", "/messages/0", "/readings"] {
                let foreign = try await reader.get("/channels/\(channels[1].text)\(page)")
                // Who is signed in stays so.
                #expect(foreign.text.contains("Sign out"))
                let none = try await reader.get("/channels/\(ChannelNumber.random().text)\(page)")
                #expect(foreign.status == 404 && none.status == 404, "\(page)")
                #expect(foreign.body == none.body, "\(page)")
            }
            for page in ["/people", "/requests", "/requests/new"] {
                #expect(try await reader.get(page).status == 403, "\(page)")
            }
            let pause = try await reader.post("/channels/\(channels[0].text)/pause")
            #expect(pause.status == 403)
            #expect(try await api.archive.channel(channels[0]).state != .paused)
        }
    }

    @Test func readingAPageIsOnRecord() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let reader = try await api.signIn(try await api.reader(channel))
            let page = try await reader.get("/channels/\(channel.text)/messages")
            #expect(page.text.matches(of: /<tr><th scope="row">/).count == 24)
            try await api.archive.audit.flush()
            let readers = try await api.archive.recipients(of: channel)
            #expect(readers.map(\.messages) == [24])
        }
    }

    @Test func aPersonSeesHisDataAndAsksToBeForgotten() async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("meter"), .named("events")], subject: "anna", clock: api.clock)
            let foreign = try await api.test.fill(
                channel: "private", subject: "ben", clock: api.clock)
            let token = try await api.archive.createToken(
                .subject, subject: "anna", now: api.clock.now)
            let anna = try await api.signIn(token.text)
            let page = try await anna.get("/")
            for channel in channels { #expect(page.text.contains(channel.text)) }
            #expect(!page.text.contains(foreign.text) && !page.text.contains("ben"))
            for target in ["/channels/\(channels[0].text)", "/people"] {
                #expect(try await anna.get(target).status == 403)
            }
            let plan = try await anna.post("/requests/plan", "channel=\(channels[0].text)")
            #expect(plan.status == 200)
            #expect(plan.text.contains("<dt>messages</dt><dd class=\"number\">24</dd>"))
            #expect(try await api.archive.forgetRequests().isEmpty)
            let unsure = try await anna.post("/requests", "channel=\(channels[0].text)")
            #expect(unsure.status == 400)
            #expect(try await api.archive.forgetRequests().isEmpty)
            let other = try await anna.post("/requests", "channel=\(foreign.text)&sure=yes")
            #expect(other.status == 404)
            let taken = try await anna.post(
                "/requests", "channel=\(channels[0].text)&sure=yes&reason=moving")
            #expect(taken.status == 202)
            let request = try #require(try await api.archive.forgetRequests().first)
            #expect(request.state == .checked)
            #expect(taken.text.firstMatch(of: /<code>[A-Za-z0-9_-]{43}<\/code>/) != nil)
            #expect(try await anna.get("/requests").text.contains(request.id.text))
            let approval = try await anna.post("/requests/\(request.id.text)/approve")
            #expect(approval.status == 403)
        }
    }

    @Test func anOfficerLeadsARequestToItsReceipt() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(
                channel: "meter", subject: "anna", clock: api.clock)
            let admin = try await api.signIn(api.admin)
            let taken = try await admin.post(
                "/requests", "subject=anna&identity=open&sure=yes&shared=&reason=")
            #expect(taken.status == 202)
            let request = try #require(try await api.archive.forgetRequests().first)
            let path = "/requests/\(request.id.text)"
            let open = try await admin.get(path)
            #expect(open.text.contains("<dt>messages</dt><dd class=\"number\">24</dd>"))
            #expect(open.text.contains("action=\"\(path)/check\""))
            #expect(try await admin.post("\(path)/approve").status == 409)
            for act in ["check", "approve"] {
                let answer = try await admin.post("\(path)/\(act)")
                #expect(answer.status == 303)
                #expect(answer.headers["Location"] == path)
            }
            #expect(try await admin.get("\(path)/receipt").status == 404)
            _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
            let done = try await admin.get(path)
            #expect(done.text.contains("24 messages") && done.text.contains("Download, signed"))
            let receipt = try await admin.get("\(path)/receipt")
            #expect(
                receipt.headers["Content-Disposition"]
                    == "attachment; filename=\"receipt-\(request.id.text).json\"")
            let signed = try SignedReceipt(text: receipt.body)
            #expect(
                try signed.verified(by: SignedReceipt.publicKey(of: api.test.vault)).channels == 1)
            #expect(try await admin.get("/channels/\(channel.text)").text.contains("Forgotten"))
        }
    }

    @Test func anAdminPausesResumesAndAddsKeys() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let admin = try await api.signIn(api.admin)
            let path = "/channels/\(channel.text)"
            #expect(try await admin.post("\(path)/pause").status == 303)
            #expect(try await admin.get(path).text.contains("an operator stopped it"))
            #expect(try await admin.post("\(path)/resume").status == 303)
            let before = try await admin.get("/v1/channels/\(channel.text)/keys").json
            let bad = try await admin.post("\(path)/keys", "sideKey=lower")
            #expect(bad.status == 400)
            #expect(!bad.text.contains("lower"))
            #expect(try await admin.post("\(path)/keys", "sideKey=ANOTHERSIDEKEY").status == 303)
            let after = try await admin.get("/v1/channels/\(channel.text)/keys").json
            #expect(after["keys"]?.array?.count == (before["keys"]?.array?.count ?? 0) + 1)
            let page = try await admin.get(path)
            #expect(page.text.contains("not used so far"))
            #expect(!page.text.contains("ANOTHERSIDEKEY"))
        }
    }

    @Test func aRestrictedChannelShowsNoMessages() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            try await api.archive.restrict(channel)
            let admin = try await api.signIn(api.admin)
            let page = try await admin.get("/channels/\(channel.text)")
            #expect(page.status == 200)
            #expect(page.text.contains("processing was stopped for a person"))
            #expect(!page.text.contains("data-plot"))
            #expect(try await admin.get("/channels/\(channel.text)/messages").status == 409)
        }
    }

    @Test func theReadingsOfADayAreToldWithoutAScript() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let reader = try await api.signIn(try await api.reader(channel))
            let path = "/channels/\(channel.text)/readings"
            let page = try await reader.get("\(path)?day=2018-06-01&per=15m")
            #expect(page.text.matches(of: /<tr><th scope="row" class="clock">/).count == 96)
            #expect(page.text.contains("<td class=\"number\">0.046</td>"))
            // The day of the last message, where none is asked for.
            #expect(try await reader.get(path).text.contains("value=\"2018-06-01\""))
            for query in ["day=yesterday", "day=1999-12-31", "per=1d", "per=raw", "other=1"] {
                #expect(try await reader.get("\(path)?\(query)").status == 400, "\(query)")
            }
        }
    }

    @Test func whatIsWrongIsAPageToABrowserAndAProblemToOthers() async throws {
        try await TestAPI.with { api in
            let browser: HTTPHeaders = ["Accept": "text/html,application/xhtml+xml,*/*;q=0.8"]
            let page = try await api.call("GET", "/nowhere", token: .none, headers: browser)
            #expect(page.status == 404)
            expectGuarded(page, "no page")
            #expect(try await api.get("/nowhere").code == "http.not-found")
            let problem = try await api.call("GET", "/v1/nowhere", headers: browser)
            #expect(problem.code == "http.not-found")
            let signIn = try await api.call("GET", "/requests", token: .none, headers: browser)
            #expect(signIn.status == 401)
            #expect(signIn.text.contains("name=\"next\" value=\"/requests\""))
            expectGuarded(signIn, "signing in")
        }
    }

    @Test func filesAreKeptByBrowsersUntilTheyChange() async throws {
        try await TestAPI.with { api in
            let page = try await api.get("/", token: .none)
            let files = page.text.matches(of: /(?:href|src)="(\/assets\/[^"]+)"/).map {
                String($0.output.1)
            }
            #expect(files.count >= 4)
            for file in files {
                let answer = try await api.get(file, token: .none)
                #expect(answer.status == 200 && !answer.body.isEmpty)
                #expect(answer.headers["Cache-Control"]?.contains("immutable") == true)
                let tag = try #require(answer.headers["ETag"])
                let again = try await api.call(
                    "GET", file, token: .none, headers: ["If-None-Match": tag])
                #expect(again.status == 304 && again.body.isEmpty)
            }
            let old = try await api.get("/assets/0ld/page.css", token: .none)
            #expect(old.headers["Cache-Control"]?.contains("immutable") == false)
            #expect(try await api.get("/assets/x/none.js", token: .none).status == 404)
            #expect(try await api.get("/assets/x/..%2Fopenapi.json", token: .none).status == 404)
        }
    }
}
