import Assembly
import Foundation
import Ternary
import TestSupport
import Testing

/// Dumps as gzip and xz, and through pipes.
@Suite struct DumpCompressionTests {
    @Test func packedDumpsAreReadAsPlainOnesAre() async throws {
        try await DumpScene.with { scene in
            let (first, second) = (
                scene.columns(Array(scene.lines.prefix(100))),
                scene.columns(Array(scene.lines.dropFirst(100)))
            )
            let all = Array((first + second).utf8)
            let forms: [(String, [UInt8])] = [
                ("dump.gz", try DumpScene.gzip(all)), ("dump.xz", try DumpScene.xz(all)),
                // Parts that were packed one after the other.
                (
                    "parts.gz",
                    try DumpScene.gzip(Array(first.utf8)) + DumpScene.gzip(Array(second.utf8))
                ),
                (
                    "parts.xz",
                    try DumpScene.xz(Array(first.utf8)) + DumpScene.xz(Array(second.utf8))
                ),
                ("padded.gz", try DumpScene.gzip(all) + [UInt8](repeating: 0, count: 512)),
                // The name says nothing.
                ("plain.gz", all), ("plain", try DumpScene.xz(all)),
            ]
            for (name, bytes) in forms {
                let policies = name.hasPrefix("dump") ? [DumpScene.hurried] : []
                for policy in [DumpPolicy()] + policies {
                    let dump = try await DumpTangleSource(
                        paths: [scene.file(name, bytes)], policy: policy)
                    #expect(dump.report.faults.isEmpty, "\(name)")
                    #expect(dump.report.transactions == scene.lines.count, "\(name)")
                    #expect(dump.report.lines == Int64(scene.lines.count), "\(name)")
                    try scene.expectAll(in: dump, "\(name)")
                }
            }
        }
    }

    @Test func aFileOfTheFirstTimeIsNamedAfterItsMilestonePackedOrNot() async throws {
        try await DumpScene.with { scene in
            let text = scene.lines.map { "\($0.hash),\($0.trytes)\n" }.joined()
            let path = try scene.file("13157.dmp.gz", DumpScene.gzip(Array(text.utf8)))
            let dump = try await DumpTangleSource(paths: [path])
            #expect(dump.report.rejectedCount == 0)
            let hash = try Hash(scene.lines[0].hash)
            #expect(try dump.confirmed([hash]) == [hash: 13_157])
        }
    }

    /// What came before a cut or a fault is taken; that the rest is missing is told.
    @Test func cutAndDamagedDumpsGiveWhatTheyHaveAndAFault() async throws {
        try await DumpScene.with { scene in
            let all = Array(scene.columns().utf8)
            var random = SeededGenerator.announced()
            for (name, packed) in [
                ("gz", try DumpScene.gzip(all)), ("xz", try DumpScene.xz(all)),
            ] {
                var counts: Set<Int> = []
                for _ in 0..<12 {
                    let cut = Int.random(in: 6..<packed.count, using: &random)
                    let path = try scene.file(name, Array(packed.prefix(cut)))
                    let dump = try await DumpTangleSource(paths: [path])
                    #expect(dump.report.faults.map(\.file) == [path], "\(name) \(cut)")
                    #expect(dump.report.files == 0)
                    #expect(dump.report.rejectedCount == 0, "a cut line is no line")
                    #expect(dump.report.transactions < scene.lines.count)
                    counts.insert(dump.report.transactions)
                }
                #expect(counts.count > 3)
                var damaged = packed
                damaged[packed.count * 3 / 4] ^= 0xFF
                let dump = try await DumpTangleSource(paths: [scene.file(name, damaged)])
                #expect(dump.report.faults.count == 1)
                #expect(dump.report.transactions + dump.report.rejectedCount <= scene.lines.count)
            }
        }
    }

    @Test func aDecompressionBombIsGivenUp() async throws {
        try await DumpScene.with { scene in
            let line = [UInt8](scene.lines[0].column().utf8) + [UInt8(ascii: "\n")]
            let lines = Array(repeatElement(line, count: (72 << 20) / line.count).joined())
            let zeros = [UInt8](repeating: 0, count: 72 << 20)
            for (name, bytes) in [
                ("zeros.gz", try DumpScene.gzip(zeros)),
                // Lines that are good, and all the same.
                ("lines.xz", try DumpScene.xz(lines)),
            ] {
                let path = try scene.file(name, bytes)
                let dump = try await DumpTangleSource(paths: [path])
                #expect(
                    dump.report.faults.map(\.reason) == [DumpError.expands(path: path).publicText])
            }
        }
    }

    @Test func aPipeIsReadAsItComes() async throws {
        try await DumpScene.with { scene in
            for bytes in [
                Array(scene.columns().utf8), try DumpScene.gzip(Array(scene.columns().utf8)),
            ] {
                let path = scene.path("pipe-\(bytes.count)")
                try #require(mkfifo(path, 0o600) == 0)
                let writer = Thread {
                    guard let file = FileHandle(forWritingAtPath: path) else { return }
                    try? file.write(contentsOf: Data(bytes))
                    try? file.close()
                }
                writer.start()
                let dump = try await DumpTangleSource(paths: [path])
                #expect(dump.report.transactions == scene.lines.count)
                try scene.expectAll(in: dump)
            }
        }
    }
}
