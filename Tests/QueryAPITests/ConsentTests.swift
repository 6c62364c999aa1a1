import Archive
import ArchiveTestSupport
import Crawler
import Erasure
import Foundation
import HTTPServer
import MAM
import Postgres
import QueryAPI
import Synchronization
import Ternary
import TestSupport
import Testing
import Vault

/// A reader reads what the owner's consent channel says, from when it says so, until it is taken
/// back.
@Suite struct ConsentTests {
    private static let day: TimeInterval = 86_400
    /// Less than the time for which passed trees are looked at again.
    private static let shortly: TimeInterval = 400

    @Test func aReaderSeesExactlyTheConsentedWindow() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            try home.measure("before 1", "before 2")
            try await home.crawl()
            #expect(try await home.read() == nil)
            // What comes in with the authorisation came in at its moment.
            try home.say(MyHome.authorised(home.provider))
            try home.measure("at 1")
            try await home.crawl()
            #expect(try await home.read() == ["at 1"])
            try home.measure("after 1")
            try await home.crawl()
            #expect(try await home.read() == ["at 1", "after 1"])
            for (sequence, status) in [(0, 404), (1, 404), (2, 200), (3, 200), (4, 404)] {
                let evidence = try await api.get(
                    "\(home.path)/messages/\(sequence)/bundle", token: home.reader)
                #expect(evidence.status == status, "\(sequence)")
            }
            // Said again it changes nothing: the device attaches one in ten twice.
            try home.say(MyHome.authorised(home.provider))
            try await home.crawl()
            #expect(try await home.read() == ["at 1", "after 1"])
            try home.say(MyHome.revoked(home.provider))
            try home.measure("revoked 1")
            try await home.crawl()
            #expect(try await home.read() == nil)
            // Given anew it begins anew.
            try home.say(MyHome.authorised(home.provider))
            try home.measure("again 1")
            try await home.crawl()
            #expect(try await home.read() == ["again 1"])
        }
    }

    /// A past that is crawled late came in late; what it claims takes it away.
    @Test func aPastThatComesInLateIsNotGiven() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            for _ in 0..<5 {
                try home.measure("the past")
                api.clock.advance(Self.day)
            }
            try home.say(MyHome.authorised(home.provider))
            try home.measure("now")
            try await home.crawl()
            #expect(try await home.read() == ["the past", "now"], "of the day before it is given")
            #expect(
                try await api.get("\(home.path)/messages").json["messages"]?.array?.count == 6)
        }
    }

    @Test func othersChannelsAndAHouseholdsAreNotGivenAway() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            var other = try WrittenChain("O", on: home.source)
            let foreign = try await api.archive.register(
                ChannelRegistration(root: other.root, mode: .private, subjects: ["ben"]),
                now: api.clock.now)
            try home.say(MyHome.authorised(home.provider))
            try home.measure("anna's")
            try other.write("ben's", at: api.clock.now)
            try await home.crawl()
            #expect(try await home.read() == ["anna's"])
            for channel in [foreign, home.consentChannel] {
                let answer = try await api.get(
                    "/v1/channels/\(channel.text)/messages", token: home.reader)
                #expect(answer.status == 404)
            }
            let list = try await api.get("/v1/channels", token: home.reader)
            #expect(
                list.json["channels"]?.array?.map { $0["id"]?.text } == [home.channel.text])
            // Another reader, and one of the same address.
            let unnamed = try await api.archive.createToken(
                .reader, address: home.device, now: api.clock.now)
            #expect(
                try await api.get("\(home.path)/messages", token: .text(unnamed.text)).status == 404
            )
            let same = try await api.archive.createToken(
                .reader, address: home.provider, now: api.clock.now)
            #expect(
                try await api.get("\(home.path)/messages", token: .text(same.text)).status == 200)
            try await api.archive.changeSubjects(
                of: home.channel, adding: ["ben"], removing: [], now: api.clock.now)
            #expect(try await home.read() == nil)
            try await api.archive.changeSubjects(
                of: home.channel, adding: [], removing: ["ben"], now: api.clock.now)
            #expect(try await home.read() == ["anna's"])
            try await api.archive.changeSubjects(
                of: home.channel, adding: [], removing: ["anna"], now: api.clock.now)
            #expect(try await home.read() == nil)
        }
    }

    @Test func aDeviceThatIsDeletedIsNotReadAnyMore() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api, hasDevice: true)
            try home.say(MyHome.authorised(home.provider))
            try home.measure("1")
            try await home.crawl()
            #expect(try await home.read() == ["1"], "no event names the device")
            try home.say(MyHome.added(home.device))
            try home.measure("2")
            try await home.crawl()
            #expect(try await home.read() == ["2"])
            try home.say(MyHome.deleted(home.provider))
            try await home.crawl()
            #expect(try await home.read() == ["2"], "another device")
            try home.say(MyHome.deleted(home.device))
            try await home.crawl()
            #expect(try await home.read() == nil)
            try home.say(MyHome.added(home.device))
            try home.measure("3")
            try await home.crawl()
            #expect(try await home.read() == ["3"])
        }
    }

    @Test func theLatestOnTheChainHoldsWheneverItComesIn() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api, leaves: 8)
            try home.say(MyHome.authorised(home.provider))
            let revocation = try home.consent.write(
                MyHome.revoked(home.provider), at: api.clock.now)
            home.source.hide(revocation)
            try home.measure("1")
            try await home.crawl(Self.shortly)
            #expect(try await home.read() == ["1"])
            try home.say(MyHome.authorised(home.provider))
            try home.measure("2")
            try await home.crawl(Self.shortly)
            #expect(try await home.read() == ["1", "2"])
            // It comes in last, and lies between both.
            home.source.show(revocation)
            try await home.crawl(Self.shortly)
            #expect(try await home.read() == ["2"])
        }
    }

    @Test func ofTwinsThatSayBothTheRevocationHolds() async throws {
        for isFirst in [true, false] {
            try await TestAPI.with { api in
                let home = try await ConsentingHome(api)
                var twin = home.consent
                try home.say(
                    isFirst
                        ? MyHome.authorised(home.provider) : MyHome.revoked(home.provider))
                try await home.crawl(Self.shortly)
                try twin.write(
                    isFirst
                        ? MyHome.revoked(home.provider) : MyHome.authorised(home.provider),
                    at: api.clock.now)
                try home.measure("1")
                try await home.crawl(Self.shortly)
                #expect(try await home.read() == nil)
                #expect(try await api.test.rowCount(of: "consent_event") == 2)
            }
        }
    }

    @Test func oneGoalIsRevokedAndTheOtherStays() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            try home.say(MyHome.authorised(home.provider, "billing"))
            try home.measure("1")
            try await home.crawl()
            try home.say(MyHome.authorised(home.provider, "advice"))
            try home.measure("2")
            try await home.crawl()
            #expect(try await home.read() == ["1", "2"])
            try home.say(MyHome.revoked(home.provider, "billing"))
            try await home.crawl()
            #expect(try await home.read() == ["2"])
            try home.say(
                #"{"type":"AUTHORIZATION_REVOKED","policy":{"serviceProvider":{"iotaAddress":"\#(home.provider)"}}}"#
            )
            try await home.crawl()
            #expect(try await home.read() == nil)
        }
    }

    @Test func whatNobodySignedChangesNothing() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            try home.consent.forge(MyHome.authorised(home.provider), at: api.clock.now)
            try home.measure("1")
            try await home.crawl()
            #expect(try await home.read() == nil)
            #expect(try await api.test.rowCount(of: "consent_event") == 0)
            try home.say(MyHome.authorised(home.provider))
            try home.measure("2")
            try await home.crawl()
            #expect(try await home.read() == ["2"])
            try home.consent.forge(MyHome.revoked(home.provider), at: api.clock.now)
            try await home.crawl()
            #expect(try await home.read() == ["2"])
            // Nor does what is said on a channel that is none of consent.
            try home.measure(MyHome.revoked(home.provider))
            try await home.crawl()
            #expect(try await home.read()?.count == 2)
        }
    }

    @Test func hostileJSONChangesNothing() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api, leaves: 32)
            for (_, json) in MyHome.hostile(home.provider) { try home.say(json) }
            try home.measure("1")
            try await home.crawl()
            let taken = try await api.archive.channel(home.consentChannel).messageCount
            #expect(taken == Int64(MyHome.hostile(home.provider).count))
            #expect(try await home.read() == nil)
            #expect(try await api.test.rowCount(of: "consent_event") == 0)
        }
    }

    @Test func aStalledChannelLeavesGrantsAndTheOwnerSeesWhy() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            try home.say(MyHome.authorised(home.provider))
            try home.measure("1")
            try await home.crawl()
            for _ in 0..<3 { try await home.crawl() }
            #expect(try await api.archive.channel(home.consentChannel).state == .stalled)
            #expect(try await home.read() == ["1"])
            let anna = try await api.archive.createToken(
                .subject, subject: "anna", now: api.clock.now)
            let held = try await api.get("/v1/subject", token: .text(anna.text))
            let consent = try #require(held.json["consent"])
            #expect(consent["state"] == .text("stalled"))
            #expect(consent["reason"] == .text("chain.quiet"))
            #expect(consent["channel"] == .text(home.consentChannel.text))
            let authorised = consent["authorised"]?.array
            #expect(authorised?.map { $0["reader"]?.text } == ["\(home.provider)"])
            #expect(authorised?.map { $0["purpose"]?.text } == ["Energy insights"])
            // A restriction is the owner's word that nothing is done by it any more.
            try await api.archive.restrict(home.consentChannel)
            #expect(try await home.read() == nil)
            try await api.archive.lift(home.consentChannel, now: api.clock.now)
            #expect(try await home.read() == ["1"])
        }
    }

    @Test func aStreamIsCutWhenConsentIsTakenBackMeanwhile() async throws {
        try await TestAPI.with { api in
            let home = try await ConsentingHome(api)
            try home.say(MyHome.authorised(home.provider))
            try home.measure("1")
            try await home.crawl()
            let response = try await api.respond(
                "GET", "\(home.path)/messages", token: home.reader,
                headers: ["Accept": "application/x-ndjson"])
            guard case .stream(let write) = response.body else {
                Issue.record("no stream")
                return
            }
            try home.say(MyHome.revoked(home.provider))
            let crawler = home.crawler
            let reader = StuckReader { _ = try await crawler.crawlUntilIdle() }
            await #expect(throws: ArchiveError.fenced(home.channel)) { try await write(reader) }
        }
    }
}
