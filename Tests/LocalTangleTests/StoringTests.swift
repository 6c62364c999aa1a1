import LocalTangle
import Tangle
import Ternary
import TestSupport
import Testing

/// Attaching, storing and what the node says about bundles.
@Suite struct StoringTests {
    let node = LocalNode()

    private func attach(
        _ transactions: [Transaction], weight: String = "5", node: LocalNode? = nil
    ) async throws -> (status: Int, body: JSONValue) {
        let trytes = transactions.map { "\"\($0.trytes)\"" }.joined(separator: ",")
        let trunk = try address("T")
        let branch = try address("B")
        return try await (node ?? self.node).send(
            """
            {"command":"attachToTangle","trunkTransaction":"\(trunk)",
             "branchTransaction":"\(branch)","minWeightMagnitude":\(weight),"trytes":[\(trytes)]}
            """)
    }

    private func unattached(fragments: Int) throws -> [Transaction] {
        try BundleBuilder.bundle(
            address: try address("A"),
            messageTrytes: try Trytes(String(repeating: "M", count: 2_187 * fragments)),
            tag: try tag("TAG"), timestamp: 1_600_000_000)
    }

    @Test func attachesWithTheWorkAskedForInTheOrderAsked() async throws {
        // Clients send the last index first.
        let sent = Array(try unattached(fragments: 3).reversed())
        let answer = try await attach(sent)
        #expect(answer.status == 200)
        let attached = try (answer.body["trytes"]?.texts ?? []).map {
            try Transaction(trytes: Trytes($0))
        }
        let hashes = TransactionHashing.hashes(of: attached)
        try #require(attached.count == 3)
        #expect(attached.map(\.currentIndex) == [2, 1, 0])
        #expect(hashes.allSatisfy { $0.trits.suffix(5).allSatisfy { $0 == 0 } })
        #expect(attached.map(\.trunk) == [try address("T"), hashes[0], hashes[1]])
        #expect(attached[0].branch == (try address("B")))
        #expect(attached[1...].allSatisfy { $0.branch == attached[0].trunk })
        #expect(attached.map(\.bundle) == sent.map(\.bundle))

        let trytes = attached.map(\.trytes.description)
        #expect(try await node.send("storeTransactions", ["trytes": trytes]).status == 200)
        #expect(try await node.send("broadcastTransactions", ["trytes": trytes]).status == 200)
        let tail = hashes[2].description
        let consistency = try await node.send("checkConsistency", ["tails": [tail]])
        #expect(consistency.body["state"] == .bool(true))
        let states = try await node.send("getInclusionStates", ["transactions": [tail]])
        #expect(states.body["states"] == .array([.bool(true)]))
        #expect(node.ledger.count == 3)
        #expect(node.ledger.latestMilestone == 1)
    }

    @Test func attachesNothing() async throws {
        #expect(try await attach([]).body["trytes"] == .array([]))
    }

    @Test(arguments: ["15", "-1", "1e18", "\"9\""])
    func refusesWeightsOutsideItsRange(weight: String) async throws {
        let answer = try await attach(try unattached(fragments: 1), weight: weight)
        #expect(answer.status == 400)
        #expect(answer.body["error"] == .text("Invalid minWeightMagnitude input"))
    }

    @Test func worksForItsOwnLowWeightWhereNoneIsAskedFor() async throws {
        let answer = try await attach(try unattached(fragments: 1), weight: "null")
        let trytes = try #require(answer.body["trytes"]?.texts)
        #expect(try await node.send("storeTransactions", ["trytes": trytes]).status == 200)
    }

    @Test func answersOtherCommandsWhileItWorksAndEndsWorkThatNobodyWaitsFor() async throws {
        let sent = try unattached(fragments: 2)
        // Minutes of work.
        let working = Task { try await attach(sent, weight: "14") }
        for _ in 0..<20 {
            #expect(try await node.send(#"{"command":"getNodeInfo"}"#).status == 200)
        }
        working.cancel()
        #expect(try await working.value.body["trytes"] == .array([]))
    }

    @Test func letsOnlySoMuchWorkWait() async throws {
        let sent = try unattached(fragments: 1)
        let asked = ProofOfWork.maximumWaiting * 4
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<asked {
                group.addTask { try await self.attach(sent, weight: "14").status }
            }
            var counts: [Int: Int] = [:]
            while let status = try await group.next() {
                counts[status, default: 0] += 1
                if counts[503] == asked / 2 { group.cancelAll() }
            }
            return counts
        }
        #expect(Set(counts.keys) == [200, 503])
        #expect((counts[200] ?? 0) >= ProofOfWork.maximumWaiting)
        let answer = try await attach(sent, weight: "1")
        #expect(answer.body["trytes"]?.texts?.count == 1)
    }

    @Test func refusesTransactionsWithoutWorkOrWithAnImpossibleValue() async throws {
        var fields = try TransactionFields(unattached(fragments: 1)[0])
        var trytes: [String] = []
        // Some nonce gives a hash without any zero trit at its end.
        for letter in "ABCDEFGHIJKLM" {
            fields.nonce = try Trytes(String(repeating: letter, count: 27))
            let transaction = try fields.transaction()
            if transaction.hash().trits.last != 0 { trytes = [transaction.trytes.description] }
        }
        try #require(trytes.count == 1)
        let light = try await node.send("storeTransactions", ["trytes": trytes])
        #expect(light.status == 400)
        #expect(light.body["error"] == .text("Error: Invalid transaction hash"))

        let ascii = Array(trytes[0].utf8)
        let overflowing = String(
            decoding: ascii[..<2_280] + [UInt8(ascii: "A")] + ascii[2_281...], as: UTF8.self)
        let heavy = try await node.send("storeTransactions", ["trytes": [overflowing]])
        #expect(heavy.status == 400)
        #expect(heavy.body["error"] == .text("Error: Invalid transaction value"))
        #expect(node.ledger.count == 0)
    }

    @Test func refusesWhatNoLongerFits() async throws {
        let node = LocalNode(ledger: Ledger(capacity: 2))
        let three = try bundle(at: try address("A"), tag: try tag("T"), fragments: 3)
        let trytes = three.map(\.trytes.description)
        let answer = try await node.send("storeTransactions", ["trytes": trytes])
        #expect(answer.status == 500)
        #expect(answer.body["exception"] == .text("The ledger is full"))
        #expect(node.ledger.count == 0)
        let two = try await node.send("storeTransactions", ["trytes": Array(trytes.prefix(2))])
        #expect(two.status == 200)
    }

    @Test func saysWhatKeepsATailFromBeingConsistent() async throws {
        let two = try bundle(at: try address("A"), tag: try tag("T"), fragments: 2)
        let hashes = TransactionHashing.hashes(of: two).map(\.description)
        let unknown = try await node.send("checkConsistency", ["tails": [hashes[0]]])
        #expect(unknown.status == 400)
        #expect(unknown.body["error"] == .text("Invalid transaction, missing: \(hashes[0])"))
        try node.ledger.store([two[0]])
        let partial = try await node.send("checkConsistency", ["tails": [hashes[0]]])
        #expect(partial.body["state"] == .bool(false))
        #expect(partial.body["info"]?.text?.contains("not solid") == true)
        try node.ledger.store([two[1]])
        let notATail = try await node.send("checkConsistency", ["tails": [hashes[1]]])
        #expect(notATail.body["error"] == .text("Invalid transaction, not a tail: \(hashes[1])"))

        var fields = try TransactionFields(two[0])
        fields.obsoleteTag = try tag("OTHER")
        let altered = try node.ledger.store([try fields.transaction()])
        let invalid = try await node.send(
            "checkConsistency", ["tails": altered.map(\.description)])
        #expect(invalid.body["state"] == .bool(false))
        #expect(invalid.body["info"]?.text?.contains("bundle is invalid") == true)
    }

    @Test func knowsWhichAddressesWereSpentFrom() async throws {
        let transaction = try bundle(at: try address("A"), tag: try tag("T"))[0]
        var fields = try TransactionFields(transaction)
        fields.value = -1
        fields.address = try address("B")
        try node.ledger.store([transaction, try fields.transaction()])
        let asked = try ["A", "B", "C", "B"].map { try address($0).description }
        let answer = try await node.send("wereAddressesSpentFrom", ["addresses": asked])
        #expect(answer.body["states"] == .array([false, true, false, true].map(JSONValue.bool)))
    }
}
