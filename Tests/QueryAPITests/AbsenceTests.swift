import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import Synchronization
import TestSupport
import Testing
import Vault

/// What was forgotten, what is somebody else's and what never was: told alike, after the same
/// statements.
@Suite struct AbsenceTests {
    /// How a route's id is filled in.
    private enum Named {
        case channel
        case request
        case grant
        case token
        case subject
    }

    /// Every route with an id; one that is not here fails the test.
    private static let routes: [String: (named: Named, body: String?)] = [
        "GET /v1/channels/{id}": (.channel, nil),
        "GET /v1/channels/{id}/keys": (.channel, nil),
        "POST /v1/channels/{id}/keys": (.channel, #"{"sideKey": "KEY"}"#),
        "POST /v1/channels/{id}/pause": (.channel, "{}"),
        "POST /v1/channels/{id}/resume": (.channel, "{}"),
        "POST /v1/channels/{id}/restrict": (.channel, "{}"),
        "POST /v1/channels/{id}/lift": (.channel, "{}"),
        "POST /v1/channels/{id}/retention": (.channel, #"{"retention": "3m"}"#),
        "POST /v1/channels/{id}/subjects": (.channel, #"{"add": ["carl"]}"#),
        "POST /v1/channels/{id}/node-interface": (.channel, #"{"nodeInterface": null}"#),
        "GET /v1/channels/{id}/readers": (.channel, nil),
        "GET /v1/channels/{id}/messages": (.channel, nil),
        "GET /v1/channels/{id}/messages/{sequence}/bundle": (.channel, nil),
        "GET /v1/channels/{id}/readings": (.channel, nil),
        "GET /v1/channels/{id}/events": (.channel, nil),
        "GET /v1/forget-requests/{id}": (.request, nil),
        "POST /v1/forget-requests/{id}/check": (.request, "{}"),
        "POST /v1/forget-requests/{id}/approve": (.request, "{}"),
        "POST /v1/forget-requests/{id}/refuse": (.request, #"{"reason": "no"}"#),
        "POST /v1/forget-requests/{id}/extend": (.request, #"{"reason": "no"}"#),
        "POST /v1/grants/{id}/revoke": (.grant, "{}"),
        "GET /v1/subjects/{id}/access-log": (.subject, nil),
        "GET /channels/{id}": (.channel, nil),
        "GET /channels/{id}/messages": (.channel, nil),
        "GET /channels/{id}/messages/{sequence}": (.channel, nil),
        "GET /channels/{id}/readings": (.channel, nil),
        "POST /channels/{id}/pause": (.channel, ""),
        "POST /channels/{id}/resume": (.channel, ""),
        "POST /channels/{id}/keys": (.channel, "sideKey=KEY"),
        "GET /requests/{id}": (.request, nil),
        "GET /requests/{id}/receipt": (.request, nil),
        "POST /requests/{id}/check": (.request, ""),
        "POST /requests/{id}/approve": (.request, ""),
        "POST /requests/{id}/refuse": (.request, "reason=no"),
        "POST /requests/{id}/extend": (.request, "reason=no&months=1"),
        "GET /people/{id}": (.subject, nil),
        "GET /tokens/{id}": (.token, nil),
        "POST /tokens/{id}/revoke": (.token, ""),
        "POST /tokens/{id}/grants": (.token, "channel=0123456789&purpose=billing"),
        "POST /grants/{id}/revoke": (.grant, ""),
    ]

    /// Method and target; what a query has to say is said.
    private static func parts(of route: String) -> [Substring] {
        let query =
            route.hasSuffix("/v1/channels/{id}/readings")
            ? "?from=2018-06-01T00:00:00Z&to=2018-06-02T00:00:00Z" : ""
        return (route + query).split(separator: " ")
    }

    /// Routes that take a channel's id in the body.
    private static let bodies: [(target: String, body: @Sendable (String) -> String)] = [
        ("/v1/forget-requests", { #"{"channel": "\#($0)"}"# }),
        (
            "/v1/forget-requests",
            { #"{"channel": "\#($0)", "from": "2021-05", "to": "2021-06"}"# }
        ),
        ("/v1/forget-requests/plan", { #"{"channel": "\#($0)"}"# }),
        ("/requests/plan", { "channel=\($0)" }),
        ("/requests", { "channel=\($0)&sure=yes" }),
        ("/v1/holds", { #"{"channel": "\#($0)", "reason": "a claim"}"# }),
        ("/v1/holds/lift", { #"{"channel": "\#($0)"}"# }),
        (
            "/v1/grants",
            { #"{"channel": "\#($0)", "token": "0123456789", "purpose": "billing"}"# }
        ),
    ]

    private struct House {
        let api: TestAPI
        /// The reader's and anna's.
        let own: ChannelNumber
        /// The reader's and anna's once.
        let forgotten: ChannelNumber
        /// Ben's.
        let foreign: ChannelNumber
        /// By an admin: about the forgotten one, and about ben's.
        let doneRequest: ChannelNumber
        let foreignRequest: ChannelNumber
        let foreignGrant: ChannelNumber
        let foreignToken: ChannelNumber
        let foreignSubject: ChannelNumber
        let reader: Token
        let anna: Token

        struct Outcome {
            let status: Int
            let body: [UInt8]
            let statements: [String]
        }

        func ask(_ method: String, _ target: String, _ token: Token, _ body: String?) async throws
            -> Outcome
        {
            let told = Mutex<[String]>([])
            let isForm = body.map { !$0.hasPrefix("{") } ?? false
            let headers: HTTPHeaders =
                isForm ? ["Content-Type": "application/x-www-form-urlencoded"] : [:]
            let answer = try await StatementObserver.$current.withValue(
                StatementObserver { sql in told.withLock { $0.append(sql) } }
            ) {
                try await api.call(method, target, token: token, headers: headers, body: body)
            }
            return Outcome(
                status: answer.status, body: answer.body, statements: told.withLock { $0 })
        }
    }

    private func withHouse(_ body: (House) async throws -> Void) async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("meter"), .named("private")], subject: "anna", clock: api.clock)
            let foreign = try await api.test.fill(
                channel: "events", subject: "ben", clock: api.clock)
            let reader = try await api.reader(channels[0], channels[1])
            let anna = try await api.archive.createToken(
                .subject, subject: "anna", now: api.clock.now)
            let request = try await api.archive.receiveForgetRequest(
                .channel(channels[1]), reason: nil, now: api.clock.now)
            _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
            let other = try await api.archive.receiveForgetRequest(
                .channel(foreign), reason: nil, opening: .received, now: api.clock.now)
            let another = try await api.archive.createToken(
                .reader, channels: [foreign], now: api.clock.now)
            let grants = try await api.archive.grants(to: another.record.id)
            try await body(
                House(
                    api: api, own: channels[0], forgotten: channels[1], foreign: foreign,
                    doneRequest: request.id, foreignRequest: other.id,
                    foreignGrant: grants[0].id, foreignToken: another.record.id,
                    foreignSubject: try await api.archive.subject("ben"), reader: .text(reader),
                    anna: .text(anna.text)))
        }
    }

    private func expectAlike(_ outcomes: [House.Outcome], _ what: String) {
        let first = outcomes[0]
        for other in outcomes.dropFirst() {
            #expect(other.statements.count == first.statements.count, "\(what)")
            #expect(other.statements == first.statements, "\(what)")
        }
        #expect(!first.statements.isEmpty, "\(what): nothing was asked, so nothing was compared")
    }

    @Test func everyRouteWithAnIdIsCompared() async throws {
        try await TestAPI.with { api in
            // Of a node's commands, NodeInterfaceTests and NodeCommandTests compare: their
            // identifiers name no channel. The page's files are for anyone.
            let served = api.api.router.routes
                .filter { route in
                    route.template.contains("{")
                        && !["/api/", "/assets/"].contains(where: route.template.hasPrefix)
                }
                .map { "\($0.method) \($0.template)" }
            #expect(served.count >= 16)
            #expect(Set(served) == Set(Self.routes.keys))
        }
    }

    @Test func toWhomItIsNotTheirsAllThreeAreAlike() async throws {
        try await withHouse { house in
            for (route, (named, body)) in Self.routes {
                let parts = Self.parts(of: route)
                let numbers: [ChannelNumber] =
                    switch named {
                    case .channel: [house.forgotten, house.foreign, .random(), .random()]
                    case .request:
                        [house.doneRequest, house.foreignRequest, .random(), .random()]
                    case .grant: [house.foreignGrant, .random(), .random()]
                    case .token: [house.foreignToken, .random(), .random()]
                    case .subject: [house.foreignSubject, house.own, .random(), .random()]
                    }
                for (role, token) in [("reader", house.reader), ("subject", house.anna)] {
                    var outcomes: [House.Outcome] = []
                    for number in numbers {
                        let target = String(parts[1]).replacing("{id}", with: number.text)
                            .replacing("{sequence}", with: "0")
                        outcomes.append(
                            try await house.ask(String(parts[0]), target, token, body))
                    }
                    let what = "\(route) by a \(role)"
                    expectAlike(outcomes, what)
                    for outcome in outcomes {
                        #expect([403, 404].contains(outcome.status), "\(what)")
                        #expect(outcome.status == outcomes[0].status, "\(what)")
                        #expect(outcome.body == outcomes[0].body, "\(what)")
                    }
                }
            }
        }
    }

    /// An admin is told that a channel is forgotten, and by whatever way, nothing more is asked of
    /// the database for it than for one that never was.
    @Test func forAnAdminNothingMoreIsAskedForAForgottenChannel() async throws {
        try await withHouse { house in
            for (route, (named, body)) in Self.routes where named == .channel {
                let parts = Self.parts(of: route)
                var outcomes: [House.Outcome] = []
                for number in [house.forgotten, .random(), .random()] {
                    let target = String(parts[1]).replacing("{id}", with: number.text)
                        .replacing("{sequence}", with: "0")
                    outcomes.append(try await house.ask(String(parts[0]), target, .admin, body))
                }
                expectAlike(outcomes, "\(route) by an admin")
                #expect(outcomes[1].status == 404)
                #expect([200, 404, 409].contains(outcomes[0].status))
                if ["/messages", "/readings", "/readers"].contains(where: { route.contains($0) }) {
                    #expect(outcomes[0].status == 404)
                    #expect(outcomes[0].body == outcomes[1].body)
                }
            }
        }
    }

    @Test func idsInBodiesAreAlikeToo() async throws {
        try await withHouse { house in
            for (target, body) in Self.bodies {
                for token in [Token.admin, house.reader, house.anna] {
                    var numbers = [house.forgotten, .random(), .random()]
                    if case .text = token { numbers.append(house.foreign) }
                    var outcomes: [House.Outcome] = []
                    for number in numbers {
                        outcomes.append(
                            try await house.ask("POST", target, token, body(number.text)))
                    }
                    let what = "POST \(target)"
                    expectAlike(outcomes, what)
                    let isAdmin = if case .admin = token { true } else { false }
                    for outcome in outcomes {
                        #expect(
                            outcome.status == 404 || (!isAdmin && outcome.status == 403),
                            "\(what)")
                        #expect(outcome.body == outcomes[0].body, "\(what)")
                    }
                }
            }
        }
    }

    /// Of one's own channel, a message that was forgotten and one that never was.
    @Test func aForgottenMessageIsToldLikeOneThatNeverWas() async throws {
        try await withHouse { house in
            let month = Period(house.api.clock.now)
            let request = try await house.api.archive.receiveForgetRequest(
                .period(house.own, month...month), reason: nil, now: house.api.clock.now)
            _ = try await Eraser(
                archive: house.api.archive, clock: { [clock = house.api.clock] in clock.now },
                log: .silent
            ).execute(request.id)
            for token in [Token.admin, house.reader] {
                var outcomes: [House.Outcome] = []
                for sequence in [3, 999] {
                    outcomes.append(
                        try await house.ask(
                            "GET", "/v1/channels/\(house.own.text)/messages/\(sequence)/bundle",
                            token, nil))
                }
                expectAlike(outcomes, "a forgotten message")
                #expect(outcomes.map(\.status) == [404, 404])
            }
        }
    }
}
