import NodeClient
import Synchronization
import Ternary
import Testing

@Suite struct FindingTransactionsTests {
    /// A node with `counts[i]` transactions on `numberedHash(i)`, whose lists end after `cut`.
    private func server(_ counts: [Int], cut: Int) throws -> TestServer {
        var ledger: [String: [String]] = [:]
        for (index, count) in counts.enumerated() {
            ledger[numberedHash(index).description] = (0..<count).map {
                numberedHash($0 * 100 + index, in: "Z").description
            }
        }
        let found = ledger
        return try TestServer { request, connection in
            let hashes = request.list("addresses").flatMap { found[$0] ?? [] }
            connection.answer("{\"hashes\":\(quoted(hashes.prefix(cut))),\"duration\":0}")
        }
    }

    private func addresses(_ count: Int) -> [Hash] { (0..<count).map { numberedHash($0) } }

    @Test func longListsAreAskedForInParts() async throws {
        let server = try server(Array(repeating: 1, count: 12), cut: 1000)
        defer { server.stop() }
        let client = try client(server) { $0.addressesPerRequest = 5 }
        let found = try await client.findTransactions(addresses: addresses(12) + addresses(3))
        #expect(found.hashes.count == 12)
        #expect(!found.mayBeIncomplete)
        #expect(server.requests.map { $0.list("addresses").count } == [5, 5, 2])
        #expect(try await client.findTransactions(addresses: []).hashes.isEmpty)
        #expect(server.requests.count == 3)
    }

    @Test func aListAsLongAsHornetCutsMayBeIncomplete() async throws {
        for (count, isSuspicious) in [(999, false), (1000, true), (1700, true)] {
            let server = try server([count], cut: 1000)
            defer { server.stop() }
            let found = try await client(server).findTransactions(addresses: addresses(1))
            #expect(found.hashes.count == min(count, 1000))
            #expect(found.mayBeIncomplete == isSuspicious, "\(count)")
        }
    }

    @Test func spamOnOneAddressHidesNothingOnAnother() async throws {
        let server = try server([5000, 3, 2, 4, 1, 0, 7], cut: 1000)
        defer { server.stop() }
        let found = try await client(server).findTransactions(addresses: addresses(7))
        #expect(found.hashes.count == 1017)
        #expect(Set(found.hashes).count == 1017)
        #expect(found.mayBeIncomplete)
        #expect(server.requests.count < 14)
    }

    @Test func spamIsTheFirstToBeLeftOut() async throws {
        let server = try server([5000, 3, 2, 4, 1, 0, 7], cut: 6000)
        defer { server.stop() }
        let client = try client(server) { $0.maximumHashes = 1200 }
        let found = try await client.findTransactions(addresses: addresses(7))
        #expect(found.hashes.count == 1200)
        #expect(found.incomplete == [numberedHash(0)])
        let calm = [3, 2, 4, 1, 0, 7].enumerated().flatMap { index, count in
            (0..<count).map { numberedHash($0 * 100 + index + 1, in: "Z") }
        }
        #expect(calm.count == 17)
        #expect(Set(found.hashes).isSuperset(of: calm))
    }

    @Test func anEmptyListMayBeNullButNotMissing() async throws {
        let server = try TestServer { request, connection in
            connection.answer(request.list("addresses").count == 1 ? #"{"hashes":null}"# : "{}")
        }
        defer { server.stop() }
        let client = try client(server)
        #expect(try await client.findTransactions(addresses: addresses(1)).hashes.isEmpty)
        let kind = await failure { try await client.findTransactions(addresses: addresses(2)) }
        #expect(kind == .unexpectedAnswer("no hashes"))
    }

    @Test func manyHashesOnManyAddressesAreComplete() async throws {
        let server = try server(Array(repeating: 300, count: 8), cut: 1000)
        defer { server.stop() }
        let found = try await client(server).findTransactions(addresses: addresses(8))
        #expect(found.hashes.count == 2400)
        #expect(!found.mayBeIncomplete)
    }

    @Test func aMillionHashesAreCutAndThatIsTold() async throws {
        let sent = Mutex(0)
        let server = try TestServer { _, connection in
            let hashes = (0..<1000).map { numberedHash($0, in: "Z").description }
            guard connection.send("HTTP/1.1 200 OK\r\n\r\n{\"hashes\":[") else { return }
            for thousand in 0..<1000 {
                let series = hashes.map { hash in
                    "\"\(hash.prefix(70))\(numberedHash(thousand).description.prefix(11))\","
                }
                guard connection.send(series.joined()) else { break }
                sent.withLock { $0 += 1000 }
            }
            connection.hangUp()
        }
        defer { server.stop() }
        let client = try client(server) { $0.maximumHashes = 5000 }
        let found = try await client.findTransactions(addresses: addresses(1))
        #expect(found.hashes.count == 5000)
        #expect(found.mayBeIncomplete)
        #expect(sent.withLock { $0 } < 1_000_000)
    }

    @Test func theSearchEndsWithTheMostHashesOneCallGives() async throws {
        let server = try server(Array(repeating: 300, count: 50), cut: 1000)
        defer { server.stop() }
        let client = try client(server) {
            $0.maximumHashes = 700
            $0.addressesPerRequest = 2
        }
        let found = try await client.findTransactions(addresses: addresses(50))
        #expect(found.hashes.count == 700)
        // The first request fits, the second in part, the others are not sent.
        #expect(found.incomplete == Set(addresses(50)[2...]))
        #expect(server.requests.count == 2)
    }

    @Test func anEndlessAnswerThatIsNoListIsTooLarge() async throws {
        let server = try TestServer { _, connection in
            connection.send("HTTP/1.1 200 OK\r\n\r\n{\"hashes\":\"")
            while connection.send(String(repeating: "A,", count: 4096)) {}
        }
        defer { server.stop() }
        let client = try client(server) { $0.maximumHashes = 1000 }
        let kind = await failure { try await client.findTransactions(addresses: addresses(1)) }
        guard case .tooLarge = kind else {
            Issue.record("\(String(describing: kind))")
            return
        }
    }

    @Test func aHashOfAnotherLengthIsAnUnexpectedAnswer() async throws {
        let server = try TestServer { _, connection in
            connection.answer(#"{"hashes":["ABC"]}"#)
        }
        defer { server.stop() }
        let client = try client(server)
        let kind = await failure { try await client.findTransactions(addresses: addresses(1)) }
        #expect(kind == .unexpectedAnswer("a value of a wrong kind"))
    }

    @Test func bundlesAndApproveesAreAskedForByTheirNames() async throws {
        let server = try TestServer { request, connection in
            connection.answer("{\"hashes\":\(quoted([numberedHash(1).description]))}")
        }
        defer { server.stop() }
        let client = try client(server)
        #expect(try await client.findTransactions(bundles: addresses(1)).hashes.count == 1)
        #expect(try await client.findTransactions(approvees: addresses(2)).hashes.count == 1)
        #expect(
            server.requests.map { $0.json.keys.sorted() } == [
                ["bundles", "command"], ["approvees", "command"],
            ])
    }
}
