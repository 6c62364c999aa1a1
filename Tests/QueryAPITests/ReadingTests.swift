import Archive
import ArchiveTestSupport
import Foundation
import HTTPServer
import MAM
import Postgres
import QueryAPI
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

/// `GET /v1/channels/{id}/messages`, page by page.
@Suite struct ReadingTests {
    @Test func everyChannelIsReadBackToItsTexts() async throws {
        let vectors = try ChannelVector.all()
        #expect(!vectors.isEmpty)
        try await TestAPI.with { api in
            let channels = try await api.test.fill(vectors, clock: api.clock)
            for (vector, channel) in zip(vectors, channels) {
                let read = try await api.pages(of: channel, "order=position&limit=3").flatMap { $0 }
                let expected = reachable(vector)
                #expect(!read.isEmpty && read.count == expected.count, "\(vector.name)")
                var rest = read
                for message in expected {
                    let index = try #require(
                        rest.firstIndex { document in
                            document.leaf == Int64(message.index)
                                && document.address == message.address
                                && (message.text.map { $0 == document.text }
                                    ?? (message.trytes == document.trytes))
                        }, "\(vector.name), leaf \(message.index)")
                    let document = rest.remove(at: index)
                    #expect(document.securityLevel == vector.security)
                    #expect(document.tail == message.transactions.last)
                    #expect(document.firstSeenAt.date == api.clock.now)
                    #expect(document.claimedAt != nil)
                    #expect(
                        document.conflict
                            == (vector.conflicting != nil && message.index == 0
                                && message.root == vector.conflicting?.first?.root))
                }
            }
        }
    }

    /// The messages that can be followed: those before the first that never came.
    private func reachable(_ vector: ChannelVector) -> [ChannelVector.Message] {
        let lost = (vector.missing ?? []) + (vector.incomplete ?? [])
        let followed = vector.messages.prefix(lost.min() ?? vector.messages.count)
        return Array(followed) + (vector.conflicting ?? [])
    }

    @Test func pagesGiveEveryMessageOnceInBothOrdersAndDirections() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            for order in ["sequence", "position"] {
                for limit in [1, 3, 10, 1000] {
                    let query = "order=\(order)&limit=\(limit)"
                    let up = try await api.pages(of: channel, query).flatMap { $0 }
                    let down = try await api.pages(of: channel, query + "&direction=desc")
                    #expect(up.count == 10)
                    #expect(Set(up.map(\.sequence)) == Set(0..<10))
                    #expect(up == down.flatMap { $0 }.reversed())
                    #expect(down.allSatisfy { $0.count <= limit })
                    let places = up.map { [$0.position, $0.leaf, $0.sequence] }
                    #expect(
                        order == "sequence"
                            ? up.map(\.sequence) == Array(0..<10)
                            : places == places.sorted { $0.lexicographicallyPrecedes($1) })
                }
            }
        }
    }

    @Test func aReaderGoesOnFromTheLastMessageWhenThereAreMore() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "public", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages"
            let whole = try await api.get(path).json
            let next = try #require(whole["next"]?.text)
            #expect(whole["messages"]?.array?.count == 6)
            #expect(whole["archive"]?["sequence"] == .number(6))
            #expect(whole["archive"]?["state"] == .text("following"))
            let nothing = try await api.get("\(path)?after=\(next)").json
            #expect(nothing["messages"] == .array([]))
            #expect(nothing["next"] == nil)
            try await api.test.multiply(channel, to: 9)
            let more = try await api.get("\(path)?after=\(next)").json
            #expect(more["messages"]?.array?.compactMap { $0["sequence"]?.number } == [6, 7, 8])
            let back = try await api.get("\(path)?after=\(next)&direction=desc&limit=2").json
            #expect(back["messages"]?.array?.compactMap { $0["sequence"]?.number } == [4, 3])
        }
    }

    @Test func timeBoundsCutTheClaimedTimesWithoutOverlap() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let all = try await api.pages(of: channel, "").flatMap { $0 }
            let times = try all.map { try #require($0.claimedAt) }.sorted { $0.date < $1.date }
            let middle = times[times.count / 2]
            let before = try await api.pages(of: channel, "to=\(middle.text)").flatMap { $0 }
            let after = try await api.pages(of: channel, "from=\(middle.text)").flatMap { $0 }
            #expect(!before.isEmpty && !after.isEmpty)
            #expect(before.count + after.count == all.count)
            #expect(before.allSatisfy { ($0.claimedAt?.date ?? .distantFuture) < middle.date })
            #expect(after.allSatisfy { ($0.claimedAt?.date ?? .distantPast) >= middle.date })
            let offset = Timestamp(middle.date.addingTimeInterval(3600)).text
                .replacing("Z", with: "+01:00")
            let zoned = try await api.pages(of: channel, "from=\(offset)").flatMap { $0 }
            #expect(zoned == after)
            let none = try await api.pages(of: channel, "from=2100-01-01T00:00:00Z")
            #expect(none == [[]])
        }
    }

    @Test func rangesAreAboutTreesAndTheTimeOfTakingInToo() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            let late = api.clock.now.addingTimeInterval(3600)
            try await api.test.multiply(channel, to: 20, now: late)
            let all = try await api.pages(of: channel, "").flatMap { $0 }
            #expect(all.count == 20 && Set(all.map(\.position)).count > 2)
            for order in ["order=sequence", "order=position&direction=desc"] {
                let middle = try await api.pages(
                    of: channel, "\(order)&firstPosition=1&lastPosition=11&limit=3")
                #expect(
                    Set(middle.flatMap { $0 })
                        == Set(all.filter { (1...11).contains($0.position) }))
                let time = Timestamp(late).text
                let early = try await api.pages(of: channel, "\(order)&seenTo=\(time)&limit=3")
                let rest = try await api.pages(of: channel, "\(order)&seenFrom=\(time)&limit=3")
                #expect(Set(early.flatMap { $0 }).count == 10)
                #expect(Set((early + rest).flatMap { $0 }) == Set(all))
            }
            let none = try await api.pages(of: channel, "firstPosition=-5&lastPosition=-1")
            #expect(none == [[]])
        }
    }

    @Test func onlyCursorsOfThisChannelAndOrderLeadOn() async throws {
        try await TestAPI.with { api in
            let channels = try await api.test.fill(
                [.named("public"), .named("private")], clock: api.clock)
            let path = "/v1/channels/\(channels[0].text)/messages"
            let cursor = try #require(try await api.get("\(path)?limit=2").json["next"]?.text)
            #expect(try await api.get("\(path)?after=\(cursor)").status == 200)
            var wrong = [
                "", "x", "%20", "%C3%A9", String(cursor.dropLast()), cursor + "A",
                "A" + cursor.dropFirst(),
                String(repeating: "A", count: 5000), String(cursor.reversed()),
            ].map { "\(path)?after=\($0)" }
            wrong.append("\(path)?order=position&after=\(cursor)")
            wrong.append("/v1/channels/\(channels[1].text)/messages?after=\(cursor)")
            for target in wrong {
                let answer = try await api.get(target)
                #expect(answer.status == 400)
                #expect(answer.code == "request.cursor")
            }
        }
    }

    @Test(arguments: [
        "limit=0", "limit=1001", "limit=x", "limit=9999999999999999999999", "order=time",
        "direction=up", "from=yesterday", "to=1", "limit=1&limit=2", "form=2021-01-01T00:00:00Z",
        "limit=1000000000", "seenFrom=soon", "firstPosition=1.5", "lastPosition=1000000000000000",
        "firstPosition=-9223372036854775808", "firstPosition=5&lastPosition=4",
        "from=2021-01-01T00:00:00Z&to=2021-01-01T00:00:00Z",
        "seenFrom=2021-01-02T00:00:00Z&seenTo=2021-01-01T00:00:00Z",
    ])
    func aParameterThatIsWrongIsNamedAndNotRepeated(query: String) async throws {
        try await TestAPI.with { api in
            let unknown = ChannelNumber.random().text
            let answer = try await api.get("/v1/channels/\(unknown)/messages?\(query)")
            #expect(answer.status == 400)
            let parts = query.split(separator: "=")
            #expect(answer.text.contains(parts[0]) || answer.code == "request.unknown-parameter")
            #expect(parts[1].count < 4 || !answer.text.contains(parts[1]))
        }
    }

    @Test func aMessageThatDoesNotOpenIsNamedAndNotLeftOut() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages"
            _ = try await api.test.pool.withConnection {
                try await $0.execute(
                    """
                    update message set sealed_head = set_byte(sealed_head, 60,
                        get_byte(sealed_head, 60) # 1)
                    where channel = $1 and sequence = 7
                    """, [.int64(channel.rawValue)])
            }
            let page = try await api.get(path)
            #expect(page.status == 500)
            #expect(page.code == "archive.damaged")
            #expect(page.json["detail"]?.text?.contains("message 7") == true)
            let lines = try await api.get(path, accept: "application/x-ndjson")
            #expect(lines.status == 500)
            #expect(try await api.get("\(path)?limit=7").status == 200)
            #expect(api.logged.contains { $0.contains("message 7 of channel \(channel.text)") })
        }
    }

    @Test func aMessageThatDoesNotDecryptIsNamedAndNotLeftOut() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            let stored = try await api.archive.messages(of: channel, MessageRange(), limit: 10)
                .messages
            // Another message's root: it opens, and is no message then.
            var encoded = stored[2].head.encoded
            encoded.replaceSubrange(1..<50, with: stored[3].head.root.revealPacked())
            let period = Period(stored[2].firstSeenAt)
            let sealed = try api.test.vault.seal(
                encoded, SealedColumn.messageHead.context(channel, period, row: 2))
            _ = try await api.test.pool.withConnection {
                try await $0.execute(
                    "update message set sealed_head = $2 where channel = $1 and sequence = 2",
                    [.int64(channel.rawValue), .bytes(sealed)])
            }
            let answer = try await api.get("/v1/channels/\(channel.text)/messages")
            #expect(answer.status == 500)
            #expect(answer.code == "messages.unreadable")
            #expect(answer.json["detail"]?.text?.contains("message 2") == true)
        }
    }

    @Test func aMissingSideKeyIsAnErrorToo() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "rotating", clock: api.clock)
            _ = try await api.test.pool.withConnection {
                try await $0.execute(
                    "delete from side_key where channel = $1 and number = 1",
                    [.int64(channel.rawValue)])
            }
            let answer = try await api.get("/v1/channels/\(channel.text)/messages")
            #expect(answer.status == 500)
            #expect(answer.code == "messages.side-key-gone")
        }
    }

    @Test func theBundleComesBackToTheTrit() async throws {
        let recorded = try RecordedTangle()
        try await TestAPI.with { api in
            let vector = try ChannelVector.named("edge-sizes")
            let channel = try await api.test.fill(channel: vector.name, clock: api.clock)
            let messages = try await api.pages(of: channel, "").flatMap { $0 }
            #expect(messages.count == vector.messages.count)
            for message in messages {
                let path = "/v1/channels/\(channel.text)/messages/\(message.sequence)/bundle"
                let attachments = try await api.get(path).json["attachments"]?.array ?? []
                #expect(!attachments.isEmpty)
                let transactions = attachments.first?["transactions"]?.array ?? []
                #expect(transactions.first?["hash"]?.text == message.tail.description)
                for transaction in transactions {
                    let hash = try Hash(transaction["hash"]?.text ?? "")
                    #expect(
                        transaction["trytes"]?.text
                            == recorded.transactions[hash]?.trytes.description)
                }
            }
        }
    }

    @Test(arguments: ["99", "-1", "x", "9999999999999999999999"])
    func aBundleThatIsNotThereIsNotFound(sequence: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "private", clock: api.clock)
            let answer = try await api.get(
                "/v1/channels/\(channel.text)/messages/\(sequence)/bundle")
            #expect(answer.status == 404)
            #expect(answer.code == "archive.no-such-message")
        }
    }
}

extension TestAPI {
    /// Pages until one says that there is nothing more; the last is empty.
    func pages(of channel: ChannelNumber, _ query: String, token: Token = .admin) async throws
        -> [[MessageDocument]]
    {
        struct Page: Decodable {
            let messages: [MessageDocument]
            let next: String?
        }
        var pages: [[MessageDocument]] = []
        var cursor = ""
        while pages.count < 1000 {
            let answer = try await get(
                "/v1/channels/\(channel.text)/messages?\(query)\(cursor)", token: token)
            #expect(answer.status == 200, "\(answer.text)")
            let page = try answer.decoded(Page.self)
            pages.append(page.messages)
            guard let next = page.next else { return pages }
            cursor = "&after=\(next)"
        }
        Issue.record("the pages do not end")
        return pages
    }
}
