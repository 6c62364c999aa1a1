import Archive
import Assembly
import Crawler
import Diagnostics
import Foundation
import LocalTangle
import MAM
import Postgres
import Tangle
import Ternary
import Vault

/// `permanode import`: dumps read, every hash recomputed, what is looked for indexed and taken in.
enum ImportFigures {
    /// Transactions of the plain dump, unless `PERMANODE_BENCH_TRANSACTIONS` says how many.
    private static let usualCount = 300_000
    /// Of packed ones, which take long to make.
    private static let packedCount = 50_000

    static func measure(on server: PostgresConfiguration) async throws -> [Figure] {
        let setting = ProcessInfo.processInfo.environment["PERMANODE_BENCH_TRANSACTIONS"]
        let count = setting.flatMap(Int.init) ?? usualCount
        return try await BenchArchive.with(on: server) { archive in
            let folder = FileManager.default.temporaryDirectory
                .appendingPathComponent("permanode-bench-dump-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: false)
            defer { try? FileManager.default.removeItem(at: folder) }
            return try await measure(archive, count: count, in: folder)
        }
    }

    private static func measure(
        _ archive: Archive, count: Int, in folder: URL
    ) async throws -> [Figure] {
        let published = try await PublishedChannels.publish(on: Ledger())
        for channel in published.channels {
            _ = try await archive.register(
                ChannelRegistration(
                    root: channel.root, mode: .restricted, sideKey: channel.sideKey),
                now: Date())
        }
        let wanted = published.channels.flatMap(\.transactions)
        let hashing = try hashingRate()
        var figures: [Figure] = []
        for name in ["dump.gz", "dump.xz"] {
            let generator = DumpGenerator(count: packedCount, wanted: wanted, seed: 2)
            let path = folder.appendingPathComponent(name).path
            _ = try await generator.write(to: path)
            let seconds = try await read(path, generator, index: nil).seconds
            figures.append(
                Figure(
                    "read from \(name.suffix(2)), hashed and indexed, \(packedCount)",
                    Double(packedCount) / seconds, "transactions/s",
                    comparedWith: ("hashing alone, one core", hashing)))
            try FileManager.default.removeItem(atPath: path)
        }
        return figures
            + (try await plain(archive, published, count: count, hashing: hashing, in: folder))
    }

    private static func plain(
        _ archive: Archive, _ published: PublishedChannels, count: Int, hashing: Double,
        in folder: URL
    ) async throws -> [Figure] {
        let wanted = published.channels.flatMap(\.transactions)
        let generator = DumpGenerator(count: count, wanted: wanted, seed: 1)
        let path = folder.appendingPathComponent("dump").path
        let begun = ContinuousClock.now
        let bytes = try await generator.write(to: path)
        let made = (ContinuousClock.now - begun) / .seconds(1)
        note(
            String(
                format: "a dump of %d lines, %.1f GB, made in %.0f s",
                count, Double(bytes) / 1e9, made))
        let index = folder.appendingPathComponent("index").path
        PeakMemory.reset()
        let (source, seconds) = try await read(path, generator, index: index)
        let crawler = try CrawlService.importing(
            source, into: Instance(archive: archive), metrics: Metrics(),
            log: Log(minimum: .warning))
        let crawlStart = ContinuousClock.now
        let summary = try await crawler.crawlUntilIdle()
        let crawled = (ContinuousClock.now - crawlStart) / .seconds(1)
        let peak = PeakMemory.megabytes
        try await check(archive, published, summary.messages)
        let indexBytes = try FileManager.default.contentsOfDirectory(atPath: index).reduce(0) {
            let file = try FileManager.default.attributesOfItem(atPath: index + "/" + $1)
            return $0 + ((file[.size] as? Int) ?? 0)
        }
        return [
            Figure(
                "read, hashed and indexed, \(count)", Double(count) / seconds, "transactions/s",
                comparedWith: ("hashing alone, one core", hashing)),
            Figure("made, such a dump", Double(count) / made, "transactions/s"),
            Figure(
                "taken in from it, \(PublishedChannels.channelCount) channels",
                Double(summary.messages) / crawled, "messages/s"),
            Figure("memory at most", peak, "MB"),
            Figure(
                "index", Double(indexBytes) / Double(source.report.indexed),
                "bytes a transaction in it"),
        ]
    }

    private static func read(
        _ path: String, _ generator: DumpGenerator, index: String?
    ) async throws -> (source: DumpTangleSource, seconds: Double) {
        let (start, processor) = (ContinuousClock.now, Timing.processSeconds)
        let source = try await DumpTangleSource(paths: [path], index: index)
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        noteShare("reading", seconds, Timing.processSeconds - processor)
        let report = source.report
        guard report.transactions == generator.count, report.faults.isEmpty,
            report.rejected == ["wrong-hash": generator.faults]
        else { throw BenchError("\(report.transactions) transactions, \(report.rejected)") }
        return (source, seconds)
    }

    /// Each channel has just the messages that were published, and each of them can be verified.
    private static func check(
        _ archive: Archive, _ published: PublishedChannels, _ messages: Int
    ) async throws {
        guard messages == PublishedChannels.messageCount else {
            throw BenchError("\(messages) messages were taken in")
        }
        let report = try await ArchiveVerifier(archive: archive).verify(channel: nil) { _ in }
        guard report.faults == 0, report.messages == messages else {
            throw BenchError("\(report.messages) messages, \(report.faults) faults")
        }
        var tails: Set<Hash> = []
        var last: ChannelNumber?
        while true {
            let channels = try await archive.channels(after: last)
            guard let next = channels.last?.id else { break }
            last = next
            for channel in channels {
                let stored = try await archive.messages(
                    of: channel.id, MessageRange(), limit: Archive.messageBatchLimit
                ).messages
                for message in stored { tails.insert(message.head.tail) }
            }
        }
        let transactions = published.channels.flatMap(\.transactions)
        let wanted = zip(transactions, TransactionHashing.hashes(of: transactions))
            .filter { $0.0.currentIndex == 0 }.map(\.1)
        guard tails == Set(wanted), wanted.count == messages else {
            throw BenchError("other messages than those that were published")
        }
    }

    private static func hashingRate() throws -> Double {
        var random = FastRandom(seed: 3)
        var rows: [UInt8] = []
        random.append(512 * Transaction.tryteCount, to: &rows)
        return 512 / Timing.seconds { _ = TransactionHashing.hashes(ofRows: rows) }
    }

    /// Makes a dump for trying out, and beside it the channels that are in it.
    static func makeDump(_ path: String, count: Int) async throws {
        struct Channel: Encodable { let root: String, sideKey: String, mode: String, messages: Int }
        let published = try await PublishedChannels.publish(on: Ledger())
        let wanted = published.channels.flatMap(\.transactions)
        let generator = DumpGenerator(count: count, wanted: wanted, seed: 1)
        _ = try await generator.write(to: path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var text = Data()
        for channel in published.channels {
            text += try encoder.encode(
                Channel(
                    root: channel.root.revealHash().description,
                    sideKey: channel.sideKey.revealTrytes().description, mode: "restricted",
                    messages: PublishedChannels.messagesEach))
            text += Data("\n".utf8)
        }
        try text.write(to: URL(fileURLWithPath: path + ".channels"))
    }
}

/// The most memory that the process had at once, as Linux counts it.
enum PeakMemory {
    /// Begins to count anew.
    static func reset() {
        try? Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
    }

    static var megabytes: Double {
        let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status?.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        let kilobytes = line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        return (kilobytes ?? 0) / 1000
    }
}
