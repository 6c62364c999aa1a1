import Archive
import ArchiveTestSupport
import Foundation
import MAM
import QueryAPI
import TestSupport
import Testing
import Vault

/// What the owner decides and sees: his consent channel as a whole, and who read what.
@Suite struct OwnerTests {
    @Test func aConsentChannelIsRegisteredOverHTTPAndKeptAsAWhole() async throws {
        try await TestAPI.with { api in
            let root = String(repeating: "V", count: 81)
            func body(_ more: String, root: String = root) -> String {
                #"{"root": "\#(root)", "consent": true, \#(more)}"#
            }
            for wrong in [
                #""mode": "private""#, #""mode": "public", "subject": "anna""#,
                #""mode": "private", "subjects": ["anna", "ben"]"#,
                #""mode": "private", "subject": "anna", "retention": "3m""#,
            ] {
                let answer = try await api.call("POST", "/v1/channels", body: body(wrong))
                #expect(
                    answer.status == 400 && answer.code == "archive.consent-malformed", "\(wrong)")
            }
            #expect(
                try await api.call(
                    "POST", "/v1/channels",
                    body: #"{"root": "\#(root)", "mode": "private", "consent": "yes"}"#
                ).status == 400)
            let made = try await api.call(
                "POST", "/v1/channels", body: body(#""mode": "private", "subject": "anna""#))
            #expect(made.status == 201 && made.json["consent"] == .bool(true))
            let id = try #require(made.json["id"]?.text)
            let second = try await api.call(
                "POST", "/v1/channels",
                body: body(
                    #""mode": "private", "subject": "anna""#,
                    root: String(repeating: "W", count: 81)))
            #expect(second.status == 409 && second.code == "archive.consent-exists")
            for (target, body) in [
                ("/v1/channels/\(id)/subjects", #"{"add": ["ben"]}"#),
                ("/v1/channels/\(id)/retention", #"{"retention": "3m"}"#),
                (
                    "/v1/forget-requests",
                    #"{"channel": "\#(id)", "from": "2021-05", "to": "2021-06"}"#
                ),
            ] {
                let answer = try await api.call("POST", target, body: body)
                #expect(
                    answer.status == 409 && answer.code == "archive.consent-channel", "\(target)")
            }
            let device = try await api.call(
                "POST", "/v1/channels",
                body:
                    #"{"root": "\#(String(repeating: "X", count: 81))", "mode": "private", "device": "x"}"#
            )
            #expect(device.status == 400)
        }
    }

    @Test func forgettingTheConsentChannelTakesWhatItGave() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            try home.say(MyHome.authorised(home.provider))
            try home.measure("1")
            try await home.crawl()
            #expect(try await home.read() == ["1"])
            try await api.forget(home.consentChannel)
            #expect(try await home.read() == nil)
            #expect(try await api.test.rowCount(of: "consent_event") == 0)
            // Another can be registered in its place.
            let next = try WrittenChain("N", on: home.source)
            var registration = ChannelRegistration(
                root: next.root, mode: .private, subjects: ["anna"])
            registration.isConsent = true
            _ = try await api.archive.register(registration, now: api.clock.now)
        }
    }

    @Test func theOwnerSeesWhoReadWhatWhenAndWhatFor() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            try home.say(MyHome.authorised(home.provider))
            try home.measure("1", "2", "3")
            try await home.crawl()
            _ = try await home.read()
            _ = try await api.get("\(home.path)/messages?limit=1")
            // Recorded within a second.
            let began = ContinuousClock.now
            var recorded = 0
            while recorded < 2, ContinuousClock.now - began < .seconds(60) {
                try await Task.sleep(for: .milliseconds(50))
                recorded = try await api.archive.recipients(of: home.channel).count
            }
            let anna = Token.text(
                try await api.archive.createToken(.subject, subject: "anna", now: api.clock.now)
                    .text)
            _ = try await api.test.register(.named("private"), subject: "ben", now: api.clock.now)
            let bens = Token.text(
                try await api.archive.createToken(.subject, subject: "ben", now: api.clock.now).text
            )
            let id = try #require(try await api.get("/v1/subject", token: anna).json["id"]?.text)
            let path = "/v1/subjects/\(id)/access-log"
            let log = try await api.get(path, token: anna)
            #expect(log.status == 200)
            let entries = log.json["entries"]?.array ?? []
            let reads = entries.filter { $0["kind"] == .text("messages.read") }
            let read = try #require(reads.first { $0["token"]?.text == home.token.text })
            #expect(read["reader"]?.text == "\(home.provider)")
            #expect(read["channel"]?.text == home.channel.text)
            #expect(read["details"]?["purpose"]?.text == "Energy insights")
            #expect(read["details"]?["consent"]?.text == home.consentChannel.text)
            #expect(read["details"]?["first"]?.text == "0" && read["details"]?["last"]?.text == "2")
            #expect(read["details"]?["seenFrom"] != nil)
            #expect(reads.contains { api.admin.contains($0["token"]?.text ?? "-") })
            #expect(entries.contains { $0["kind"] == .text("consent.authorised") })
            #expect(log.json["consent"]?["state"] != nil)
            // Admins see the same; nobody else anything, by the same answer as for nobody's.
            #expect(try await api.get(path).body == log.body)
            #expect(try await api.get(path, token: home.reader).status == 403)
            let foreign = try await api.get(path, token: bens)
            let never = try await api.get(
                "/v1/subjects/\(ChannelNumber.random().text)/access-log", token: bens)
            #expect(foreign.status == 404 && foreign.body == never.body)
            #expect(try await api.get("/v1/subjects/x/access-log").status == 404)
            let people = try await api.get("/v1/subjects")
            #expect(
                people.json["subjects"]?.array?.first { $0["subject"] == .text("anna") }?["id"]
                    == .text(id))
            #expect(try await api.get("/v1/subjects", token: anna).status == 403)
            // In pages, each entry once.
            var paged: [JSONValue] = []
            var cursor = ""
            repeat {
                let page = try await api.get("\(path)?limit=2\(cursor)", token: anna)
                let more = page.json["entries"]?.array ?? []
                #expect(more.count <= 2)
                paged += more
                cursor = page.json["next"]?.text.map { "&after=\($0)" } ?? ""
            } while !cursor.isEmpty && paged.count < 100
            #expect(paged == entries)
            #expect(try await api.get("\(path)?after=x", token: anna).code == "request.cursor")
            // It goes with the channel.
            try await api.forget(home.channel)
            let after = try await api.get(path, token: anna)
            #expect(
                after.json["entries"]?.array?.contains { $0["kind"] == .text("messages.read") }
                    == false)
        }
    }
}
