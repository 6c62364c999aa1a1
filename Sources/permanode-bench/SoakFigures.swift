import Archive
import Assembly
import Crawler
import Diagnostics
import Erasure
import Foundation
import LocalTangle
import MAM
import NodeClient
import Postgres
import Synchronization
import Tangle
import Vault

/// Thirty days of a thousand meters in simulated time: what grows that should not. The crawler and
/// the eraser are the real ones, over HTTP and PostgreSQL; only their clock is made up.
enum SoakFigures {
    private static let meters = 1000
    private static let days = 30
    /// Messages of a meter a day.
    private static let daily = 8
    /// Channels that are forgotten each day, and as many that are new.
    private static let exchanged = 20
    /// Nodes keep what they were given for so many days.
    private static let prunedAfter = 7
    /// What is held against each other: the end of the first prune's week, and of the last whole one.
    private static let (first, last) = (7, 28)

    private final class SimulatedClock: Sendable {
        private let time = Mutex(Date(timeIntervalSince1970: 1_798_761_600))

        var now: Date { time.withLock { $0 } }

        func advance(_ seconds: TimeInterval) {
            time.withLock { $0 = $0.addingTimeInterval(seconds) }
        }
    }

    /// At the end of a day.
    private struct Sample {
        let memory: Double
        let files: Double
        let bytesPerMessage: Double
        /// Bytes of the tables whose rows come and go, and their dead rows.
        let standing: Double
        let dead: Double
        let seconds: Double
        let processor: Double
    }

    static func measure(on archive: Archive) async throws -> [Figure] {
        let ledger = Ledger(capacity: meters * daily * (prunedAfter + 1) * 3)
        let tangle = try LocalTangleServer(node: LocalNode(ledger: ledger))
        let clock = SimulatedClock()
        let crawler = CrawlService(
            archive: archive,
            source: NodeTangleSource(try NodePool(endpoints: [NodeEndpoint(tangle.url)])),
            owner: "bench", clock: { clock.now }, log: Log(minimum: .error),
            instruments: try CrawlInstruments(Metrics()))
        let eraser = Eraser(archive: archive, clock: { clock.now }, log: Log(minimum: .error))
        var fleet: [(channel: ChannelNumber, meter: Meter)] = []
        var made = 0
        func register() async throws {
            let meter = try Meter(made)
            made += 1
            fleet.append((try await archive.register(meter.registration, now: clock.now), meter))
        }
        let result: Result<[Figure], any Error>
        do {
            for _ in 0..<meters { try await register() }
            var samples: [Sample] = []
            var messages = 0
            note(
                "day  MiB resident  files  bytes/message  MiB standing  dead rows  seconds  of them CPU"
            )
            for day in 1...days {
                let (start, processor) = (ContinuousClock.now, Timing.processSeconds)
                for _ in 0..<daily {
                    try await publish(&fleet, on: ledger, at: clock.now)
                    clock.advance(86_400 / Double(daily))
                    messages += try await crawler.crawlUntilIdle().messages
                }
                for _ in 0..<exchanged {
                    let leaver = fleet.removeFirst()
                    let request = try await archive.receiveForgetRequest(
                        .channel(leaver.channel), reason: nil, now: clock.now)
                    try await archive.hasten(request, now: clock.now)
                    _ = try await eraser.execute(request.id)
                    try await register()
                }
                try await eraser.complete()
                if day.isMultiple(of: prunedAfter) { ledger.prune() }
                let sample = try await sample(
                    archive, seconds: (ContinuousClock.now - start) / .seconds(1),
                    processor: Timing.processSeconds - processor)
                samples.append(sample)
                note(line(day, sample))
            }
            guard messages == meters * daily * days else {
                throw BenchError("\(messages) of \(meters * daily * days) messages were taken in")
            }
            result = .success(figures(samples))
        } catch {
            result = .failure(error)
        }
        await tangle.shutdown()
        return try result.get()
    }

    /// A message of each.
    private static func publish(
        _ fleet: inout [(channel: ChannelNumber, meter: Meter)], on ledger: Ledger, at time: Date
    ) async throws {
        let parts = 8
        let size = (fleet.count + parts - 1) / parts
        let seconds = Int64(time.timeIntervalSince1970)
        let written = try await withThrowingTaskGroup(
            of: (Int, [(ChannelNumber, Meter)], [Transaction]).self
        ) { group in
            for part in 0..<parts {
                let some = fleet[
                    min(part * size, fleet.count)..<min((part + 1) * size, fleet.count)]
                group.addTask {
                    var written: [(ChannelNumber, Meter)] = []
                    var transactions: [Transaction] = []
                    for (channel, meter) in some {
                        var meter = meter
                        transactions += try meter.message("1-0:1.8.1(\(seconds)*kWh)", at: seconds)
                        written.append((channel, meter))
                    }
                    return (part, written, transactions)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }.sorted { $0.0 < $1.0 }
        fleet = written.flatMap { $0.1.map { (channel: $0.0, meter: $0.1) } }
        for part in written { try ledger.store(part.2) }
    }

    private static func sample(
        _ archive: Archive, seconds: Double, processor: Double
    ) async throws -> Sample {
        let row = try await archive.pool.withConnection {
            try await $0.query(
                """
                select (select count(*) from message)::bigint as messages,
                    (select sum(pg_total_relation_size(c)) from
                        unnest(array['message', 'attachment']::regclass[]) c)::bigint as growing,
                    (select sum(pg_total_relation_size(c)) from unnest(array[
                        'channel', 'tree', 'candidate', 'side_key', 'channel_subject']::regclass[]) c
                    )::bigint as standing,
                    (select sum(n_dead_tup) from pg_stat_user_tables)::bigint as dead
                """)
        }
        guard let row = row.first else { throw BenchError("the database does not tell its size") }
        let resident =
            try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
            .split(separator: " ")[1]
        return Sample(
            memory: (Double(resident) ?? 0) * Double(sysconf(Int32(_SC_PAGESIZE))),
            files: Double(
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count),
            bytesPerMessage: Double(try row.int64("growing"))
                / max(1, Double(try row.int64("messages"))),
            standing: Double(try row.int64("standing")), dead: Double(try row.int64("dead")),
            seconds: seconds, processor: processor)
    }

    private static func line(_ day: Int, _ sample: Sample) -> String {
        String(
            format: "%3d  %12.0f  %5.0f  %13.0f  %12.1f  %9.0f  %7.1f  %11.1f", day,
            sample.memory / 1_048_576, sample.files, sample.bytesPerMessage,
            sample.standing / 1_048_576, sample.dead, sample.seconds,
            sample.processor)
    }

    private static func figures(_ samples: [Sample]) -> [Figure] {
        func figure(_ name: String, _ unit: String, _ value: (Sample) -> Double) -> Figure {
            Figure(
                "\(name), day \(last)", value(samples[last - 1]), unit,
                comparedWith: ("day \(first)", value(samples[first - 1])))
        }
        return [
            figure("memory of \(meters) meters with node and crawler", "MiB") {
                $0.memory / 1_048_576
            },
            figure("open files", "") { $0.files },
            figure("tables that grow", "bytes a message") { $0.bytesPerMessage },
            figure("tables that do not", "MiB") { $0.standing / 1_048_576 },
            figure("processor time", "s a day") { $0.processor },
        ]
    }
}
