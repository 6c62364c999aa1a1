import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import Postgres
import QueryAPI
import TestSupport
import Testing
import Vault

/// `ETag` and `If-None-Match`.
@Suite struct EntityTagTests {
    @Test(arguments: ["application/json", "application/x-ndjson", "text/csv"])
    func whatHasNotChangedIsNotSentAgain(accept: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages?limit=5"
            let first = try await api.get(path, accept: accept)
            let tag = try #require(first.headers["ETag"])
            #expect(tag.hasPrefix("W/\""))
            for named in [tag, "*", "\"x\", \(tag)", String(tag.dropFirst(2))] {
                let again = try await api.get(path, accept: accept, unless: named)
                #expect(again.status == 304)
                #expect(again.body.isEmpty)
                #expect(again.headers["ETag"] == tag)
                #expect(again.headers.values("Vary") == ["Accept", "Accept-Encoding"])
            }
            let others = [
                "\(path)&direction=desc", "\(path)&order=position", "\(path)0",
                "\(path)&firstPosition=1", "\(path)&seenFrom=2020-01-01T00:00:00Z",
            ]
            for other in others {
                #expect(try await api.get(other, accept: accept, unless: tag).status == 200)
            }
            for named in ["\"x\"", "", "W/", "\(tag.dropLast())A\""] {
                #expect(try await api.get(path, accept: accept, unless: named).status == 200)
            }
        }
    }

    @Test func aTagIsOfAFormatAndStaysWithGzip() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages?limit=5"
            var tags: Set<String> = []
            for accept in ["application/json", "application/x-ndjson", "text/csv"] {
                let plain = try await api.get(path, accept: accept)
                let packed = try await api.call(
                    "GET", path, headers: ["Accept": accept, "Accept-Encoding": "gzip"])
                #expect(packed.headers["Content-Encoding"] == "gzip")
                let (bytes, isWhole) = try Gzip.decompressed(packed.body)
                #expect(isWhole)
                #expect(accept == "application/json" || bytes == plain.body)
                #expect(packed.headers["ETag"] == plain.headers["ETag"])
                tags.insert(try #require(plain.headers["ETag"]))
            }
            #expect(tags.count == 3)
            let all = try await api.get(
                "/v1/channels/\(channel.text)/messages", accept: "text/csv")
            #expect(all.headers["ETag"] == nil)
        }
    }

    /// A page with others behind it is history; the last one is not.
    @Test func newMessagesChangeTheLastPageAlone() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages"
            let targets = ["\(path)?limit=5", "\(path)?limit=50", "\(path)?direction=desc&limit=5"]
            var tags: [String] = []
            for target in targets {
                tags.append(try #require(try await api.get(target).headers["ETag"]))
            }
            try await api.test.multiply(channel, to: 12)
            var statuses: [Int] = []
            for (target, tag) in zip(targets, tags) {
                statuses.append(try await api.get(target, unless: tag).status)
            }
            #expect(statuses == [304, 200, 200])
        }
    }

    @Test(arguments: [
        "confirmed = not confirmed", "attachments = attachments + 1", "conflict = not conflict",
        "milestone = 7",
    ])
    func aMarkThatChangesChangesTheTag(change: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages?limit=4"
            let tag = try #require(try await api.get(path).headers["ETag"])
            for (sequence, status) in [(8, 304), (3, 200)] {
                _ = try await api.test.pool.withConnection {
                    try await $0.execute(
                        "update message set \(change) where channel = $1 and sequence = $2",
                        [.int64(channel.rawValue), .int64(Int64(sequence))])
                }
                #expect(try await api.get(path, unless: tag).status == status)
            }
        }
    }

    @Test func aRangeOfClaimedTimesHasATagToo() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let times = try await api.pages(of: channel, "").flatMap { $0 }
                .compactMap { $0.claimedAt?.date }.sorted()
            #expect(times.count > 4)
            let path =
                "/v1/channels/\(channel.text)/messages?limit=1000&from="
                + Timestamp(times[1]).text + "&to=" + Timestamp(times[times.count - 2]).text
            let answer = try await api.get(path, accept: "text/csv")
            let tag = try #require(answer.headers["ETag"])
            #expect(try await api.get(path, accept: "text/csv", unless: tag).status == 304)
            try await api.test.multiply(channel, to: 500)
            // Whose claims are of no time.
            #expect(try await api.get(path, accept: "text/csv", unless: tag).status == 304)
        }
    }

    @Test func afterAForgetNothingIsAsItWas() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            let path = "/v1/channels/\(channel.text)/messages?limit=5"
            let tag = try #require(try await api.get(path).headers["ETag"])
            // A part of it, and be it none of these messages.
            _ = try await api.test.pool.withConnection {
                try await $0.execute(
                    "update channel set readers_epoch = readers_epoch + 1 where id = $1",
                    [.int64(channel.rawValue)])
            }
            let later = try await api.get(path, unless: tag)
            #expect(later.status == 200)
            let newTag = try #require(later.headers["ETag"])
            #expect(newTag != tag)
            try await api.restrict(channel)
            #expect(try await api.get(path, unless: newTag).status == 409)
            let request = try await api.archive.receiveForgetRequest(
                .channel(channel), reason: nil, now: api.clock.now)
            _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
            for named in [tag, newTag, "*"] {
                #expect(try await api.get(path, unless: named).status == 404)
            }
        }
    }

    @Test func aTagIsOfWhatAReaderMayRead() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "tree-of-4", clock: api.clock)
            let (path, now) = ("/v1/channels/\(channel.text)/messages", api.clock.now)
            let whole = try #require(try await api.get(path).headers["ETag"])
            let reader = try await api.reader()
            let id = try #require(try await api.archive.tokens().first { $0.role == .reader }).id
            let grant = try await api.archive.addGrant(
                NewGrant(token: id, channel: channel, window: GrantWindow(lastPosition: 1)),
                now: now)
            let part = try await api.get(path, token: .text(reader), unless: whole)
            #expect(part.status == 200)
            let tag = try #require(part.headers["ETag"])
            #expect(try await api.get(path, token: .text(reader), unless: tag).status == 304)
            // What a limited reader does not see changes nothing for him.
            try await api.test.multiply(channel, to: 30)
            #expect(try await api.get(path, token: .text(reader), unless: tag).status == 304)
            _ = try await api.archive.revokeGrant(grant.id, now: now)
            #expect(try await api.get(path, token: .text(reader), unless: tag).status == 404)
        }
    }
}

extension TestAPI {
    fileprivate func get(
        _ target: String, token: Token = .admin, accept: String? = nil, unless tag: String
    ) async throws -> Answer {
        var headers: HTTPHeaders = ["If-None-Match": tag]
        headers["Accept"] = accept
        return try await call("GET", target, token: token, headers: headers)
    }
}
