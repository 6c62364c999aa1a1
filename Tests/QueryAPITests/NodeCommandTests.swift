import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import IRICommands
import QueryAPI
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// The commands of a node over the archive: who may ask, and what is answered to what is wrong.
@Suite struct NodeCommandTests {
    private func fill(
        _ api: TestAPI, _ name: String, _ interface: NodeInterface?
    ) async throws -> ChannelNumber {
        let channel = try await api.test.fill(channel: name, clock: api.clock)
        try await api.archive.setNodeInterface(interface, of: channel)
        while try await api.archive.workOnNodeLookups() {}
        return channel
    }

    private func expectError(
        _ text: String, status: Int = 400, _ answer: Answer,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, sourceLocation: sourceLocation)
        #expect(answer.json["error"] == .text(text), sourceLocation: sourceLocation)
        #expect(answer.json["duration"] != nil, sourceLocation: sourceLocation)
        #expect(
            answer.headers["Access-Control-Allow-Origin"] == "*", sourceLocation: sourceLocation)
    }

    @Test func itIsOffUntilItIsSwitchedOn() async throws {
        try await TestAPI.with { api in
            _ = try await fill(api, "public", .public)
            let answer = try await api.command(#"{"command":"getNodeInfo"}"#)
            expectError("The node interface is off", status: 404, answer)
            #expect(try await api.call("OPTIONS", "/", token: .none).status == 404)
            #expect(try await api.get("/api/v1/info", token: .none).status == 404)
        }
    }

    @Test func theInterfaceOfAChannelIsSetOverHTTPAndTold() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "public", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/node-interface"
            let on = try await api.call("POST", path, body: #"{"nodeInterface": "token"}"#)
            #expect(on.status == 200)
            #expect(on.json["nodeInterface"] == .text("token"))
            #expect(on.json["nodeInterfaceReady"] == .bool(false))
            while try await api.archive.workOnNodeLookups() {}
            let shown = try await api.get("/v1/channels/\(channel.text)")
            #expect(shown.json["nodeInterface"] == .text("token"))
            #expect(shown.json["nodeInterfaceReady"] == nil)
            for body in [#"{"nodeInterface": "all"}"#, #"{"nodeInterface": 7}"#] {
                #expect(try await api.call("POST", path, body: body).status == 400)
            }
            let reader = try await api.reader(channel)
            #expect(
                try await api.call("POST", path, token: .text(reader), body: "{}").status == 403)
            let off = try await api.call("POST", path, body: "{}")
            #expect(off.json["nodeInterface"] == nil)
        }
    }

    @Test func requestsAreRefusedAsIRIRefusesThem() async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            expectError(
                "Invalid API Version",
                try await api.call(
                    "POST", "/", token: .none, body: #"{"command":"getNodeInfo"}"#))
            for body in ["", "null", "[]", "{", String(repeating: "[", count: 100_000)] {
                expectError("Invalid JSON syntax", try await api.command(body))
            }
            expectError(
                "COMMAND parameter has not been specified in the request.",
                try await api.command("{}"))
            expectError(
                "Command [getMoon] is unknown", try await api.command(#"{"command":"getMoon"}"#))
            for name in ["addNeighbors", "getBalances", "getTips"] {
                expectError(
                    "COMMAND \(name) is not available on this node", status: 401,
                    try await api.command(#"{"command":"\#(name)"}"#))
            }
            let hash = String(repeating: "A", count: 81)
            let checksum = hash + "ABCDEFGHI"
            for bad in [hash.lowercased(), checksum, String(hash.dropLast()), ""] {
                for (command, list) in [
                    ("findTransactions", "addresses"), ("getTrytes", "hashes"),
                    ("getInclusionStates", "transactions"), ("wereAddressesSpentFrom", "addresses"),
                ] {
                    expectError(
                        "Invalid \(list) input", try await api.command(command, [list: [bad]]))
                }
            }
            for tag in ["", "999", String(repeating: "A", count: 28), "abc"] {
                expectError(
                    "Invalid tags input",
                    try await api.command("findTransactions", ["tags": [tag]]))
            }
            expectError(
                "Could not complete request",
                try await api.command(
                    "findTransactions", ["addresses": Array(repeating: hash, count: 1_001)]))
            let wide = #"{"command":"getNodeInfo","x":""# + String(repeating: "x", count: 1_000_000)
            expectError("Could not complete request", try await api.command(wide + "\"}"))
            let thousand = try await api.command(
                "getTrytes", ["hashes": Array(repeating: hash, count: 1_000)])
            #expect(thousand.json["trytes"]?.texts?.count == 1_000)
            #expect(
                Set(thousand.json["trytes"]?.texts ?? []) == [String(repeating: "9", count: 2_673)])
            let addresses = try await api.command(
                "findTransactions", ["addresses": Array(repeating: hash, count: 1_000)])
            #expect(addresses.json["hashes"] == .array([]))
        }
    }

    @Test func whatWritesIsRefusedWithoutANodeAndForwardedToOne() async throws {
        let writing = [
            #"{"command":"getTransactionsToApprove","depth":3}"#,
            #"{"command":"interruptAttachingToTangle"}"#,
            #"{"command":"storeTransactions","trytes":[]}"#,
            #"{"command":"broadcastTransactions","trytes":[]}"#,
            #"{"command":"checkConsistency","tails":[]}"#,
        ]
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            for body in writing {
                let answer = try await api.command(body)
                #expect(answer.status == 401)
                let text = answer.json["error"]?.text ?? ""
                #expect(
                    text.hasPrefix("COMMAND ") && text.hasSuffix(" is not available on this node"))
            }
        }
        var settings = NodeInterfaceSettings()
        settings.forwarder = EchoingNode()
        try await TestAPI.with(node: settings) { api in
            for body in writing {
                let answer = try await api.command(body)
                #expect(answer.status == 200)
                #expect(answer.json["echo"]?.text == body)
            }
            // What is wrong goes nowhere.
            expectError(
                "Invalid depth input",
                try await api.command(#"{"command":"getTransactionsToApprove","depth":99}"#))
            let info = try await api.command(#"{"command":"getNodeInfo"}"#)
            #expect(info.json["features"]?.texts == ["RemotePOW"])
        }
    }

    private struct EchoingNode: CommandForwarding {
        private struct Echo: Encodable {
            let echo: String
            let duration = 0
        }

        func forward(_ body: [UInt8]) async throws(CommandRefusal) -> (status: Int, body: [UInt8]) {
            let echo = Echo(echo: String(decoding: body, as: UTF8.self))
            return (200, Array((try? JSONEncoder().encode(echo)) ?? Data()))
        }
    }

    @Test func whoMayNotKnowIsAnsweredAsIfItNeverWas() async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            let mine = try await fill(api, "private", .token)
            let off = try await fill(api, "events", nil)
            let open = try await fill(api, "public", .public)
            let reader = try await api.reader(mine, off)
            let other = try await api.reader(open)
            func counts(_ name: String, _ token: Token) async throws -> [Int?] {
                let message = try #require(ChannelVector.named(name).messages.first)
                let hashes = message.transactions.map(\.description)
                let found = try await api.command(
                    "findTransactions", ["addresses": [message.address.description]], token)
                let trytes = try await api.command("getTrytes", ["hashes": hashes], token)
                #expect(found.status == 200 && trytes.status == 200)
                let known = trytes.json["trytes"]?.texts?.filter { !$0.allSatisfy { $0 == "9" } }
                return [found.json["hashes"]?.texts?.count, known?.count]
            }
            for token in [Token.none, .text(other)] {
                #expect(try await counts("private", token) == [0, 0])
                #expect(try await counts("events", token) == [0, 0])
                #expect(try await counts("public", token) == [3, 3])
            }
            let all = try #require(ChannelVector.named("private").messages.first).transactions.count
            #expect(try await counts("private", .text(reader)) == [all, all])
            #expect(try await counts("private", .admin) == [all, all])
            // Of a channel whose interface is off nobody is answered.
            #expect(try await counts("events", .text(reader)) == [0, 0])
            #expect(try await counts("events", .admin) == [0, 0])

            let wrong = try await api.command(
                #"{"command":"getNodeInfo"}"#, .text("pmn_nothing"))
            expectError("the token is not valid", status: 401, wrong)
        }
    }

    @Test func readsAreRecordedAlsoOfThoseWithoutAToken() async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            let channel = try await fill(api, "public", .public)
            let message = try #require(ChannelVector.named("public").messages.first)
            let hashes = ["hashes": message.transactions.map(\.description)]
            #expect(try await api.command("getTrytes", hashes).status == 200)
            let reader = try await api.reader(channel)
            #expect(try await api.command("getTrytes", hashes, .text(reader)).status == 200)
            try await api.archive.audit.flush()
            let readers = try await api.get("/v1/channels/\(channel.text)/readers")
            let told = try #require(readers.json["readers"]?.array)
            #expect(told.count == 2)
            #expect(told.filter { $0["anyone"] == .bool(true) }.count == 1)
            #expect(told.filter { $0["token"]?.text != nil }.count == 1)
        }
    }

    @Test func whoAsksTooMuchIsToldWhenToComeAgain() async throws {
        var settings = NodeInterfaceSettings()
        settings.ofAddress = .init(perSecond: 0.001, burst: 3)
        settings.ofToken = .init(perSecond: 0.001, burst: 5)
        try await TestAPI.with(node: settings) { api in
            let info = #"{"command":"getNodeInfo"}"#
            for _ in 0..<3 { #expect(try await api.command(info).status == 200) }
            let refused = try await api.command(info)
            expectError("too many requests", status: 429, refused)
            #expect(refused.headers["Retry-After"].flatMap(Int.init) ?? 0 > 0)
            #expect(try await api.get("/api/v1/info", token: .none).status == 429)
        }
        settings.ofAddress = .init(perSecond: 0.001, burst: 1)
        try await TestAPI.with(node: settings) { api in
            let reader = try await api.reader()
            // A valid token pays for itself, and many values cost more than a few.
            for _ in 0..<3 {
                let answer = try await api.command(
                    #"{"command":"getNodeInfo"}"#, .text(reader))
                #expect(answer.status == 200)
            }
            let many = Array(repeating: String(repeating: "A", count: 81), count: 1_000)
            #expect(
                try await api.command("getTrytes", ["hashes": many], .text(reader)).status == 200)
            #expect(
                try await api.command(#"{"command":"getNodeInfo"}"#, .text(reader)).status == 429)
        }
    }

    @Test func browsersMayAsk() async throws {
        try await TestAPI.with(node: NodeInterfaceSettings()) { api in
            for path in ["/", "/api"] {
                let answer = try await api.call("OPTIONS", path, token: .none)
                #expect(answer.status == 200)
                #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
                #expect(
                    answer.headers["Access-Control-Allow-Headers"]
                        == "User-Agent, Origin, X-Requested-With, Content-Type, Accept, X-IOTA-API-Version"
                )
            }
        }
    }

    @Test func limitsAreToldAndKept() async throws {
        var settings = NodeInterfaceSettings()
        settings.limits.findTransactions = 2
        try await TestAPI.with(node: settings) { api in
            _ = try await fill(api, "public", .public)
            let message = try #require(ChannelVector.named("public").messages.first)
            expectError(
                "Could not complete request",
                try await api.command(
                    "findTransactions", ["addresses": [message.address.description]]))
            let told = try await api.command(#"{"command":"getNodeAPIConfiguration"}"#)
            #expect(told.json["maxFindTransactions"] == .number(2))
            #expect(told.json["maxRequestsList"] == .number(1_000))
            let spent = try await api.command(
                "wereAddressesSpentFrom", ["addresses": [message.address.description]])
            #expect(spent.json["states"] == .array([.bool(false)]))
        }
    }

    @Test func aFloodOfAddressesTakesBoundedRoom() {
        let limiter = RateLimiter(
            ofAddress: .init(perSecond: 1, burst: 1), ofToken: .init(perSecond: 1, burst: 1))
        let start = ContinuousClock.now
        let first = RateLimiter.Client(address: "192.0.2.1")
        #expect(limiter.take(1, of: first, at: start) == nil)
        let wait = limiter.take(1, of: first, at: start)
        #expect(wait.map { $0 > .zero && $0 <= .seconds(1) } == true)
        #expect(limiter.take(1, of: first, at: start + .seconds(2)) == nil)
        // One customer's network counts as one.
        let network = RateLimiter.Client(address: "2001:db8:1:2::1")
        #expect(network == RateLimiter.Client(address: "2001:db8:1:2:3:4:5:6"))
        #expect(network != RateLimiter.Client(address: "2001:db8:1:3::1"))
        for number in 0..<100_000 {
            _ = limiter.take(1, of: .address("a\(number)"), at: start)
        }
        #expect(limiter.clientCount <= 40_001)
    }
}

extension TestAPI {
    /// A command as a client of nodes sends it.
    func command(_ body: String, _ token: Token = .none) async throws -> Answer {
        try await call(
            "POST", "/", token: token,
            headers: ["X-IOTA-API-Version": "1", "Content-Type": "application/json"], body: body)
    }

    func command(
        _ name: String, _ lists: [String: [String]], _ token: Token = .none
    ) async throws -> Answer {
        var fields: [String: JSONValue] = lists.mapValues { .array($0.map(JSONValue.text)) }
        fields["command"] = .text(name)
        return try await command(
            String(decoding: JSONEncoder().encode(JSONValue.object(fields)), as: UTF8.self), token)
    }
}
