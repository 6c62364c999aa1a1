import Archive
import ArchiveTestSupport
import Assembly
import Crawler
import Diagnostics
import Foundation
import MAM
import Tangle
import Ternary
import TestSupport
import Testing

/// What becomes of a dump's messages in the archive.
@Suite struct DumpArchiveTests {
    /// A bundle as it was attached before milestone 242,662: an 81-tryte nonce where tag and
    /// attachment times stand now.
    private static func attachEarly(
        _ bundle: [Transaction], _ random: inout SeededGenerator
    ) throws -> [Transaction] {
        var attached: [Transaction] = []
        var next = Hash.null
        for transaction in bundle.reversed() {
            var ascii = transaction.trytes.ascii
            ascii.replaceSubrange(TransactionLayout.Field.trunk.range, with: next.trytes.ascii)
            ascii.replaceSubrange(
                TransactionLayout.Field.tag.range.lowerBound..<Transaction.tryteCount,
                with: random.trytes(81).ascii)
            let early = try Transaction(trytes: Trytes(ascii: ascii))
            next = early.hash()
            attached.append(early)
        }
        return attached.reversed()
    }

    @Test func messagesOfTheFirstTimeHaveTagAndTimeFromWhereTheyStoodThen() async throws {
        var random = SeededGenerator.announced()
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: "E", count: Hash.tryteCount)), mode: .private,
            securityLevel: 1)
        let root = writer.root
        let written = try writer.write("from the first time")
        let tag = try Trytes("EARLY").padded(to: 27)
        let bundle = try BundleBuilder.bundle(
            address: written.address, messageTrytes: written.payload, tag: tag,
            timestamp: 1_500_000_000)
        let early = try Self.attachEarly(bundle, &random)
        let today = try Attachment.attach(
            bundle, trunk: .null, branch: .null, minWeightMagnitude: 0,
            attachmentTimestamp: 1_600_000_000_123)
        for (transactions, milestone, time) in [
            (early, 20_000, Int64(1_500_000_000_000)),
            // A network of its own, which counts milestones from 1.
            (today, 20_000, 1_600_000_000_123), (today, 300_000, 1_600_000_000_123),
        ] {
            try await TestArchive.with { test in
                let hashes = TransactionHashing.hashes(of: transactions)
                let text = zip(hashes, transactions).map { "\($0),\($1.trytes),\(milestone)\n" }
                let path = test.folder.appendingPathComponent("dump")
                try Data(text.joined().utf8).write(to: path)
                let channel = try await test.archive.register(
                    ChannelRegistration(root: root, mode: .private), now: Date())
                let dump = try await DumpTangleSource(paths: [path.path])
                let crawler = try CrawlService.importing(
                    dump, into: Instance(archive: test.archive), metrics: Metrics(), log: .silent)
                #expect(try await crawler.crawlUntilIdle().messages == 1)
                let stored = try await test.archive.messages(of: channel, MessageRange(), limit: 2)
                let message = try #require(stored.messages.first)
                #expect(message.head.tag == tag)
                #expect(message.head.claimedMilliseconds == time)
                #expect(message.milestone == Int32(milestone))
                #expect(message.confirmed)
            }
        }
    }
}
