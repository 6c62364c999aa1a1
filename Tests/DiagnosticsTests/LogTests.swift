import Diagnostics
import Failures
import Foundation
import Synchronization
import Testing

/// Keeps the lines of a log.
private final class Lines: Sendable {
    private let kept = Mutex<[String]>([])
    var all: [String] { kept.withLock { $0 } }
    func append(_ line: String) { kept.withLock { $0.append(line) } }
}

private struct Broken: Failure {
    var subject: String? = "node-1"
    let code = "node.unreachable"
    let operation = "find transactions"
    let retryable = true
    let publicText = "The node does not answer."
    let operatorText = "The node does not answer:\nconnection refused."
}

private struct Entry: Decodable {
    struct Fields: Decodable {
        var text: String?
        var code: String?
        var operation: String?
        var subject: String?
        var retryable: Bool?
        var reason: String?
        var channel: String?
        var count: Int?
        var ratio: Double?
        var odd: String?
        var omittedFields: Int?
    }
    let time: String
    let level: String
    let component: String
    let message: String
    let fields: Fields
}

@Suite struct LogTests {
    private let lines = Lines()

    private func log(_ format: LogFormat, minimum: LogLevel = .debug) -> Log {
        Log(
            component: "crawler", minimum: minimum, format: format,
            clock: { Date(timeIntervalSince1970: 1_600_000_000.25) },
            sink: { [lines] in lines.append($0) })
    }

    private func entry() throws -> Entry {
        let line = try #require(lines.all.last)
        return try JSONDecoder().decode(Entry.self, from: Data(line.utf8))
    }

    @Test func textLineHasTimeLevelComponentMessageAndFieldsInOrder() {
        log(.text).info("archived", ["count": 3, "by": "second look", "ratio": 0.5, "late": true])
        #expect(
            lines.all == [
                "2020-09-13T12:26:40.250Z INFO crawler: archived"
                    + " count=3 by=\"second look\" ratio=0.5 late=true\n"
            ])
    }

    @Test func jsonLineIsAnObject() throws {
        log(.json).warning("slow", ["count": 7, "ratio": 1.5, "odd": .double(.nan)])
        let entry = try entry()
        #expect(entry.time == "2020-09-13T12:26:40.250Z")
        #expect(entry.level == "warning")
        #expect(entry.component == "crawler")
        #expect(entry.message == "slow")
        #expect(entry.fields.count == 7)
        #expect(entry.fields.ratio == 1.5)
        #expect(entry.fields.odd == "nan")
    }

    @Test(arguments: LogLevel.allCases)
    func linesBelowTheMinimumAreNeitherWrittenNorBuilt(minimum: LogLevel) {
        let log = log(.text, minimum: minimum)
        var built = 0
        func fields() -> LogFields {
            built += 1
            return [:]
        }
        log.debug("a", fields())
        log.info("b", fields())
        log.warning("c", fields())
        log.error("d", fields())
        let expected = LogLevel.allCases.count { $0 >= minimum }
        #expect(lines.all.count == expected)
        #expect(built == expected)
    }

    @Test(arguments: [
        "a\nb", "a\r\nb", "a\u{0}b", "a\u{1B}[2Jb", "a\u{7F}b", "a\u{85}b", "a\u{2028}b",
        "a\u{2029}b", "a\u{202E}b", "a\u{E0001}b", "a\"b", "a\\b", "größer 🙂", "", "=", "a b",
    ])
    func foreignTextStaysInItsLineAndComesBackFromJSON(text: String) throws {
        log(.json).info("got", ["text": .string(text)])
        log(.text).info("got", ["text": .string(text)])
        for line in lines.all {
            #expect(line.hasSuffix("\n"))
            let inside = line.dropLast().unicodeScalars
            let unsafe = inside.filter { scalar in
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: true
                default: false
                }
            }
            #expect(unsafe.isEmpty)
        }
        let first = try #require(lines.all.first)
        let entry = try JSONDecoder().decode(Entry.self, from: Data(first.utf8))
        #expect(entry.fields.text == text)
    }

    @Test func aValueInTextCannotPassForAnotherField() {
        log(.text).info("got", ["text": "x admin=true", "next": "1"])
        #expect(lines.all.last?.hasSuffix("got text=\"x admin=true\" next=1\n") == true)
    }

    @Test(arguments: LogFormat.allCases, ["x", "\u{1}", "🙂", "\""])
    func aLineIsBounded(format: LogFormat, filler: String) throws {
        let long = LogValue(String(repeating: filler, count: 100_000))
        log(format).error(
            "long", ["a": long, "b": long, "c": long, "d": long, "e": long, "count": 5])
        let line = try #require(lines.all.last)
        #expect(line.utf8.count <= LogLine.maximumBytes)
        #expect(line.utf8.count > LogLine.maximumBytes / 2)
        #expect(line.contains("…"))
        guard format == .json else { return }
        let entry = try entry()
        #expect(entry.fields.omittedFields ?? 0 > 0)
        #expect(entry.fields.count == 5)
    }

    @Test func aFailureIsWrittenWithWhatAnOperatorNeeds() throws {
        log(.json).failure(Broken(), "look failed", ["channel": "abc"])
        let fields = try entry().fields
        #expect(try entry().level == "error")
        #expect(fields.channel == "abc")
        #expect(fields.code == "node.unreachable")
        #expect(fields.operation == "find transactions")
        #expect(fields.subject == "node-1")
        #expect(fields.retryable == true)
        #expect(fields.reason == "The node does not answer:\nconnection refused.")
    }

    @Test func aFailureWithoutSubjectHasNoSuchField() throws {
        log(.json).failure(Broken(subject: nil), "look failed", level: .warning)
        #expect(try entry().level == "warning")
        #expect(try entry().fields.subject == nil)
        #expect(lines.all.last?.contains("subject") == false)
    }

    @Test func boundFieldsAreOnEachLineAndTheLastValueOfANameCounts() {
        let log = log(.text).component("eraser", ["channel": "abc", "count": 1])
        log.info("step", ["count": 2])
        log.with(["run": 9]).info("step")
        #expect(
            lines.all.map { $0.drop { $0 != "e" } } == [
                "eraser: step channel=abc count=2\n",
                "eraser: step channel=abc count=1 run=9\n",
            ])
    }
}
