import Archive
import ArchiveTestSupport
import Diagnostics
import Erasure
import Foundation
import HTTPServer
import Metering
import Postgres
import QueryAPI
import Synchronization
import TestSupport
import Testing
import Vault

/// `GET /v1/channels/{id}/readings`: what the vectors' meter tells, a telegram every ten seconds.
@Suite struct EnergyTests {
    private static let range = "from=2018-06-01T00:00:00Z&to=2018-06-01T00:15:00Z"
    private static let greenButton = "application/atom+xml"

    private func path(_ channel: ChannelNumber, _ query: String = "") -> String {
        "/v1/channels/\(channel.text)/readings?\(Self.range)\(query)"
    }

    @Test func aQuarterIsWhatItsTelegramsAddUpTo() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let answer = try await api.get(path(channel))
            #expect(answer.status == 200)
            #expect(answer.headers["Content-Type"] == "application/json")
            #expect(answer.headers["Cache-Control"] == "no-store")
            let json = answer.json
            #expect(json["resolution"]?.text == "15m")
            #expect(json["timeZone"]?.text == "Europe/Amsterdam")
            #expect(json["gapSeconds"]?.number == 60)
            #expect(json["messages"]?["read"]?.number == 24)
            #expect(json["messages"]?["readings"]?.number == 24)
            #expect(json["messages"]?["damaged"]?.number == 0)
            let buckets = try #require(json["buckets"]?.array)
            #expect(buckets.count == 1)
            let bucket = try #require(buckets.first)
            // From 0:03:00 to 0:06:50, 2 Wh each ten seconds.
            #expect(bucket["quality"]?.text == "partial")
            #expect(bucket["readings"]?.number == 24)
            #expect(bucket["coveredSeconds"]?.number == 230)
            #expect(bucket["imported"]?["tariff1"]?.number == 0.046)
            #expect(bucket["imported"]?["tariff2"]?.number == 0)
            #expect(bucket["exported"]?["total"]?.number == 0)
            #expect(bucket["power"]?["imported"]?["least"]?.number == 0.694)
            #expect(bucket["voltage"]?["l1"]?["mean"]?.number == 230.4)
        }
    }

    /// No more than the consented window, in each resolution.
    @Test func aReadersWindowHoldsForReadingsToo() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let token = try await api.archive.createToken(.reader, now: api.clock.now)
            let reader = Token.text(token.text)
            #expect(try await api.get(path(channel), token: reader).status == 404)
            _ = try await api.archive.addGrant(
                NewGrant(
                    token: token.record.id, channel: channel, purpose: "advice",
                    window: GrantWindow(firstPosition: 4, lastPosition: 9)), now: api.clock.now)
            for (resolution, count) in [("raw", nil), ("15m", 6), ("1h", 6)] as [(String, Double?)]
            {
                let answer = try await api.get(
                    path(channel, "&resolution=\(resolution)"), token: reader)
                #expect(answer.status == 200)
                #expect(answer.json["messages"]?["read"]?.number == 6)
                guard let count else {
                    let readings = try #require(answer.json["readings"]?.array)
                    #expect(readings.map { $0["time"]?.text } == Self.times(4...9))
                    continue
                }
                let buckets = try #require(answer.json["buckets"]?.array)
                #expect(buckets.compactMap { $0["readings"]?.number }.reduce(0, +) == count)
            }
        }
    }

    /// Of the vector's telegrams, ten seconds apart.
    private static func times(_ numbers: ClosedRange<Int>) -> [String] {
        numbers.map { number in
            let seconds = 180 + 10 * number
            return String(format: "2018-06-01T00:%02d:%02d.000Z", seconds / 60, seconds % 60)
        }
    }

    @Test func eachReadingByItself() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let json = try await api.get(path(channel, "&resolution=raw")).json
            let readings = try #require(json["readings"]?.array)
            #expect(readings.count == 24)
            #expect(readings.first?["time"]?.text == "2018-06-01T00:03:00.000Z")
            #expect(readings.first?["imported"]?["tariff1"]?.number == 1234.569)
            #expect(readings.first?["power"]?["imported"]?.number == 0.694)
            #expect(readings.first?["gas"]?["volume"]?.number == 98.765)
            #expect(readings.first?["checksum"]?.bool == true)
            let some = try await api.get(
                "/v1/channels/\(channel.text)/readings?resolution=raw"
                    + "&from=2018-06-01T00:03:10Z&to=2018-06-01T00:03:30Z"
            ).json
            #expect(some["readings"]?.array?.count == 2)
            #expect(some["messages"]?["outside"]?.number == 22)
        }
    }

    @Test func asATable() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            for (resolution, count) in [("15m", 1), ("1h", 1), ("1d", 1), ("raw", 24)] {
                let answer = try await api.get(
                    path(channel, "&resolution=\(resolution)"), accept: "text/csv")
                #expect(answer.headers["Content-Type"] == "text/csv")
                // A line's end is one character.
                let lines = answer.text.split(separator: "\r\n")
                #expect(lines.count == count + 1)
                let columns = Set(
                    lines.map { $0.split(separator: ",", omittingEmptySubsequences: false).count })
                #expect(columns.count == 1, "\(resolution)")
                #expect(lines.last?.contains(",0.046,") == (resolution != "raw"))
            }
            let day = try await api.get(path(channel, "&resolution=1d"), accept: "text/csv").text
            #expect(day.contains("2018-05-31T22:00:00.000Z,2018-06-01T22:00:00.000Z,partial,24,"))
        }
    }

    @Test func asGreenButton() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let answer = try await api.get(path(channel), accept: Self.greenButton)
            #expect(answer.status == 200)
            let feed = Feed(answer.body)
            #expect(feed.isWellFormed)
            #expect(feed.count("UsagePoint") == 2)
            // Two tariffs each way, and gas, of which nothing was used.
            #expect(feed.count("MeterReading") == 5)
            #expect(feed.count("ReadingType") == 5)
            #expect(feed.count("IntervalReading") == 5)
            #expect(feed.texts("value") == ["46", "0", "0", "0", "0"])
            #expect(feed.texts("kind") == ["0", "12", "12", "12", "12", "1", "58"])
            #expect(Set(feed.texts("quality")) == ["10"])
            #expect(feed.texts("uom") == ["72", "72", "72", "72", "42"])
            #expect(feed.texts("id").count == Set(feed.texts("id")).count)
            let again = try await api.get(path(channel), accept: Self.greenButton)
            #expect(Feed(again.body).texts("id") == feed.texts("id"))
            let raw = try await api.get(
                path(channel, "&resolution=raw"), accept: Self.greenButton)
            #expect(raw.status == 400)
            #expect(raw.code == "request.parameter")
        }
    }

    @Test func whatIsNotAskedForProperlyIsToldSo() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let readings = "/v1/channels/\(channel.text)/readings"
            for query in [
                "", "?from=2018-06-01T00:00:00Z", "?to=2018-06-01T00:00:00Z",
                "?from=2018-06-01T00:00:00Z&to=2018-06-01T00:00:00Z",
                "?from=2018-06-02T00:00:00Z&to=2018-06-01T00:00:00Z",
                "?from=yesterday&to=2018-06-01T00:00:00Z",
                // A billion seconds, and ten thousand days of quarters.
                "?from=2001-01-01T00:00:00Z&to=2032-09-09T01:46:40Z&resolution=1d",
                "?from=2001-01-01T00:00:00Z&to=2009-01-01T00:00:00Z",
                "?from=1970-01-01T00:00:00Z&to=1970-01-02T00:00:00Z",
                "?from=9999-01-01T00:00:00Z&to=9999-01-02T00:00:00Z",
                "?\(Self.range)&resolution=1s", "?\(Self.range)&resolution=",
                "?\(Self.range)&timeZone=Mars/Olympus", "?\(Self.range)&timeZone=",
                "?\(Self.range)&timeZone=../../etc/passwd", "?\(Self.range)&timeZone=GMT%2B1",
                "?\(Self.range)&limit=5", "?\(Self.range)&from=2018-06-01T00:00:00Z",
            ] {
                let answer = try await api.get(readings + query)
                #expect(answer.status == 400, "\(query)")
            }
            #expect(try await api.get(path(channel), accept: "image/png").status == 406)
            #expect(try await api.get(path(channel), token: .none).status == 401)
        }
    }

    @Test(arguments: [
        ("{\"type\":\"DATA\",\"x\":" + String(repeating: "[", count: 5000), "tooDeep"),
        (#"{"type":"DATA","raw":"/","raw":"/"}"#, "ambiguous"),
        (#"{"type":"DATA","raw":"\ud800"}"#, "notJSON"), ("", "notJSON"),
        (#"{"type":"DATA","raw":"9C35\r\n/ISK"}"#, "cut"),
        (#"{"type":"KEY_ROTATION"}"#, "otherMessage"),
    ])
    func messagesThatAreNoTelegramsAreCounted(text: String, name: String) async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(text: text, clock: api.clock)
            let json = try await api.get(
                "/v1/channels/\(channel.text)/readings"
                    + "?from=2023-11-14T22:00:00Z&to=2023-11-14T23:00:00Z"
            ).json
            #expect(json["messages"]?[name]?.number == 1)
            let qualities = json["buckets"]?.array?.compactMap { $0["quality"]?.text }
            #expect(qualities == ["gap", "gap", "gap", "gap"])
        }
    }

    @Test func readingsAreRecordedAsReadAndForgottenOnesAreNotTold() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            let reader = try await api.reader(channel)
            #expect(try await api.get(path(channel), token: .text(reader)).status == 200)
            try await api.archive.audit.flush()
            let readers = try await api.get("/v1/channels/\(channel.text)/readers").json
            let read = readers["readers"]?.array?.compactMap { $0["messages"]?.number } ?? []
            #expect(read.contains(24))
            try await api.restrict(channel)
            #expect(try await api.get(path(channel)).status == 409)
        }
    }

    @Test func anAnswerIsCutWhenTheChannelIsForgottenMeanwhile() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            for accept in ["application/json", "text/csv", Self.greenButton] {
                let response = try await api.respond(
                    "GET", path(channel), headers: ["Accept": accept])
                guard case .stream(let write) = response.body else {
                    Issue.record("no stream")
                    return
                }
                let isLast = accept == Self.greenButton
                let reader = InterruptedReader {
                    guard isLast else { return try await api.restrict(channel) }
                    let request = try await api.archive.receiveForgetRequest(
                        .channel(channel), reason: nil, now: api.clock.now)
                    _ = try await Eraser(archive: api.archive, log: .silent).execute(request.id)
                }
                await #expect(throws: (any Error).self) { try await write(reader) }
                if !isLast { try await api.release(channel) }
            }
            #expect(try await api.get(path(channel)).status == 404)
        }
    }

    @Test func aTokenHasSomeAnswersAtOnce() async throws {
        try await TestAPI.with { api in
            let channel = try await api.test.fill(channel: "meter", clock: api.clock)
            var held: [HTTPResponse] = []
            for _ in 0..<4 { held.append(try await api.respond("GET", path(channel))) }
            #expect(held.allSatisfy { $0.status == 200 })
            let refused = try await api.get(path(channel))
            #expect(refused.status == 429)
            #expect(refused.headers["Retry-After"] != nil)
            let other = try await api.reader(channel)
            #expect(try await api.get(path(channel), token: .text(other)).status == 200)
            held.removeAll()
            #expect(try await api.get(path(channel)).status == 200)
        }
    }
}

extension TestAPI {
    fileprivate func release(_ channel: ChannelNumber) async throws {
        _ = try await test.pool.withConnection {
            try await $0.execute(
                "update channel set state = 'following', epoch = epoch + 1 where id = $1",
                [.int64(channel.rawValue)])
        }
    }
}

/// Does something when the first bytes come, and then takes its time, as a slow reader.
private final class InterruptedReader: HTTPBodyWriter {
    private let act: @Sendable () async throws -> Void
    private let hasActed = Mutex(false)

    init(_ act: @escaping @Sendable () async throws -> Void) { self.act = act }

    func write(_ bytes: [UInt8]) async throws {
        let isFirst = hasActed.withLock { hasActed in
            defer { hasActed = true }
            return !hasActed
        }
        guard isFirst else { return try await Task.sleep(for: .seconds(60)) }
        // In a task of its own: the stream's is cancelled while the forget goes on.
        try await Task { try await act() }.value
    }
}

/// The elements of an XML document and their texts.
private struct Feed {
    private(set) var isWellFormed = true
    private var counts: [String: Int] = [:]
    private var found: [String: [String]] = [:]

    /// Reads the plain XML that is written here: elements, attributes in quotes, texts.
    init(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        var open: [(name: String, text: String)] = []
        var isFirst = true
        for part in text.split(separator: "<", omittingEmptySubsequences: true) {
            guard let end = part.firstIndex(of: ">") else {
                isWellFormed = false
                return
            }
            let tag = part[..<end]
            let rest = String(part[part.index(after: end)...])
            if tag.hasPrefix("?") {
                isWellFormed = isWellFormed && isFirst
            } else if tag.hasPrefix("/") {
                guard let last = open.popLast(), last.name == tag.dropFirst() else {
                    isWellFormed = false
                    return
                }
                found[last.name, default: []].append(last.text)
            } else {
                let name = String(tag.prefix { $0 != " " && $0 != "/" })
                counts[name, default: 0] += 1
                if !tag.hasSuffix("/") { open.append((name, rest)) }
            }
            isFirst = false
        }
        isWellFormed = isWellFormed && open.isEmpty && !counts.isEmpty
    }

    func count(_ name: String) -> Int { counts[name] ?? 0 }
    func texts(_ name: String) -> [String] { found[name] ?? [] }
}
