import Archive
import ArchiveTestSupport
import Foundation
import MAM
import Postgres
import Tangle
import Ternary
import TestSupport
import Testing
import Vault

import struct Tangle.Bundle

/// Messages as a crawler verified them, without a crawler.
enum Verified {
    /// Messages of a channel's first trees, one leaf each.
    static func messages(_ seed: Character, count: Int, mode: ChannelMode = .private) throws
        -> [VerifiedMessage]
    {
        var writer = try ChannelWriter(
            seed: Seed(String(repeating: seed, count: 81)), mode: mode, securityLevel: 1)
        return try (0..<count).map { number in
            let written = try writer.write("message \(number) of \(seed)")
            return try verified(written, position: Int64(number), bundle: bundle(written))
        }
    }

    static func verified(_ written: WrittenMessage, position: Int64, bundle: Bundle) throws
        -> VerifiedMessage
    {
        let request = ReadRequest(payload: written.payload, root: written.root, sideKey: nil)
        return VerifiedMessage(
            position: position, root: written.root, sideKey: nil,
            message: try #require(MessageReader.read([request], .full).first).get(),
            bundle: bundle)
    }

    static func bundle(_ written: WrittenMessage, time: Int64 = 1_700_000_000_000) throws -> Bundle
    {
        let built = try BundleBuilder.bundle(
            address: written.address, messageTrytes: written.payload,
            tag: Trytes(validated: []), timestamp: time / 1000)
        return try Bundle(
            Attachment.attach(
                built, trunk: .null, branch: .null, minWeightMagnitude: 0,
                attachmentTimestamp: time))
    }
}

extension TestArchive {
    func register(_ root: Root, label: String? = nil, subject: String? = nil, now: Date)
        async throws -> ChannelNumber
    {
        try await archive.register(
            ChannelRegistration(
                root: root, mode: .private, subjects: subject.map { [$0] } ?? [], label: label),
            now: now)
    }

    func lease(_ channel: ChannelNumber, now: Date) async throws -> CrawlAssignment {
        let leased = try await archive.acquireLeases(
            owner: "test", limit: 100, duration: 60, schedule: .notLookedAtSince(.distantFuture),
            now: now)
        return try #require(leased.first { $0.lease.channel == channel })
    }

    /// Registers a channel and stores messages of its first trees.
    func fill(_ seed: Character, count: Int, label: String? = nil, now: Date) async throws
        -> ChannelNumber
    {
        let messages = try Verified.messages(seed, count: count)
        let channel = try await register(messages[0].root, label: label, now: now)
        var findings = CrawlFindings(lease: try await lease(channel, now: now).lease)
        findings.messages = messages
        findings.end = LookEnd(state: .following, reason: nil, nextLookAt: now)
        let outcomes = try await archive.commit([findings], now: now)
        #expect(outcomes == [.stored(messages: count, attachments: 0, chain: .none)])
        return channel
    }

    func execute(_ sql: String, _ parameters: [PostgresValue] = []) async throws {
        _ = try await pool.withConnection { try await $0.execute(sql, parameters) }
    }

    /// Everything that is stored, as text, to see whether anything changed.
    func snapshot() async throws -> [String] {
        try await pool.withConnection { connection in
            var rows: [String] = []
            for table in [
                "channel", "channel_subject", "tree", "message", "attachment", "candidate",
                "side_key", "subject",
                "token", "tombstone",
            ] {
                rows += try await connection.query(
                    "select '\(table) ' || t::text as line from \(table) t order by 1"
                ).map { try $0.text("line") }
            }
            return rows
        }
    }
}

/// Whether an error says that a stored value does not open or does not parse.
func tellsOfDamage(_ error: any Error) -> Bool {
    (error as? ArchiveError)?.code.hasPrefix("archive.damaged") ?? false
}
