import Archive
import Assembly
import Diagnostics
import Foundation
import HTTPServer
import Metering
import QueryAPI
import Synchronization
import Vault

/// What a meter tells, read out of its messages.
enum EnergyFigures {
    /// Of the year; `PERMANODE_BENCH_DAYS` takes fewer for a quicker look.
    private static let days =
        ProcessInfo.processInfo.environment["PERMANODE_BENCH_DAYS"].flatMap(Int.init) ?? 365
    private static let answerLimit = 64 << 20

    /// Without an archive.
    static func parsing() throws -> [Figure] {
        let messages = try (0..<1000).map { Array(try MeteredChannel.text($0).utf8) }
        var reader = MeterMessageReader()
        var readings: [Reading] = []
        var tally = MessageTally()
        let parsed = try Timing.seconds {
            readings.removeAll(keepingCapacity: true)
            for message in messages { reader.read(message, into: &readings, &tally) }
            guard readings.count == messages.count else {
                throw BenchError("\(readings.count) telegrams were read")
            }
        }
        let decoded = try Timing.seconds(rounds: 5) {
            for message in messages {
                _ = try JSONSerialization.jsonObject(with: Data(message))
            }
        }
        let micro = 1e6 / Double(messages.count)
        return [
            Figure(
                "a telegram in its message, \(messages[0].count) bytes", parsed * micro, "µs",
                comparedWith: ("Foundation's JSON decoding of the message", decoded * micro))
        ]
    }

    static func measure(_ archive: Archive, withYear: Bool) async throws -> [Figure] {
        let meter = try await MeteredChannel.make(in: archive)
        try await meter.fill(days: 0..<1, in: archive)
        let figures = try await day(meter, archive)
        guard withYear else { return figures }
        try await meter.fill(days: 1..<days, in: archive)
        return try await figures + year(meter, archive)
    }

    /// A day over HTTP, one reader.
    private static func day(
        _ meter: MeteredChannel, _ archive: Archive
    ) async throws -> [Figure] {
        let token = try await archive.createToken(.admin, now: Date()).text
        let api = try QueryAPI(archive: archive, metrics: Metrics(), log: Log(minimum: .warning))
        let server = try HTTPServer(configuration: HTTPServerConfiguration()) {
            await api.respond(to: $0)
        }
        let client = LoopbackClient(port: server.port, answerLimit: answerLimit)
        let result: Result<[Figure], any Error>
        do {
            let quarters = try await seconds("15m", meter, client, token)
            let single = try await seconds("raw", meter, client, token)
            let messages = "/v1/channels/\(meter.number.text)/messages"
            func stream(_ type: String, as coding: String? = nil) async throws -> Double {
                try await Timing.seconds(ofLong: {
                    let counter = try await LineCounter.count(
                        messages, port: client.port, token: token, accept: type, coding: coding)
                    // A text in a cell of CSV may have lines, and compressed bytes may be any.
                    guard coding != nil || counter.lines >= MeteredChannel.messagesADay else {
                        throw BenchError("\(counter.lines) messages were read")
                    }
                    note("\(type) \(coding ?? ""): \(counter.bytes) bytes")
                })
            }
            let lines = try await stream("application/x-ndjson")
            let table = try await stream("text/csv")
            let packed = try await stream("application/x-ndjson", as: "gzip")
            let comparison = ("the same messages as NDJSON", lines)
            result = .success([
                Figure(
                    "a day of \(MeteredChannel.messagesADay) telegrams in quarters", quarters, "s",
                    comparedWith: comparison),
                Figure("its readings one by one", single, "s", comparedWith: comparison),
                Figure("its messages as CSV", table, "s", comparedWith: comparison),
                Figure("its messages as NDJSON, with gzip", packed, "s", comparedWith: comparison),
            ])
        } catch {
            result = .failure(error)
        }
        await server.shutdown(grace: .seconds(1))
        return try result.get()
    }

    private static func seconds(
        _ resolution: String, _ meter: MeteredChannel, _ client: LoopbackClient, _ token: String
    ) async throws -> Double {
        let target =
            "/v1/channels/\(meter.number.text)/readings?resolution=\(resolution)"
            + "&from=2021-03-13T23:00:00Z&to=2021-03-14T23:00:00Z"
        return try await Timing.seconds(ofLong: {
            let answer = try await client.request("GET", target, token: token)
            let text = String(decoding: answer.body, as: UTF8.self)
            guard answer.status == 200,
                text.contains("\"readings\":\(MeteredChannel.messagesADay),")
            else { throw BenchError("status \(answer.status): \(text.suffix(200))") }
        })
    }

    /// A year, all of it read, decrypted, parsed and added up, with progress. It is one day over
    /// and over, so of each moment all but one are dropped when they are added up.
    private static func year(
        _ meter: MeteredChannel, _ archive: Archive
    ) async throws -> [Figure] {
        let messages = days * MeteredChannel.messagesADay
        let start = Date(timeIntervalSince1970: Double(MeteredChannel.start))
        let query = try ReadingsQuery(
            from: start, to: start.addingTimeInterval(Double(days) * 86400), .quarter,
            timeZone: nil)
        // Once to fill PostgreSQL's cache.
        for isMeasured in [false, true] {
            let processor = Timing.processSeconds
            let began = ContinuousClock.now
            let count = try await read(meter, query, archive)
            let seconds = (ContinuousClock.now - began) / .seconds(1)
            guard count == messages else { throw BenchError("\(count) messages were read") }
            noteShare("\(days) days", seconds, Timing.processSeconds - processor)
            guard isMeasured else { continue }
            return [
                Figure(
                    "\(days) days of \(messages) telegrams in quarters", Double(messages) / seconds,
                    "telegrams/s")
            ]
        }
        return []
    }

    private static func read(
        _ meter: MeteredChannel, _ query: ReadingsQuery, _ archive: Archive
    ) async throws -> Int {
        let channel = try await archive.channel(meter.number)
        let writer = ReadingsWriter(
            ReadingsHead(channel: meter.number, grid: query.grid, time: Date()), .json)
        var readings = ChannelReadings(archive: archive, channel: channel, query: query)
        var count = 0
        let bytes = Mutex(0)
        try await writer.write {
            let batch = try await readings.next()
            let before = count
            count += batch?.tally.messages ?? 0
            if count / 500_000 > before / 500_000 { note("\(count) messages are read") }
            return batch
        } to: { part in
            bytes.withLock { $0 += part.count }
        }
        note("\(bytes.withLock { $0 }) bytes of buckets")
        return count
    }
}
