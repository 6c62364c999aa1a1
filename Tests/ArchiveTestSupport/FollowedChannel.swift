import Archive
import Crawler
import Diagnostics
import Foundation
import MAM
import TestSupport
import Vault

extension TestArchive {
    /// A crawler on this archive.
    package func crawler(
        _ source: any TangleSource, clock: TestClock, policy: CrawlPolicy = CrawlPolicy(),
        owner: String = "test"
    ) throws -> CrawlService {
        CrawlService(
            archive: archive, source: source, policy: policy, owner: owner,
            clock: { clock.now }, log: .silent, instruments: try CrawlInstruments(Metrics()))
    }

    /// Registers a channel of the vectors with the side keys its messages were written under,
    /// or only the first `keys` of them.
    package func register(
        _ vector: ChannelVector, subject: String? = nil, keys: Int = .max, now: Date
    ) async throws -> ChannelNumber {
        let first = vector.messages[0]
        let channel = try await archive.register(
            ChannelRegistration(
                root: Root(first.root), mode: vector.mode,
                sideKey: try first.sideKey.map { try SideKey($0) },
                subjects: subject.map { [$0] } ?? [],
                label: vector.name),
            now: now)
        var known: Set<String> = []
        let sideKeys = vector.messages.compactMap(\.sideKey).filter { known.insert($0).inserted }
        for key in sideKeys.prefix(keys).dropFirst() {
            try await archive.add(SideKey(key), to: channel, now: now)
        }
        return channel
    }

    /// All stored messages of a channel in the order of the chain, decrypted.
    package func read(_ channel: ChannelNumber) async throws -> [(
        stored: StoredMessage, message: Message
    )] {
        try await archive.readAll(of: channel)
    }
}
