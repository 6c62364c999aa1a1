import Archive
import Assembly
import Crawler
import Diagnostics
import Foundation
import LocalTangle
import MAM
import NodeClient
import Postgres
import Vault

/// An archive that a crawler has filled from a local node, over HTTP.
struct FilledArchive: Sendable {
    let archive: Archive
    let published: PublishedChannels
    let channels: [ChannelNumber]
    /// Seconds from the first lease to the end of the round that found nothing new.
    let crawlSeconds: Double

    /// Calls with a new archive, and removes everything afterwards.
    static func with(
        on server: PostgresConfiguration,
        _ body: @escaping @Sendable (FilledArchive) async throws -> [Figure]
    ) async throws -> [Figure] {
        try await BenchArchive.with(on: server) { try await body(try await fill($0)) }
    }

    private static func fill(_ archive: Archive) async throws -> FilledArchive {
        let tangle = try LocalTangleServer()
        let result: Result<FilledArchive, any Error>
        do { result = .success(try await fill(archive, from: tangle)) } catch {
            result = .failure(error)
        }
        await tangle.shutdown()
        return try result.get()
    }

    private static func fill(
        _ archive: Archive, from tangle: LocalTangleServer
    ) async throws -> FilledArchive {
        let published = try await PublishedChannels.publish(on: tangle.ledger)
        var channels: [ChannelNumber] = []
        for channel in published.channels {
            channels.append(
                try await archive.register(
                    ChannelRegistration(
                        root: channel.root, mode: .restricted, sideKey: channel.sideKey),
                    now: Date()))
        }
        let crawler = CrawlService(
            archive: archive,
            source: NodeTangleSource(try NodePool(endpoints: [NodeEndpoint(tangle.url)])),
            owner: "bench", log: Log(minimum: .warning),
            instruments: try CrawlInstruments(Metrics()))
        let processor = Timing.processSeconds
        let start = ContinuousClock.now
        let summary = try await crawler.crawlUntilIdle()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        noteShare("crawling", seconds, Timing.processSeconds - processor)
        guard summary.messages == PublishedChannels.messageCount else {
            throw BenchError("\(summary.messages) messages were crawled")
        }
        return FilledArchive(
            archive: archive, published: published, channels: channels, crawlSeconds: seconds)
    }
}
