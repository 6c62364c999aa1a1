import HTTPServer
import IRICommands
import LocalTangle
import Tangle
import Ternary
import TestSupport
import Testing

/// IRI's error shapes, texts and limits (tangle, *IRI's HTTP API*).
@Suite struct CommandTests {
    let node = LocalNode()

    private func expectError(
        _ text: String, status: Int = 400, _ answer: (status: Int, body: JSONValue),
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(answer.status == status, sourceLocation: sourceLocation)
        #expect(answer.body["error"] == .text(text), sourceLocation: sourceLocation)
        #expect(answer.body["duration"] != nil, sourceLocation: sourceLocation)
    }

    @Test func refusesRequestsWithoutTheVersionHeader() async throws {
        expectError(
            "Invalid API Version",
            try await node.send(#"{"command":"getNodeInfo"}"#, headers: [:]))
    }

    @Test func answersOptionsWithWhatBrowsersMaySend() async throws {
        let response = await node.respond(to: try HTTPRequest(method: "OPTIONS", target: "/"))
        #expect(response.status == 200)
        #expect(try await response.collectedBody().isEmpty)
        #expect(response.headers["Access-Control-Allow-Origin"] == "*")
        #expect(
            response.headers["Access-Control-Allow-Headers"]
                == "User-Agent, Origin, X-Requested-With, Content-Type, Accept, X-IOTA-API-Version")
    }

    @Test func answersOnEveryPath() async throws {
        let response = await node.respond(
            to: try HTTPRequest(
                method: "POST", target: "/api/v1?x=y", headers: ["x-iota-api-version": ""],
                body: Array(#"{"command":"getNodeInfo"}"#.utf8)))
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.headers["Access-Control-Allow-Origin"] == "*")
    }

    @Test(arguments: [
        "", "null", "[]", "7", "{", #"{"command":"getNodeInfo""#,
        String(repeating: "[", count: 100_000), "{\"command\":\"\u{0}\"",
    ])
    func refusesWhatIsNoJSONObject(body: String) async throws {
        expectError("Invalid JSON syntax", try await node.send(body))
    }

    @Test func refusesRequestsWithoutACommandOrWithAnotherType() async throws {
        let missing = "COMMAND parameter has not been specified in the request."
        expectError(missing, try await node.send("{}"))
        expectError(missing, try await node.send(#"{"command":null}"#))
        expectError("Invalid command input", try await node.send(#"{"command":7}"#))
    }

    @Test func tellsUnknownCommandsFromThoseItDoesNotOffer() async throws {
        expectError(
            "Command [getMoon] is unknown", try await node.send(#"{"command":"getMoon"}"#))
        expectError(
            "COMMAND addNeighbors is not available on this node", status: 401,
            try await node.send(#"{"command":"addNeighbors","uris":[]}"#))
        let long = String(repeating: "x", count: 10_000)
        let answer = try await node.send(#"{"command":"\#(long)"}"#)
        #expect(answer.status == 400)
        #expect((answer.body["error"]?.text?.count ?? .max) < 100)
    }

    @Test(arguments: [
        ("getTrytes", "hashes"), ("findTransactions", "addresses"),
        ("findTransactions", "bundles"), ("findTransactions", "approvees"),
        ("getInclusionStates", "transactions"), ("wereAddressesSpentFrom", "addresses"),
        ("checkConsistency", "tails"), ("storeTransactions", "trytes"),
        ("broadcastTransactions", "trytes"),
    ])
    func refusesListsThatAreWrong(command: String, parameter: String) async throws {
        expectError("Invalid parameters", try await node.send(command, [:]))
        let hash = String(repeating: "A", count: 81)
        for bad in [
            hash.lowercased(), String(hash.dropLast()), hash + "A", "", "Ä" + hash.dropLast(),
        ] {
            expectError(
                "Invalid \(parameter) input", try await node.send(command, [parameter: [bad]]))
        }
        for bad in [#""\#(hash)""#, "[7]", "[null]", "{}", "true"] {
            expectError(
                "Invalid \(parameter) input",
                try await node.send(#"{"command":"\#(command)","\#(parameter)":\#(bad)}"#))
        }
        expectError(
            "Could not complete request",
            try await node.send(command, [parameter: Array(repeating: hash, count: 1_001)]))
        #expect(try await node.send(command, [parameter: []]).status == 200)
    }

    @Test func takesAThousandHashes() async throws {
        let hashes = Array(repeating: String(repeating: "A", count: 81), count: 1_000)
        let answer = try await node.send("getTrytes", ["hashes": hashes])
        #expect(answer.body["trytes"]?.texts?.count == 1_000)
        #expect(Set(answer.body["trytes"]?.texts ?? []) == [String(repeating: "9", count: 2_673)])
    }

    @Test func refusesBodiesOfMoreThanAMillionCharacters() async throws {
        let most = #"{"command":"getNodeInfo"}"#.padding(1_000_000)
        #expect(try await node.send(most).status == 200)
        expectError("Could not complete request", try await node.send(most + " "))
        // 600,000 characters in 1,200,000 bytes.
        let wide =
            #"{"command":"getNodeInfo","x":""# + String(repeating: "é", count: 600_000) + "\"}"
        #expect(try await node.send(wide).status == 200)
    }

    @Test func refusesMoreThanTheConfiguredHashes() async throws {
        var limits = NodeLimits()
        limits.findTransactions = 2
        limits.getTrytes = 2
        let node = LocalNode(limits: limits)
        let here = try address("A")
        let three = try bundle(at: here, tag: try tag("T"), fragments: 3)
        try node.ledger.store(Array(three.prefix(2)))
        let query = ["addresses": [here.description]]
        #expect(try await node.send("findTransactions", query).body["hashes"]?.texts?.count == 2)
        try node.ledger.store(three)
        expectError("Could not complete request", try await node.send("findTransactions", query))
        let hashes = Array(repeating: here.description, count: 3)
        expectError(
            "Could not complete request", try await node.send("getTrytes", ["hashes": hashes]))
    }

    @Test func searchesNeitherTheNullHashNorTheEmptyTag() async throws {
        let nines = String(repeating: "9", count: 81)
        for name in ["addresses", "bundles", "approvees"] {
            expectError(
                "Invalid \(name) input", try await node.send("findTransactions", [name: [nines]]))
        }
        for tag in ["", "999", String(repeating: "A", count: 28), "abc"] {
            expectError(
                "Invalid tags input", try await node.send("findTransactions", ["tags": [tag]]))
        }
    }

    @Test func tellsItsLimits() async throws {
        let body = try await node.send(#"{"command":"getNodeAPIConfiguration"}"#).body
        #expect(body["maxFindTransactions"] == .number(100_000))
        #expect(body["maxRequestsList"] == .number(1_000))
        #expect(body["maxGetTrytes"] == .number(10_000))
        #expect(body["maxBodyLength"] == .number(1_000_000))
        #expect(body["milestoneStartIndex"] == .number(0))
    }

    @Test(arguments: ["-1", "16", "1e300", "\"3\"", "true"])
    func refusesDepthsOutsideItsRange(depth: String) async throws {
        expectError(
            "Invalid depth input",
            try await node.send(#"{"command":"getTransactionsToApprove","depth":\#(depth)}"#))
    }

    @Test func interruptingAndAskingForTipsChangesNothing() async throws {
        let interrupted = try await node.send(#"{"command":"interruptAttachingToTangle"}"#)
        #expect(interrupted.status == 200)
        let tips = try await node.send(#"{"command":"getTransactionsToApprove","depth":3}"#).body
        #expect(tips["trunkTransaction"]?.text == Hash.null.description)
        #expect(tips["branchTransaction"]?.text == Hash.null.description)
    }

    @Test func prunesForClientsOnThisMachineOnly() async throws {
        let here = try address("A")
        let hashes = try node.ledger.store(try bundle(at: here, tag: try tag("T"), fragments: 2))
        let prune = #"{"command":"pruneLedger"}"#
        expectError(
            "COMMAND pruneLedger is not available on this node", status: 401,
            try await node.send(prune, remoteAddress: "192.0.2.1"))
        #expect(node.ledger.count == 2)
        #expect(try await node.send(prune).body["pruned"] == .number(2))
        let trytes = try await node.send("getTrytes", ["hashes": hashes.map(\.description)]).body
        #expect(Set(trytes["trytes"]?.texts ?? []) == [String(repeating: "9", count: 2_673)])
        let found = try await node.send("findTransactions", ["addresses": [here.description]]).body
        #expect(found["hashes"] == .array([]))
        let states = try await node.send(
            "getInclusionStates", ["transactions": hashes.map(\.description)]
        ).body
        #expect(states["states"] == .array([.bool(false), .bool(false)]))
        let info = try await node.send(#"{"command":"getNodeInfo"}"#).body
        #expect(info["lastSnapshottedMilestoneIndex"] == .number(1))
        #expect(info["latestMilestoneIndex"] == .number(1))
    }
}

extension String {
    fileprivate func padding(_ count: Int) -> String {
        self + String(repeating: " ", count: count - utf8.count)
    }
}
