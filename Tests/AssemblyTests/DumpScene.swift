import Assembly
import Compressors
import Crawler
import Foundation
import Tangle
import Ternary
import TestSupport
import Testing

/// A folder with dumps of the recorded traffic in all forms.
struct DumpScene: Sendable {
    struct Line: Decodable, Sendable {
        let hash: String
        let trytes: String
        let milestone: Int

        /// A line of a dump of the mainnet; its milestones have six digits and more.
        func column(milestone: Int? = nil, separator: String = ",") -> String {
            [hash, trytes, String(milestone ?? self.milestone + 300_000)]
                .joined(separator: separator)
        }
    }

    let folder: URL
    /// The recorded traffic, as NDJSON and read.
    let text: String
    let lines: [Line]

    /// Calls with a new folder, and removes it afterwards.
    static func with(_ body: (DumpScene) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("permanode-dump-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let data = try Fixture.data("tangle.ndjson")
        let lines = try data.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: $0)
        }
        try #require(lines.count > 300)
        try await body(
            DumpScene(
                folder: folder, text: String(decoding: data, as: UTF8.self), lines: lines))
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: folder.appendingPathComponent(name))
        return path(name)
    }

    func file(_ name: String, _ text: String) throws -> String {
        try file(name, Array(text.utf8))
    }

    /// All lines as columns, each with its line end.
    func columns(_ lines: [Line]? = nil, end: String = "\n") -> String {
        (lines ?? self.lines).map { $0.column() + end }.joined()
    }

    static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        try #require(GzipEncoder()).encode(bytes[...], .finish)
    }

    static func xz(_ bytes: [UInt8]) throws -> [UInt8] {
        try #require(XzEncoder()).encode(bytes[...], isLast: true)
    }

    /// Small portions, so that a small dump has many, and each is committed.
    static var hurried: DumpPolicy {
        var policy = DumpPolicy()
        policy.commitInterval = .zero
        policy.entriesPerRun = 1
        policy.linesPerBatch = 5
        return policy
    }

    /// Which transactions can be of messages; the others are counted only.
    static func isIndexed(_ transaction: Transaction) -> Bool { transaction.lastIndex > 0 }

    /// Whether the source has all of the recorded traffic that can be of messages.
    func expectAll(in dump: DumpTangleSource, _ comment: Comment? = nil) throws {
        let recorded = try RecordedTangle()
        let wanted = recorded.order.filter {
            recorded.transactions[$0].map(Self.isIndexed) ?? false
        }
        #expect(wanted.count > 300)
        let found = try dump.transactions(wanted)
        #expect(found.count == wanted.count, comment)
        #expect(found.allSatisfy { recorded.transactions[$0.key] == $0.value }, comment)
        let byAddress = Dictionary(grouping: wanted) { recorded.transactions[$0]?.address }
        for (address, hashes) in byAddress {
            let sighting = try dump.sighting(at: #require(address))
            #expect(Set(sighting.hashes) == Set(hashes), comment)
            #expect(sighting.hashes.count == hashes.count, comment)
        }
        #expect(try dump.confirmed(wanted).count == wanted.count, comment)
    }
}
