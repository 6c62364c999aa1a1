import Assembly
import Compressors
import Crawler
import Foundation
import Tangle
import Ternary
import TestSupport
import Testing

/// Dumps of all times and forms, read as a source.
@Suite struct DumpTests {
    @Test func everyTransactionIsFoundByItsAddressAndItsHash() async throws {
        let recorded = try RecordedTangle()
        try await DumpScene.with { scene in
            let path = try scene.file("dump", scene.text)
            let dump = try await DumpTangleSource(paths: [path])
            #expect(dump.report.transactions == recorded.order.count)
            #expect(dump.report.rejectedCount == 0)
            #expect(dump.report.files == 1)
            try scene.expectAll(in: dump)
            let byAddress = Dictionary(grouping: recorded.order) {
                recorded.transactions[$0]?.address
            }
            for (address, hashes) in byAddress {
                let indexed = hashes.filter {
                    recorded.transactions[$0].map(DumpScene.isIndexed) ?? false
                }
                #expect(try dump.sighting(at: #require(address)).hashes == indexed)
            }
            let milestones = Dictionary(
                uniqueKeysWithValues: try scene.lines.map { (try Hash($0.hash), $0.milestone) })
            for (hash, milestone) in try dump.confirmed(recorded.order) {
                #expect(milestone.map(Int.init) == milestones[hash])
            }
            #expect(try dump.sighting(at: .null).hashes.isEmpty)
            #expect(try dump.transactions([.null]).isEmpty)
            #expect(try dump.confirmed([.null]).isEmpty)
        }
    }

    @Test func linesOfColumnsAreTakenWhateverSeparatesThem() async throws {
        try await DumpScene.with { scene in
            let first = try #require(scene.lines.first)
            for (separator, end) in [(",", "\n"), (";", "\r\n"), ("\t", "\n"), (" ", "\r\n\n")] {
                let text = scene.lines.prefix(10).map { $0.column(separator: separator) + end }
                    .joined()
                let dump = try await DumpTangleSource(paths: [scene.file("dump", text)])
                #expect(dump.report.transactions == 10)
                #expect(dump.report.rejectedCount == 0)
                let hash = try Hash(first.hash)
                #expect(
                    try dump.confirmed([hash]) == [hash: Int32(first.milestone + 300_000)])
            }
        }
    }

    /// Hash and trytes; and the milestone; and, before it, whether it conflicted.
    @Test func linesOfEveryTimeAreTaken() async throws {
        try await DumpScene.with { scene in
            let lines = scene.lines
            let hash = try Hash(lines[0].hash)
            func confirmed(_ name: String, _ text: String, milestone: Int32? = nil) async throws
                -> [Hash: Int32?]
            {
                let path = try scene.file(name, text)
                let dump = try await DumpTangleSource(paths: [path], milestone: milestone)
                #expect(dump.report.rejectedCount == 0, "\(name)")
                #expect(dump.report.transactions == text.split(separator: "\n").count)
                #expect(try dump.transactions([hash]).count == 1)
                return try dump.confirmed([hash])
            }
            let snapshot = lines.prefix(20).map { "\($0.hash),\($0.trytes)\n" }.joined()
            for name in ["6000", "13157.dmp", "18675.dmp.txt"] {
                let number = Int32(name.prefix { $0.isNumber })
                #expect(try await confirmed(name, snapshot) == [hash: number])
            }
            #expect(try await confirmed("part", snapshot, milestone: 18_675) == [hash: 18_675])
            let early = lines.prefix(20).map { $0.column(milestone: 20_000) + "\n" }.joined()
            #expect(try await confirmed("early", early) == [hash: 20_000])
            #expect(
                try await confirmed("today", scene.columns()) == [
                    hash: Int32(lines[0].milestone + 300_000)
                ])
            let hornet = lines.enumerated().map { index, line in
                "\(line.hash),\(line.trytes),\(index == 1 ? 1 : 0),1600000\n"
            }.joined()
            #expect(try await confirmed("hornet", hornet) == [hash: 1_600_000])
            // What conflicted was not confirmed.
            let dump = try await DumpTangleSource(paths: [scene.path("hornet")])
            let other = try Hash(lines[1].hash)
            #expect(try dump.confirmed([other]).isEmpty)
            #expect(try dump.transactions([other]).count == 1)
            // All of them in one file, of no name that says a milestone.
            let mixed = early + hornet + scene.columns() + scene.text
            #expect(try await confirmed("mixed", mixed) == [hash: 20_000])
            let none = try await DumpTangleSource(paths: [scene.file("none", snapshot)])
            #expect(none.report.rejected == ["no-milestone": 20])
        }
    }

    @Test func badLinesAreCountedByCauseAndLoseNothingElse() async throws {
        try await DumpScene.with { scene in
            let (good, other) = (scene.lines[0], scene.lines[1])
            func object(_ hash: String, _ trytes: String, _ milestone: String) -> String {
                "{\"hash\":\"\(hash)\",\"trytes\":\"\(trytes)\",\"milestone\":\(milestone)}"
            }
            let changed = (good.trytes.hasPrefix("9") ? "A" : "9") + good.trytes.dropFirst()
            let bad: [(String, DumpRejection)] = [
                (object(good.hash, changed, "1"), .wrongHash),
                (object(other.hash, good.trytes, "1"), .wrongHash),
                (object("ABC", good.trytes, "1"), .badHash),
                (object(good.hash, "ABC", "1"), .badTrytes),
                (object(good.hash, good.trytes.lowercased(), "1"), .badTrytes),
                (object(good.hash, good.trytes, "-1"), .badMilestone),
                (object(good.hash, good.trytes, "\"x\""), .malformed),
                ("{\"hash\":\"\(good.hash)\"", .malformed), ("not a line", .malformed),
                ("[]", .malformed), (String(repeating: "9", count: 20_000), .tooLong),
                (String(repeating: "A", count: 3_000_000), .tooLong),
                (good.column() + ",1", .badMilestone), (good.column() + " ", .badMilestone),
                (good.column(milestone: -1), .badMilestone),
                ("\(good.hash),\(good.trytes),", .badMilestone),
                ("\(good.hash),\(good.trytes),4294967296", .badMilestone),
                ("\(good.hash),\(good.trytes),2,1600000", .badMilestone),
                ("\(good.hash),\(good.trytes),0,", .badMilestone),
                ("\(good.hash),\(good.trytes)", .noMilestone),
                (String(good.column().dropFirst()), .wrongHash),
                (String(good.column().dropLast(100)), .malformed),
                (
                    good.column().replacing(
                        good.hash, with: String(repeating: "a", count: 81)), .badHash
                ),
                (good.column().replacing(good.trytes, with: changed), .wrongHash),
                (good.column().replacing(good.trytes.suffix(9), with: "99999999."), .badTrytes),
            ]
            let text =
                ([object(good.hash, good.trytes, "1"), "", "   "] + bad.map(\.0)
                + [object(other.hash, other.trytes, "null")]).joined(separator: "\n")
            let path = try scene.file("dump", text)
            let dump = try await DumpTangleSource(paths: [path])
            #expect(dump.report.transactions == 2)
            #expect(dump.report.lines == Int64(bad.count + 4))
            // The shifted line has a tryte more in its place, or one that is none.
            let shifted = bad.count - 5
            let told = dump.report.rejectedLines.sorted { $0.line < $1.line }
            #expect(told.count == bad.count)
            for (line, (index, expected)) in zip(told, bad.enumerated()) {
                #expect(line.line == Int64(index) + 4)
                #expect(line.file == path)
                if index != shifted { #expect(line.cause == expected.1, "line \(line.line)") }
            }
            #expect(dump.report.rejectedCount == bad.count)
            #expect(dump.report.rejected(.tooLong) == 2)
            #expect(dump.report.faults.isEmpty)
            let hashes = [try Hash(good.hash), try Hash(other.hash)]
            #expect(try Set(dump.transactions(hashes).keys) == Set(hashes))
            // No milestone, not confirmed.
            #expect(try dump.confirmed(hashes) == [hashes[0]: 1])
        }
    }

    @Test func ofManyBadLinesSomeAreListedAndAllCounted() async throws {
        try await DumpScene.with { scene in
            let text = String(repeating: "no line\n", count: 5000) + scene.text
            let dump = try await DumpTangleSource(paths: [scene.file("dump", text)])
            #expect(dump.report.rejected == ["malformed": 5000])
            #expect(dump.report.rejectedLines.count == DumpReport.listedOfCause)
            try scene.expectAll(in: dump)
        }
    }

    @Test func aMilestoneThatMayBeCutOffIsNotBelieved() async throws {
        try await DumpScene.with { scene in
            let hash = try Hash(scene.lines[0].hash)
            let cut = String(scene.lines[0].column(milestone: 1_234_567).dropLast(3))
            let dump = try await DumpTangleSource(paths: [scene.file("dump", cut)])
            #expect(try dump.confirmed([hash]) == [hash: nil])
        }
    }

    @Test func aTransactionInTwoFilesIsOne() async throws {
        try await DumpScene.with { scene in
            let first = try scene.file("first", scene.columns())
            let second = try scene.file("second", scene.columns(scene.lines.reversed()))
            let dump = try await DumpTangleSource(paths: [first, second])
            #expect(dump.report.transactions == 2 * scene.lines.count)
            #expect(dump.report.files == 2)
            try scene.expectAll(in: dump)
        }
    }

    @Test func aFileThatChangesMeanwhileForgesNothing() async throws {
        try await DumpScene.with { scene in
            let lines = scene.lines
            let path = try scene.file("dump", lines[0].column())
            let dump = try await DumpTangleSource(paths: [path])
            let hash = try Hash(lines[0].hash)
            #expect(try dump.transactions([hash]).count == 1)
            let forged = lines[0].column().replacing(lines[0].trytes, with: lines[1].trytes)
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            try file.write(contentsOf: Data(forged.utf8))
            try file.close()
            #expect(try dump.transactions([hash]).isEmpty)
            try Data("something else".utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: DumpError.changed(path: path)) { try dump.transactions([hash]) }
            try FileManager.default.removeItem(atPath: path)
            #expect(throws: DumpError.missing(path: path)) { try dump.transactions([hash]) }
        }
    }

    @Test func filesThatCannotServeAreRefused() async throws {
        await #expect(throws: DumpError.missing(path: "/nowhere/dump")) {
            try await DumpTangleSource(paths: ["/nowhere/dump"])
        }
        for path in ["/dev/null", "/tmp"] {
            await #expect(throws: DumpError.notAFile(path: path)) {
                try await DumpTangleSource(paths: [path])
            }
        }
        try await DumpScene.with { scene in
            let good = try scene.file("good", scene.text)
            let zstd = try scene.file("zstd", [0x28, 0xB5, 0x2F, 0xFD, 0, 0, 0])
            await #expect(
                throws: DumpError.compression(path: zstd, CompressionError.unsupported(.zstd))
            ) { try await DumpTangleSource(paths: [good, zstd]) }
        }
    }

    @Test func whatHasNoTransactionIsGivenUp() async throws {
        try await DumpScene.with { scene in
            var policy = DumpPolicy()
            policy.bytesWithoutTransaction = 1 << 20
            for junk in ["no line\n", "9"] {
                let text = String(repeating: junk, count: (6 << 20) / junk.utf8.count)
                let path = try scene.file("junk", text)
                let dump = try await DumpTangleSource(paths: [path], policy: policy)
                #expect(
                    dump.report.faults.map(\.reason) == [DumpError.noDump(path: path).publicText])
                #expect(dump.report.files == 0)
            }
        }
    }
}
