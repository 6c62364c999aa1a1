import Archive
import Assembly
import Crawler
import Diagnostics
import Foundation

/// Takes in what dumps have of the registered channels.
enum ImportCommand: Command {
    static let synopsis = Synopsis(
        name: "import",
        summary: "Reads dumps and takes in what they have of the registered channels.",
        operands: .oneOrMore("FILE"), options: [.json],
        notes: """
            FILE is NDJSON of {hash, trytes, milestone}, or a .dmp of milestone 242,662 or later.
            Every hash is recomputed; rejected lines are counted by cause. Give all files of a
            channel's time at once, as a chain leads from one to the other; what came out can be
            imported again without doubling anything.
            """)

    private struct Result: Encodable {
        let dump: DumpTangleSource.Report
        let crawl: CrawlSummary
    }

    static func run(_ arguments: Arguments, _ context: CommandContext) async throws {
        let (console, files) = (context.console, arguments.operands)
        let progress = ProgressLine(console)
        defer { progress.end() }
        let (report, summary) = try await context.withInstance { instance, _, log in
            let dump = try DumpTangleSource(paths: files) { state in
                let percent = state.byteCount == 0 ? 100 : state.bytesRead * 100 / state.byteCount
                progress.show("reading: \(percent) %, \(state.report.transactions) transactions")
            }
            let crawler = try CrawlService.importing(
                dump, into: instance, metrics: Metrics(), log: log)
            let summary = try await crawler.crawlUntilIdle { summary in
                progress.show("importing: \(summary.messages) messages")
            }
            try await instance.archive.recordAct(
                .dumpsImported,
                ["files": String(files.count), "messages": String(summary.messages)], now: Date())
            return (dump.report, summary)
        }
        progress.end()
        let crawl = CrawlSummary(summary)
        if arguments.has("json") {
            try console.json(Result(dump: report, crawl: crawl))
        } else {
            try console.write(Table.fields(fields(of: report)))
            try crawl.write(to: console, asJSON: false)
        }
        if summary.unreachable {
            throw CommandFailure(.failed, "a dump could not be read to its end: see the warnings")
        }
        try crawl.requireNoFailures()
        if report.transactions == 0, report.rejectedCount > 0 {
            throw CommandFailure(.failed, "no line of the dumps could be taken")
        }
    }

    private static func fields(of report: DumpTangleSource.Report) -> [(String, String)] {
        let rejected = DumpRejection.allCases.compactMap { cause -> (String, String)? in
            let count = report.rejected(cause)
            return count == 0 ? nil : ("rejected lines", "\(count) (\(cause.explanation))")
        }
        return [("transactions", String(report.transactions))] + rejected
    }
}
