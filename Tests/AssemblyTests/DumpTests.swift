import Archive
import ArchiveTestSupport
import Assembly
import Crawler
import Foundation
import Tangle
import Ternary
import TestSupport
import Testing

/// Dumps, read as a source.
@Suite struct DumpTests {
    private struct Line: Decodable {
        let hash: String
        let trytes: String
        let milestone: Int
    }

    private static func recorded() throws -> [Line] {
        try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: $0)
        }
    }

    private static func withFile(
        _ text: String, _ body: (String) async throws -> Void
    ) async throws {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("permanode-dump-\(UUID().uuidString)")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try await body(file.path)
    }

    /// A line of a dump of the mainnet; its milestones have six digits and more.
    private static func column(_ line: Line, milestone: Int? = nil, separator: String = ",")
        -> String
    {
        [line.hash, line.trytes, String(milestone ?? line.milestone + 300_000)]
            .joined(separator: separator)
    }

    @Test func everyTransactionIsFoundByItsAddressAndItsHash() async throws {
        let recorded = try RecordedTangle()
        #expect(!recorded.order.isEmpty)
        let text = String(decoding: try Fixture.data("tangle.ndjson"), as: UTF8.self)
        try await Self.withFile(text) { path in
            let dump = try DumpTangleSource(paths: [path])
            #expect(dump.report.transactions == recorded.order.count)
            #expect(dump.report.rejectedCount == 0)
            #expect(try dump.transactions(recorded.order) == recorded.transactions)
            let byAddress = Dictionary(grouping: recorded.order) {
                recorded.transactions[$0]?.address
            }
            for (address, hashes) in byAddress {
                #expect(try dump.sighting(at: #require(address)).hashes == hashes)
            }
            let confirmed = try dump.confirmed(recorded.order)
            for line in try Self.recorded() {
                #expect(confirmed[try Hash(line.hash)] == .some(.some(Int32(line.milestone))))
            }
            #expect(try dump.sighting(at: .null).hashes.isEmpty)
            #expect(try dump.transactions([.null]).isEmpty)
            #expect(try dump.confirmed([.null]).isEmpty)
        }
    }

    @Test func linesOfColumnsAreTakenWhateverSeparatesThem() async throws {
        let lines = try Self.recorded()
        let first = try #require(lines.first)
        for (separator, end) in [(",", "\n"), (";", "\r\n"), ("\t", "\n")] {
            let text = lines.prefix(10).map { Self.column($0, separator: separator) }
                .joined(separator: end)
            try await Self.withFile(text) { path in
                let dump = try DumpTangleSource(paths: [path])
                #expect(dump.report.transactions == 10)
                #expect(dump.report.rejectedCount == 0)
                let hash = try Hash(first.hash)
                #expect(
                    try dump.confirmed([hash]) == [hash: Int32(first.milestone + 300_000)])
            }
        }
    }

    @Test func badLinesAreCountedByCauseAndLoseNothingElse() async throws {
        let lines = try Self.recorded()
        let good = try #require(lines.first)
        let other = lines[1]
        func object(_ hash: String, _ trytes: String, _ milestone: String) -> String {
            "{\"hash\":\"\(hash)\",\"trytes\":\"\(trytes)\",\"milestone\":\(milestone)}"
        }
        let changed = "9" + good.trytes.dropFirst(1)
        let text = [
            object(good.hash, good.trytes, "1"), "", "   ",
            object(good.hash, changed == good.trytes ? "A" + changed.dropFirst() : changed, "1"),
            object(other.hash, good.trytes, "1"),
            object("ABC", good.trytes, "1"), object(good.hash, "ABC", "1"),
            object(good.hash, good.trytes.lowercased(), "1"),
            object(good.hash, good.trytes, "-1"), object(good.hash, good.trytes, "\"x\""),
            "{\"hash\":\"\(good.hash)\"", "not a line", "[]",
            String(repeating: "9", count: 20_000), String(repeating: "A", count: 3_000_000),
            Self.column(good, milestone: 242_661), Self.column(good) + ",1",
            Self.column(good).replacing(good.hash, with: String(repeating: "a", count: 81)),
            object(other.hash, other.trytes, "null"),
        ].joined(separator: "\n")
        try await Self.withFile(text) { path in
            let dump = try DumpTangleSource(paths: [path])
            #expect(dump.report.transactions == 2)
            #expect(
                dump.report.rejected == [
                    "wrong-hash": 2, "bad-hash": 2, "bad-trytes": 2, "bad-milestone": 2,
                    "malformed": 4, "too-long": 2, "unsupported-era": 1,
                ])
            let hashes = [try Hash(good.hash), try Hash(other.hash)]
            #expect(try Set(dump.transactions(hashes).keys) == Set(hashes))
            // No milestone, not confirmed.
            #expect(try dump.confirmed(hashes) == [hashes[0]: 1])
        }
    }

    @Test func aTransactionInTwoFilesIsOne() async throws {
        let lines = try Self.recorded().prefix(3).map { Self.column($0) }
        try await Self.withFile(lines.joined(separator: "\n")) { first in
            try await Self.withFile(lines.reversed().joined(separator: "\n")) { second in
                let dump = try DumpTangleSource(paths: [first, second])
                #expect(dump.report.transactions == 6)
                for line in try Self.recorded().prefix(3) {
                    let transaction = try Transaction(trytes: Trytes(line.trytes))
                    let hashes = try dump.sighting(at: transaction.address).hashes
                    #expect(Set(hashes).count == hashes.count)
                    #expect(hashes.contains(try Hash(line.hash)))
                }
            }
        }
    }

    @Test func aFileThatChangesMeanwhileForgesNothing() async throws {
        let lines = try Self.recorded()
        try await Self.withFile(Self.column(lines[0])) { path in
            let dump = try DumpTangleSource(paths: [path])
            let forged = Self.column(lines[0])
                .replacing(lines[0].trytes, with: lines[1].trytes)
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            try file.write(contentsOf: Data(forged.utf8))
            try file.close()
            #expect(try dump.transactions([Hash(lines[0].hash)]).isEmpty)
        }
    }

    @Test func filesThatCannotServeAreRefused() async throws {
        #expect(throws: DumpError.missing(path: "/nowhere/dump")) {
            try DumpTangleSource(paths: ["/nowhere/dump"])
        }
        #expect(throws: DumpError.notAFile(path: "/dev/null")) {
            try DumpTangleSource(paths: ["/dev/null"])
        }
        let lines = try Self.recorded().prefix(3).map { Self.column($0) }
        try await Self.withFile(lines.joined(separator: "\n")) { path in
            #expect(throws: DumpError.tooManyTransactions(limit: 2)) {
                try DumpTangleSource(paths: [path], maximumTransactions: 2)
            }
        }
    }
}
