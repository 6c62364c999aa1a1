import Foundation
import LocalTangle
import Tangle
import Ternary
import TestSupport
import Testing

@Suite struct LedgerLoaderTests {
    /// A line of `tangle.ndjson`.
    struct Line: Codable {
        var hash: String
        var trytes: String
        var milestone: Int?

        var json: String {
            get throws { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
        }
    }

    private func recorded() throws -> [Line] {
        try Fixture.data("tangle.ndjson").split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: $0)
        }
    }

    private func load(_ text: String, into ledger: Ledger) throws -> LedgerLoader.Report {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "\(UUID()).ndjson")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try LedgerLoader.load(path: file.path, into: ledger)
    }

    @Test func loadsEveryRecordedTransactionInItsOrder() throws {
        let ledger = Ledger()
        let report = try LedgerLoader.load(path: recordedTangle, into: ledger)
        let lines = try recorded()
        #expect(lines.count > 300)
        #expect(report == LedgerLoader.Report.accepting(lines.count))
        let hashes = try lines.map { try Hash($0.hash) }
        let entries = ledger.entries(hashes)
        #expect(entries.map { $0?.transaction.trytes.description } == lines.map(\.trytes))
        #expect(entries.map { $0?.milestone } == lines.map(\.milestone))
        #expect(ledger.latestMilestone == lines.compactMap(\.milestone).max())

        let again = try LedgerLoader.load(path: recordedTangle, into: ledger)
        #expect(again.accepted == 0)
        #expect(again.known == lines.count)
    }

    @Test func tellsWhichLinesAreBadAndTakesTheOthers() throws {
        let lines = try recorded()
        var wrongHash = lines[1]
        wrongHash.hash = lines[2].hash
        var badHash = lines[1]
        badHash.hash.removeLast()
        var badTrytes = lines[1]
        badTrytes.trytes = badTrytes.trytes.lowercased()
        var badMilestone = lines[1]
        badMilestone.milestone = -1
        var pending = lines[3]
        pending.milestone = nil
        let text = try [
            lines[0].json, "", wrongHash.json, badHash.json, badTrytes.json, badMilestone.json,
            "{\"hash\":", String(repeating: "x", count: 100_000), lines[0].json,
            pending.json + "\r",
            lines[4].json,
        ].joined(separator: "\n")
        let ledger = Ledger()
        let report = try load(text, into: ledger)
        #expect(report.accepted == 3)
        #expect(report.known == 1)
        #expect(report.rejected == 6)
        let expected: [Int: LedgerLoader.Reason] = [
            3: .wrongHash, 4: .badHash, 5: .badTrytes, 6: .badMilestone, 7: .notJSON, 8: .tooLong,
        ]
        #expect(report.rejections.count == expected.count)
        for rejection in report.rejections {
            #expect(expected[rejection.line] == rejection.reason, "line \(rejection.line)")
        }
        let entry = try #require(ledger.entries([try Hash(pending.hash)])[0])
        #expect(entry.milestone == nil)
    }

    @Test func describesOnlySoManyBadLines() throws {
        let text = String(repeating: "junk\n", count: 1_000)
        let report = try load(text, into: Ledger())
        #expect(report.rejected == 1_000)
        #expect(report.rejections.count == LedgerLoader.maximumDescriptions)
        #expect(report.rejections.last?.line == LedgerLoader.maximumDescriptions)
    }

    @Test func readsAnEmptyFileAndSaysWhichFileIsMissing() throws {
        #expect(try load("", into: Ledger()) == LedgerLoader.Report())
        #expect(throws: LoadError.unreadable(path: "/nowhere.ndjson")) {
            try LedgerLoader.load(path: "/nowhere.ndjson", into: Ledger())
        }
        let folder = FileManager.default.temporaryDirectory.path
        #expect(throws: LoadError.unreadable(path: folder)) {
            try LedgerLoader.load(path: folder, into: Ledger())
        }
    }

    @Test func stopsWhereTheLedgerIsFull() throws {
        #expect(throws: LoadError.ledger(.full(capacity: 10))) {
            try LedgerLoader.load(
                path: recordedTangle, into: Ledger(capacity: 10))
        }
    }
}

extension LedgerLoader.Report {
    fileprivate static func accepting(_ count: Int) -> Self {
        var report = Self()
        report.accepted = count
        return report
    }
}
